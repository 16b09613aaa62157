// SPDX-License-Identifier: Apache-2.0
// The last changes and refusals, newest first.

import {button, h, replace, setText, show} from './dom.js';
import {label, moment} from './format.js';
import {askToken} from './dialogs.js';
import {DataTable, textColumn} from './table.js';

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
                draw(answer.entries ?? []);
        } catch (error) {
            if (mine === turn)
                setText(state, `The trail could not be read: ${error.message}. ${error.advice}`);
        }
    }

    function draw(rows) {
        setText(state, rows.length ? `The last ${rows.length}, newest first` : '');
        const columns = [
            {id: 'at_ms', label: 'Time', value: (row) => row.at_ms,
             text: (row) => moment(row.at_ms)},
            ...['event', 'who', 'verb', 'object', 'address', 'code', 'why'].map(
                (name) => textColumn(name, label(name), (row) => row[name] ?? '')),
        ];
        const table = new DataTable({caption: 'Audit trail', columns, keyOf: (row) => row.number,
                                     sort: {id: 'at_ms', falling: true}});
        replace(place, table.element);
        table.update(rows, 'Nothing was changed or refused since the daemon started.');
    }

    const stop = app.api.onToken(load);
    load();
    const root = h('div', {}, h('h1', {tabindex: '-1'}, 'Audit'), state,
                   h('div', {class: 'buttons'}, enter, again), place);
    return {title: 'Audit', wants: {rows: 1}, root, update() {}, close: stop};
}
