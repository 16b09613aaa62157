// SPDX-License-Identifier: Apache-2.0
// What the page remembers of numbers: bounded, in this page only, and gone with it.

export const samplesMax = 300; // ten minutes at two seconds

// Samples of one row of the snapshot, oldest first.
export class History {
    #samples = [];

    add(at, values) {
        if (this.#samples.at(-1)?.at === at)
            return;
        this.#samples.push({at, values});
        if (this.#samples.length > samplesMax)
            this.#samples.shift();
    }

    get length() {
        return this.#samples.length;
    }

    // {x: ms, y: value}; y is null where nothing is known, so that a plot has a gap there.
    levels(name) {
        return this.#samples.map(({at, values}) => ({x: at, y: values[name] ?? null}));
    }

    rates(name) {
        const points = [];
        for (let i = 1; i < this.#samples.length; ++i) {
            const [before, now] = [this.#samples[i - 1], this.#samples[i]];
            points.push({x: now.at, y: rateBetween(before.at, before.values[name],
                                                   now.at, now.values[name])});
        }
        return points;
    }
}

// A second; null when a number is missing, no time has passed, or the counter began again.
export function rateBetween(atBefore, before, atNow, now) {
    const elapsed = (atNow - atBefore) / 1000;
    if (!(elapsed > 0) || !Number.isFinite(before) || !Number.isFinite(now) || now < before)
        return null;
    return (now - before) / elapsed;
}

// The histories of the last few rows that somebody looked at.
export class Histories {
    #kept = new Map();
    #max;

    constructor(max = 32) {
        this.#max = max;
    }

    of(key) {
        const history = this.#kept.get(key) ?? new History();
        this.#kept.delete(key);
        this.#kept.set(key, history); // the last one looked at goes last
        if (this.#kept.size > this.#max)
            this.#kept.delete(this.#kept.keys().next().value);
        return history;
    }

    clear() {
        this.#kept.clear();
    }
}

// Where the share `q` of a histogram lies, between the bounds of its bucket. Infinity: beyond the
// last bound; null: nothing was counted.
export function quantile(bounds, counts, q) {
    const total = counts.reduce((sum, n) => sum + n, 0);
    if (total === 0)
        return null;
    let rank = q * total;
    for (let i = 0; i < counts.length; ++i) {
        if (rank <= counts[i] && counts[i] > 0) {
            if (i >= bounds.length)
                return Infinity;
            const low = i === 0 ? 0 : bounds[i - 1];
            return low + (bounds[i] - low) * (rank / counts[i]);
        }
        rank -= counts[i];
    }
    return Infinity;
}

// Counts of the last minute of each histogram: what is kept is one set of counts every few seconds.
export class RecentCounts {
    #samples = []; // {at, counts: Map(metric -> counts)}
    #windowMs = 60_000;

    add(at, histograms) {
        if (this.#samples.length && at - this.#samples.at(-1).at < this.#windowMs / 30)
            return;
        this.#samples.push({at, counts: new Map(histograms.map((x) => [x.metric, x.counts]))});
        while (this.#samples.length > 2 && at - this.#samples[1].at >= this.#windowMs)
            this.#samples.shift();
    }

    of(histogram) {
        const before = this.#samples[0]?.counts.get(histogram.metric);
        return before ? histogram.counts.map((n, i) => Math.max(0, n - (before[i] ?? 0)))
                      : histogram.counts;
    }

    clear() {
        this.#samples = [];
    }
}
