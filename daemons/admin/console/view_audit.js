// SPDX-License-Identifier: Apache-2.0
// The last changes and refusals, newest first.

import {button, h, replace, setText, show} from './dom.js';
import {label, moment, visible} from './format.js';
import {askToken} from './dialogs.js';
import {DataTable} from './table.js';

const rowsMax = 200;

export function audit(app) {
    const state = h('p', {role: 'status'});
    const enter = button('Enter token', () => askToken(app.api), {hidden: true});
    const again = button('Read again', () => load());
    const place = h('div');
    let turn = 0;

    async function load() {
        const mine = ++turn;
        show(enter, !app.api.hasToken);
        show(again, app.api.hasToken);
        if (!app.api.hasToken) {
            setText(state, 'The audit trail is shown only with the admin token.');
            replace(place);
            return;
        }
        setText(state, 'Loading…');
        try {
            const answer = await app.api.get('audit', {rows: rowsMax});
            if (mine === turn)
                draw(rowsOf(answer));
        } catch (error) {
            if (mine === turn)
                setText(state, `The trail could not be read: ${error.message}. ${error.advice ?? ''}`);
        }
    }

    function draw(rows) {
        setText(state, rows.length ? `The last ${rows.length}, newest first` : '');
        const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== 'number');
        const columns = (names.length ? names : ['event']).map((name) => ({
            id: name, label: name.endsWith('_ms') ? 'Time' : label(name),
            value: (row) => row[name] ?? '',
            text: (row) => (name.endsWith('_ms') && row[name] ? moment(row[name]) : visible(row[name] ?? ''))}));
        const table = new DataTable({caption: 'Audit trail', columns, keyOf: (row) => row.number,
                                     sort: {id: columns[0].id, falling: true}});
        replace(place, table.element);
        table.update(rows, 'Nothing was changed or refused since the daemon started.');
    }

    const stop = app.api.onToken(load);
    load();
    return {title: 'Audit', wants: {rows: 1}, update() {}, close: stop,
            root: h('div', {}, h('h1', {tabindex: '-1'}, 'Audit'), state, h('div', {class: 'buttons'}, enter, again), place)};
}

function rowsOf(answer) {
    const rows = answer.audit ?? answer.rows ?? answer.lines ?? answer.entries ?? [];
    return rows.map((row, i) => ({...row, number: rows.length - i}));
}
