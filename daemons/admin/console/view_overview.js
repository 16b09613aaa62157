// SPDX-License-Identifier: Apache-2.0
// The daemon as a whole: whether it is ready, what passes through it, how long that takes.

import {append, button, facts, h, replace, section, setText, show} from './dom.js';
import {amount, label, moment, rate, seconds, visible} from './format.js';
import {quantile, rateBetween} from './history.js';
import {overviewFirst, overviewPlots, plainPlots} from './known.js';
import {PlotRow} from './plots.js';
import {DataTable, textColumn} from './table.js';
import {Actions} from './actions.js';

export function overview(app) {
    const readiness = h('p', {class: 'ready'});
    const reasons = h('ul', {class: 'reasons', hidden: true});
    const warnings = h('ul', {class: 'reasons', 'aria-label': 'Warnings', hidden: true});
    const about = facts();
    const endpoints = h('ul', {class: 'plain'});
    const tiles = h('dl', {class: 'tiles'});
    const plots = new PlotRow();
    const figures = new DataTable({
        caption: 'All figures of this daemon', pageRows: 100, keyOf: (row) => row.name, columns: [
            textColumn('name', 'Figure', (row) => label(row.name)),
            {id: 'value', label: 'Now', isNumber: true, value: (row) => row.value,
             text: (row) => amount(row.value, row.unit)},
            {id: 'rate', label: 'A second', isNumber: true, value: (row) => row.rate,
             text: (row) => (row.kind === 'counter' ? rate(row.rate, row.unit) : '')},
            {id: 'help', label: 'Meaning', text: (row) => row.help},
        ]});
    const share = (label, q, counts) => ({id: label, label, isNumber: true,
                                          text: (row) => within(row.bounds, row[counts], q)});
    const latencies = new DataTable({
        caption: 'How long things take', keyOf: (row) => row.metric, columns: [
            {id: 'metric', label: 'What', text: (row) => row.help},
            share('Half within', 0.5, 'recent'),
            share('99 % within', 0.99, 'recent'),
            share('99.9 % within', 0.999, 'recent'),
            share('99 % since the start', 0.99, 'counts'),
        ]});
    const latencySection = section('Latency of the last minute', latencies.element);
    const reload = button('Reload settings', () => reloadSettings(app));
    const actions = new Actions(app, [reload]);
    const root = h('div', {}, h('h1', {tabindex: '-1'}, 'Overview'),
        section('Readiness', readiness, reasons, warnings, about.element),
        section('Now', tiles), section('Last minutes', plots.element), latencySection,
        section('Endpoints', endpoints), actions.element,
        section('All figures', figures.element));

    return {
        title: 'Overview', root, wants: {rows: 1},
        update(feed) {
            const {snapshot} = feed;
            const isReady = snapshot.state === 'ready' && snapshot.not_ready.length === 0;
            const why = snapshot.state === 'not_ready' ? '' : `: ${snapshot.state}`;
            setText(readiness, isReady ? '✓ Ready: takes work' : `✗ Not ready${why}`);
            readiness.className = isReady ? 'ready good' : 'ready bad';
            show(reasons, snapshot.not_ready.length > 0);
            fillList(reasons, snapshot.not_ready);
            show(warnings, snapshot.warnings.length > 0);
            fillList(warnings, snapshot.warnings);
            fillList(endpoints, snapshot.endpoints.length ? snapshot.endpoints : ['None']);
            about.update([
                ['Program', `${snapshot.program} ${snapshot.version}`],
                ['Process', String(snapshot.process)],
                ['Started', moment(snapshot.started_ms)],
                ['Up for', seconds(Math.round((snapshot.taken_ms - snapshot.started_ms) / 1000))],
            ]);
            const columns = snapshot.totals_columns;
            const rates = ratesOf(feed);
            fillTiles(tiles, columns, snapshot.totals, rates);
            plots.update(overviewPlots[snapshot.totals_kind] ?? plainPlots(columns), columns,
                         () => feed.totals);
            figures.update(columns.map((column) => ({...column, value: snapshot.totals[column.name],
                                                     rate: rates[column.name]})), 'No figures.');
            const histograms = snapshot.histograms ?? [];
            show(latencySection, histograms.length > 0);
            latencies.update(
                histograms.map((each) => ({...each, recent: feed.recent.of(each)})), '');
        },
        close() {
            plots.close();
            actions.close();
        },
    };
}

function within(bounds, counts, q) {
    const value = quantile(bounds, counts, q);
    if (value === null)
        return '–';
    return value === Infinity ? `over ${seconds(bounds.at(-1) ?? 0)}` : seconds(value);
}

function ratesOf(feed) {
    const rates = {};
    for (const {name, kind} of feed.snapshot.totals_columns) {
        if (kind !== 'counter')
            continue;
        const [before, now] = feed.totals.levels(name).slice(-2);
        rates[name] = now ? rateBetween(before.x, before.y, now.x, now.y) : null;
    }
    return rates;
}

function fillList(list, texts) {
    while (list.children.length > texts.length)
        list.lastChild.remove();
    while (list.children.length < texts.length)
        append(list, [h('li')]);
    texts.forEach((text, i) => setText(list.children[i], visible(text)));
}

function fillTiles(list, columns, totals, rates) {
    const byName = new Map(columns.map((column) => [column.name, column]));
    let names = overviewFirst.filter((name) => byName.has(name));
    if (names.length === 0)
        names = columns.slice(0, 8).map(({name}) => name);
    if (list.children.length !== names.length)
        replace(list, names.map((name) => h('div', {}, h('dt', {}, label(name)),
                                             h('dd', {}, h('span'), h('small')))));
    names.forEach((name, i) => {
        const column = byName.get(name);
        const total = amount(totals[name], column.unit);
        const [now, all] = list.children[i].lastChild.children;
        const isCounter = column.kind === 'counter';
        setText(now, isCounter ? rate(rates[name], column.unit) : total);
        setText(all, isCounter ? `${total} in all` : '');
    });
}

async function reloadSettings(app) {
    try {
        const {changed = []} = await app.api.post('reload');
        app.said(`Reloaded; changed: ${changed.length ? changed.join(', ') : 'nothing'}`);
    } catch (error) {
        app.failed(error);
    }
}
