// SPDX-License-Identifier: Apache-2.0
// One message: what the store knows of it, its headers, and its parts as text or as bytes.

import {button, facts, h, replace, section, setText, show} from './dom.js';
import {bytes, count, fromBase64, hexDump, label, moment, short, visible} from './format.js';
import {queuePath, segment} from './api.js';
import {askToken} from './dialogs.js';
import {Actions, redriveOne} from './actions.js';
import {link} from './routes.js';

const hexBytesAtFirst = 4096;
const encoder = new TextEncoder();

export function message(app, queue, id, query) {
    const from = query.get('from');
    const body = h('div');
    const state = h('p', {role: 'status'});
    const enter = button('Enter token', () => askToken(app.api), {hidden: true});
    const back = link(['queue', queue], {messages: from});
    const redrive = async () => {
        if (await redriveOne(app, queue, id))
            location.hash = back;
    };
    let actions = null;
    let turn = 0;

    async function load() {
        const mine = ++turn;
        if (!app.api.hasToken) {
            setText(state, 'The content of a message is shown only with the admin token.');
            show(enter, true);
            replace(body);
            return;
        }
        show(enter, false);
        setText(state, 'Loading…');
        try {
            const found = await find();
            if (mine !== turn)
                return;
            setText(state, '');
            draw(found);
        } catch (error) {
            if (mine !== turn)
                return;
            setText(state, `The message could not be read: ${error.message}. ${error.advice}`);
            show(enter, error.code === 401 || error.code === 403);
            replace(body);
        }
    }

    // Stored messages are found by place: first on the page of the list that the link names, and
    // if it has moved since, from the beginning.
    async function find() {
        const path = queuePath(queue, `messages/${segment(id)}`);
        const delayed = from === 'delayed' ? true : null;
        const after = query.get('after');
        try {
            return await app.api.get(path, {delayed, after});
        } catch (error) {
            if (!after || error.code !== 404)
                throw error;
            return app.api.get(path, {delayed});
        }
    }

    function draw(found) {
        const about = facts();
        about.update([
            ['Size', found.bytes < 1024 ? bytes(found.bytes)
                : `${bytes(found.bytes)} (${count(found.bytes)} bytes)`],
            ['Attempts', count(found.attempts ?? 0)],
            ['In the queue since', found.enqueued_ms ? moment(found.enqueued_ms) : '–'],
            ...(found.due_ms ? [['Due', moment(found.due_ms)]] : []),
            ...(found.redelivered ? [['Delivered before', visible(found.redelivered)]] : []),
            ...(found.priority === undefined ? [] : [['Priority', count(found.priority)]]),
            ['Key', found.key ? visible(found.key) : 'none'],
        ]);
        const note = pairs(found.note).map(([name, value]) => [label(name), value]);
        const headers = pairs(found.headers);
        actions?.close();
        actions = new Actions(app, [
            found.note?.origin ? button('Redrive this message', redrive) : null,
        ].filter(Boolean));
        show(actions.element, Boolean(found.note?.origin));
        const parts = (found.parts ?? []).map((part, i) => partOf(app, part, i));
        const none = (what) => h('p', {class: 'empty'}, `It has no ${what}.`);
        const noteHead = found.note?.origin ? 'Why it is dead' : 'Note';
        replace(body, section('What the store knows', about.element),
            note.length ? section(noteHead, listOf(note, found.note.origin)) : null,
            actions.element,
            section('Headers', headers.length ? listOf(headers) : none('headers')),
            section('Parts', parts.length ? parts : none('parts')));
    }

    const stop = app.api.onToken(load);
    load();
    return {
        title: `Message ${id} in ${short(visible(queue))}`,
        wants: {kind: 'queue', prefix: queue, rows: 1, track: queue},
        root: h('div', {},
            h('nav', {'aria-label': 'Path', class: 'path'},
                h('a', {href: link(['objects', 'queue'])}, 'Queues'), ' › ',
                h('a', {href: back}, h('bdi', {}, visible(queue)))),
            h('h1', {tabindex: '-1'}, `Message ${visible(id)}`), state, enter, body),
        update() {},
        close() {
            stop();
            actions?.close();
        },
    };
}

// Headers may have a name twice, so they come as pairs.
function pairs(found) {
    return Array.isArray(found) ? found.map((each) => [each.name ?? each[0], each.value ?? each[1]])
                                : Object.entries(found ?? {});
}

function listOf(all, origin) {
    const toQueue = (name) => h('a', {href: link(['queue', name])}, visible(name));
    return h('dl', {class: 'facts long'}, all.map(([name, value]) => h('div', {},
        h('dt', {}, visible(name)),
        h('dd', {}, name === 'Origin' && origin ? toQueue(origin) : visible(value)))));
}

// Text when it is text; the bytes are always there to see.
function partOf(app, part, i) {
    const isText = part.text !== undefined;
    const data = isText ? encoder.encode(part.text) : fromBase64(part.base64 ?? '');
    const text = isText ? part.text : new TextDecoder().decode(data);
    const size = bytes(part.bytes ?? data.length);
    const cut = part.cut ? `, cut after ${bytes(data.length)}` : '';
    const pre = h('pre', {tabindex: '0', 'aria-label': `Part ${i + 1}`});
    let asText = isText;
    let isWhole = false;
    const more = button('Show all bytes', () => { isWhole = true; draw(); }, {hidden: true});
    const swap = button('', () => { asText = !asText; draw(); });
    const draw = () => {
        const end = isWhole ? data.length : Math.min(data.length, hexBytesAtFirst);
        setText(pre, asText ? visible(text) : hexDump(data, 0, end));
        setText(swap, asText ? 'Show as hex' : 'Show as text');
        show(more, !asText && end < data.length);
    };
    draw();
    return h('section', {class: 'part', 'aria-label': `Part ${i + 1}`},
        h('h3', {}, `Part ${i + 1}: ${size}${cut}`),
        h('div', {class: 'buttons'}, swap,
            button('Copy', () => copy(app, isText ? text : hexDump(data)),
                   {'aria-label': `Copy part ${i + 1}`})),
        data.length ? pre : h('p', {class: 'empty'}, 'Empty.'), more);
}

async function copy(app, text) {
    try {
        await navigator.clipboard.writeText(text);
        app.said('Copied');
    } catch {
        app.said('The browser does not let this page copy. Select the text and copy it yourself.');
    }
}
