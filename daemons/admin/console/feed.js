// SPDX-License-Identifier: Apache-2.0
// Asks for the snapshot again and again and remembers what plots and rates need. Views say which
// rows they want, and are told after each answer, and when answers stay away.

import {Histories, History, RecentCounts, rateBetween} from './history.js';

const pause = 2_000;         // ms between an answer and the next question
const pauseHidden = 15_000;  // while nobody looks at the page
const pausesOfTrouble = [1_000, 2_000, 5_000];
const pageRows = 1_000;
export const rowsMax = 10_000; // of one kind; beyond it the filter asks the daemon by prefix
export const staleAfter = 8_000;

export class Feed {
    phase = 'loading'; // live, unreachable, locked (reading needs the token), failing
    error = null;      // while not live
    since = Date.now(); // of the phase
    answeredAt = 0;     // by our clock; 0: never
    snapshot = null;
    kinds = new Map(); // kind -> {columns, texts, rows, count, leftOut}
    totals = new History();
    recent = new RecentCounts();
    isPaused = false;
    restarts = 0; // how often the daemon was another process than before
    lastAsk = 0;  // ms that the last question took

    #api;
    #tell;
    #wanted = {};
    #histories = new Histories();
    #timer = null;
    #turn = 0;

    // `tell` is called after each answer and each failure.
    constructor(api, tell) {
        this.#api = api;
        this.#tell = tell;
        document.addEventListener('visibilitychange', () => this.#schedule(0));
        api.onToken(() => this.#schedule(0));
    }

    // {kind, prefix, rows, track}: rows 0 is as many as there are, up to rowsMax; `track` is a name
    // whose history is kept.
    want(wanted) {
        this.#wanted = wanted;
        this.#schedule(0);
    }

    setPaused(paused) {
        this.isPaused = paused;
        this.#schedule(0);
    }

    now() {
        return this.#schedule(0);
    }

    history(kind, name) {
        return this.#histories.of(`${kind}/${name}`);
    }

    get isStale() {
        return this.answeredAt > 0 && !this.isPaused && Date.now() - this.answeredAt > staleAfter;
    }

    #schedule(wait) {
        clearTimeout(this.#timer);
        const turn = ++this.#turn; // an answer to an older question is dropped
        this.#timer = setTimeout(() => this.#ask(turn), wait);
    }

    async #ask(turn) {
        const began = performance.now();
        let wait = document.hidden ? pauseHidden : pause;
        try {
            const answer = await this.#pages(this.#wanted, turn);
            if (turn !== this.#turn)
                return;
            this.lastAsk = performance.now() - began;
            this.#take(answer);
            this.#enter('live', null);
            wait = Math.max(wait, 10 * this.lastAsk);
        } catch (error) {
            if (turn !== this.#turn)
                return;
            if (error.code === undefined)
                console.error(error);
            const phase = error.code === 0 ? 'unreachable'
                        : error.code === 401 || error.code === 403 ? 'locked' : 'failing';
            this.failures = (this.failures ?? 0) + 1;
            this.#enter(phase, error);
            wait = pausesOfTrouble[Math.min(this.failures, pausesOfTrouble.length) - 1];
        }
        this.#tell(this);
        if (!this.isPaused || this.phase !== 'live')
            this.#schedule(wait);
    }

    #enter(phase, error) {
        if (phase !== this.phase)
            this.since = Date.now();
        if (phase === 'live') {
            this.failures = 0;
            this.answeredAt = Date.now();
        }
        this.phase = phase;
        this.error = error;
    }

    // One snapshot, its rows put together from as many pages as it takes.
    async #pages(wanted, turn) {
        const query = {kind: wanted.kind, prefix: wanted.prefix, rows: wanted.rows || pageRows};
        const snapshot = await this.#api.get('status', query);
        if (wanted.rows || !wanted.kind)
            return {snapshot, wanted};
        const rows = snapshot.objects?.[wanted.kind] ?? [];
        rows.forEach((row) => { row.taken_ms = snapshot.taken_ms; });
        let left = snapshot.left_out?.[wanted.kind] ?? 0;
        while (left > 0 && rows.length < rowsMax && turn === this.#turn) {
            const next = await this.#api.get('status', {...query, after: rows.at(-1).name});
            const more = next.objects?.[wanted.kind] ?? [];
            if (more.length === 0)
                break;
            more.forEach((row) => { row.taken_ms = next.taken_ms; });
            rows.push(...more);
            left = next.left_out?.[wanted.kind] ?? 0;
        }
        snapshot.left_out = {...snapshot.left_out, [wanted.kind]: left};
        return {snapshot, wanted};
    }

    #take({snapshot, wanted}) {
        if (this.snapshot && this.snapshot.started_ms !== snapshot.started_ms) {
            this.totals = new History();
            this.#histories.clear();
            this.recent.clear();
            this.kinds.clear();
            ++this.restarts;
        }
        const totalsKind = snapshot.totals_kind
            ?? Object.keys(snapshot.columns).find((kind) => !(kind in (snapshot.objects ?? {})));
        snapshot.totals_columns = snapshot.columns[totalsKind] ?? [];
        this.snapshot = snapshot;
        this.totals.add(snapshot.taken_ms, snapshot.totals);
        this.recent.add(snapshot.taken_ms, snapshot.histograms ?? []);
        for (const [kind, rows] of Object.entries(snapshot.objects ?? {}))
            if (!wanted.kind || kind === wanted.kind)
                this.#takeKind(kind, rows, snapshot, wanted);
    }

    #takeKind(kind, rows, snapshot, wanted) {
        const columns = snapshot.columns[kind] ?? [];
        const texts = snapshot.text_columns?.[kind]
            ?? Object.entries(rows[0] ?? {}).filter(([, value]) => typeof value === 'string')
                .map(([key]) => key).filter((key) => key !== 'name');
        const old = this.kinds.get(kind);
        const before = new Map((old?.rows ?? []).map((row) => [row.name, row]));
        const counters = columns.filter((column) => column.kind === 'counter');
        for (const row of rows) {
            row.taken_ms ??= snapshot.taken_ms;
            const last = before.get(row.name);
            row.rates = {};
            for (const {name} of counters)
                row.rates[name] = last
                    ? rateBetween(last.taken_ms, last[name], row.taken_ms, row[name]) : null;
        }
        const leftOut = snapshot.left_out?.[kind] ?? 0;
        const count = wanted.prefix ? old?.count ?? null : rows.length + leftOut;
        this.kinds.set(kind, {columns, texts, rows, count, leftOut, prefix: wanted.prefix ?? ''});
        if (wanted.track !== undefined) {
            const row = rows.find((each) => each.name === wanted.track);
            if (row)
                this.history(kind, row.name).add(row.taken_ms, row);
        }
    }
}
