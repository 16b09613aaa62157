// SPDX-License-Identifier: Apache-2.0
// What is in a queue, page by page. Asked for when somebody looks, not again and again: a list that
// changes under the eyes is of no use to who looks for one message.

import {button, freshId, h, replace, section, setText, show} from './dom.js';
import {amount, bytes, moment, short} from './format.js';
import {queuePath} from './api.js';
import {link, remember} from './routes.js';
import {DataTable, numberColumn, textColumn} from './table.js';
import {guard, redriveOne} from './actions.js';

const pageRows = 50;

export function messageList(app, queue, query) {
    let delayed = query.get('messages') === 'delayed';
    let cursors = ['']; // of the pages up to this one
    let next = '';
    let loading = 0;
    let table = null;
    let shape = '';
    const place = h('div');
    const state = h('p', {role: 'status', class: 'found'});
    const older = button('Previous messages', () => { cursors.pop(); load(); });
    const newer = button('Next messages', () => { cursors.push(next); load(); });
    const pager = h('div', {class: 'pager', hidden: true}, older, newer);
    const choices = [['Ready', false], ['Delayed', true]].map(([text, wants]) => {
        const choose = () => {
            delayed = wants;
            cursors = [''];
            remember(['queue', queue], {messages: delayed ? 'delayed' : ''});
            load();
        };
        const input = h('input', {type: 'radio', name: 'which', id: freshId('which'),
                                  checked: wants === delayed, on: {change: choose}});
        return h('span', {class: 'check'}, input, h('label', {for: input.id}, text));
    });
    const stop = app.api.onToken(() => { shape = ''; load(); });

    async function load() {
        const turn = ++loading;
        setText(state, 'Loading messages…');
        try {
            const answer = await app.api.get(queuePath(queue, 'messages'), {
                after: cursors.at(-1), rows: pageRows, delayed: delayed ? true : null});
            if (turn !== loading)
                return;
            next = answer.next ?? '';
            draw(answer.messages ?? []);
        } catch (error) {
            if (turn !== loading)
                return;
            setText(state, `The messages could not be read: ${error.message}. ${error.advice}`);
            replace(place);
        }
        older.disabled = cursors.length < 2;
        newer.disabled = next === '';
        show(pager, !older.disabled || !newer.disabled);
    }

    function draw(messages) {
        const from = (cursors.length - 1) * pageRows;
        const range = `${from + 1} to ${from + messages.length}${next ? ', and more' : ''}`;
        setText(state, messages.length === 0 ? '' : range);
        const isDead = messages.some((each) => each.note?.origin);
        const wanted = JSON.stringify([delayed, isDead, app.api.hasToken]);
        if (wanted !== shape || !table) {
            shape = wanted;
            table = makeTable(isDead);
        }
        if (!place.contains(table.element))
            replace(place, table.element);
        table.update(messages, delayed
            ? 'No message waits for its time.'
            : 'No message is ready. Those with consumers are not listed.');
    }

    function makeTable(isDead) {
        // The page that it is on is where the daemon looks first.
        const go = (id) => link(['queue', queue, 'message', id],
                                {from: delayed ? 'delayed' : '', after: cursors.at(-1)});
        const time = (id, head) => ({id, label: head, value: (row) => row[id],
                                     text: (row) => (row[id] ? moment(row[id]) : '–')});
        const columns = [
            {id: 'id', label: 'Message', value: (row) => Number(row.id),
             text: (row) => String(row.id), href: (row) => go(row.id)},
            time('enqueued_ms', 'Since'),
            delayed ? time('due_ms', 'Due') : null,
            numberColumn('bytes', 'Size', (row) => row.bytes, bytes),
            numberColumn('attempts', 'Attempts', (row) => row.attempts, amount),
            textColumn('key', 'Key', (row) => short(row.key ?? '')),
            isDead ? textColumn('reason', 'Dead because', (row) => row.note?.reason ?? '') : null,
            isDead ? textColumn('origin', 'Came from', (row) => row.note?.origin ?? '') : null,
            isDead ? {id: 'act', label: 'Action', text: (row) => row.id, content: actionOf} : null,
        ].filter(Boolean);
        return new DataTable({caption: delayed ? 'Delayed messages' : 'Ready messages', columns,
                              pageRows, keyOf: (row) => row.id});
    }

    function actionOf(row) {
        const redrive = async () => {
            if (await redriveOne(app, queue, row.id)) {
                app.feed.now();
                load();
            }
        };
        return row.note?.origin ? guard(app, button('Redrive', redrive, {
            'aria-label': `Redrive message ${row.id}`})) : null;
    }

    load();
    return {
        element: section('Messages',
            h('div', {class: 'filters'},
                h('fieldset', {class: 'choice'},
                  h('legend', {class: 'unseen'}, 'Which messages'), choices),
                button('Read again', () => load())),
            state, place, pager),
        load,
        close: stop,
    };
}
