// SPDX-License-Identifier: Apache-2.0
// A time series as a figure: the plot by Chart.js, a legend with the values of now, and the same in
// words and as a table for who does not see the plot.

import {h, replace, setAttribute, setText, freshId} from './dom.js';
import {amount, clock, rate} from './format.js';

const statistics = ['now', 'low', 'high', 'mean'];
const heads = ['Series', 'Now', 'Lowest', 'Highest', 'Mean'];
const dashes = [[], [6, 4], [2, 3], [10, 3, 2, 3]];
const schemes = window.matchMedia('(prefers-color-scheme: dark)');

function colours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    return {series: ['--plot-1', '--plot-2', '--plot-3', '--plot-4'].map(read),
            grid: read('--line'), text: read('--muted'), surface: read('--panel')};
}

function summary(points) {
    const known = points.map((point) => point.y).filter((y) => y !== null);
    if (known.length === 0)
        return null;
    return {now: points.at(-1).y, low: Math.min(...known), high: Math.max(...known),
            mean: known.reduce((sum, y) => sum + y, 0) / known.length};
}

// A minute at least, so that the picture does not stretch while the first samples come; then all
// that is remembered.
function spanOf(all) {
    const times = all.flatMap((points) => (points.length ? [points[0].x, points.at(-1).x] : []));
    const max = times.length ? Math.max(...times) : Date.now();
    const min = Math.min(max - 60_000, ...times);
    return {min, max};
}

// series: [{label, unit, points(): [{x, y}], isRate}], at most four.
export class Plot {
    #series;
    #canvas;
    #chart = null;
    #values;
    #cells;
    #title;
    #onScheme = () => { this.#chart?.destroy(); this.#chart = null; this.update(); };

    constructor(title, series) {
        this.#title = title;
        this.#series = series;
        this.#canvas = h('canvas', {role: 'img', 'aria-label': `${title}: no figures yet`});
        this.#values = series.map(() => h('b', {}, '–'));
        this.#cells = series.map(() => statistics.map(() => h('td', {class: 'number'}, '–')));
        const id = freshId('plot');
        this.element = h('figure', {class: 'plot', 'aria-labelledby': id},
            h('figcaption', {},
                h('h3', {id}, title),
                h('ul', {class: 'legend'}, series.map((each, i) => h('li', {},
                    h('span', {class: `key key-${i + 1}`, 'aria-hidden': 'true'}), `${each.label} `,
                    this.#values[i])))),
            h('div', {class: 'canvas'}, this.#canvas),
            h('details', {}, h('summary', {}, `${title} in figures`),
                h('table', {},
                    h('caption', {class: 'unseen'}, `${title} in the last minutes`),
                    h('thead', {}, h('tr', {}, heads.map((head, i) =>
                        h('th', {scope: 'col', class: i ? 'number' : null}, head)))),
                    h('tbody', {}, series.map((each, i) => h('tr', {},
                        h('th', {scope: 'row'}, each.label), this.#cells[i]))))));
        schemes.addEventListener('change', this.#onScheme);
    }

    #say(value, {unit, isRate}) {
        return isRate ? rate(value, unit) : amount(value, unit);
    }

    update() {
        const all = this.#series.map((each) => each.points());
        const words = [];
        this.#series.forEach((each, i) => {
            const found = summary(all[i]);
            setText(this.#values[i], found ? this.#say(found.now, each) : '–');
            if (!found)
                return;
            statistics.forEach((key, k) =>
                setText(this.#cells[i][k], this.#say(found[key], each)));
            words.push(`${each.label} now ${this.#say(found.now, each)}, `
                + `between ${this.#say(found.low, each)} and ${this.#say(found.high, each)}`);
        });
        setAttribute(this.#canvas, 'aria-label',
                     `${this.#title}: ${words.length ? words.join('; ') : 'no figures yet'}`);
        if (!this.#canvas.isConnected || !window.Chart)
            return;
        this.#chart ??= this.#make();
        this.#chart.data.datasets.forEach((set, i) => { set.data = all[i]; });
        Object.assign(this.#chart.options.scales.x, spanOf(all));
        this.#chart.update('none');
    }

    #make() {
        const {series, grid, text, surface} = colours();
        const first = this.#series[0];
        const say = (value, each = first) => this.#say(value, each);
        return new window.Chart(this.#canvas, {
            type: 'line',
            data: {datasets: this.#series.map((each, i) => ({
                label: each.label, data: [], borderColor: series[i], backgroundColor: series[i],
                borderDash: dashes[i], borderWidth: 2, pointRadius: 0, pointHitRadius: 8,
                fill: this.#series.length === 1 && {target: 'origin', above: `${series[0]}22`},
            }))},
            options: {
                animation: false, parsing: false, normalized: true, maintainAspectRatio: false,
                interaction: {mode: 'index', intersect: false},
                scales: {
                    x: {type: 'linear', grid: {display: false},
                        ticks: {color: text, maxRotation: 0, autoSkipPadding: 16,
                                includeBounds: false, callback: (ms) => clock(ms)}},
                    y: {beginAtZero: true, suggestedMax: 1, grid: {color: grid, drawBorder: false},
                        ticks: {color: text, maxTicksLimit: 4, callback: (value) => say(value)}},
                },
                plugins: {
                    legend: {display: false},
                    tooltip: {backgroundColor: surface, titleColor: text, bodyColor: text,
                              borderColor: grid, borderWidth: 1, callbacks: {
                        title: (items) => (items.length ? clock(items[0].parsed.x) : ''),
                        label: (item) => `${item.dataset.label}: `
                            + say(item.parsed.y, this.#series[item.datasetIndex])}},
                },
            },
        });
    }

    close() {
        schemes.removeEventListener('change', this.#onScheme);
        this.#chart?.destroy();
    }
}

// Plots side by side. specs: [{title, series: [{column, unit, kind}]}]; those of whose columns the
// daemon has none are left out. `history()` gives the History to draw.
export function plotsOf(specs, columns, history) {
    const known = new Map(columns.map((column) => [column.name, column]));
    const plots = [];
    for (const {title, series} of specs) {
        const here = series.filter(([name]) => known.has(name)).slice(0, dashes.length);
        const lines = here.map(([name, label]) => {
            const column = known.get(name);
            const isRate = column.kind === 'counter';
            return {label, unit: column.unit, isRate,
                    points: () => (isRate ? history().rates(name) : history().levels(name))};
        });
        if (lines.length)
            plots.push(new Plot(title, lines));
    }
    return plots;
}

export class PlotRow {
    #plots = [];
    #made = '';
    element = h('div', {class: 'plots'});

    // The columns may come later than the view.
    update(specs, columns, history) {
        const names = columns.map((column) => column.name).join();
        if (names !== this.#made) {
            this.close();
            this.#made = names;
            this.#plots = plotsOf(specs, columns, history);
            replace(this.element, this.#plots.map((plot) => plot.element));
        }
        for (const plot of this.#plots)
            plot.update();
    }

    close() {
        this.#plots.forEach((plot) => plot.close());
        this.#plots = [];
    }
}
