// SPDX-License-Identifier: Apache-2.0
// The frame around the views: which one is open, what the daemon's state is, and what happened.

import {Api} from './api.js';
import {append, button, h, replace, setAttribute, setText, show} from './dom.js';
import {askToken} from './dialogs.js';
import {Feed} from './feed.js';
import {clock, count, label, plural, seconds, visible} from './format.js';
import {link, parseRoute} from './routes.js';
import {notice} from './actions.js';
import {overview} from './view_overview.js';
import {objects} from './view_objects.js';
import {object} from './view_object.js';
import {message} from './view_message.js';
import {audit} from './view_audit.js';

const at = (id) => document.getElementById(id);
const api = new Api();
const feed = new Feed(api, () => refresh());
const notices = notice();
const app = {api, feed, said, failed};
let view = null;
let spoken = '';

function said(text) {
    notices.say(text, false);
    announce(text);
}

function failed(error) {
    const text = `Not done: ${error.message}. ${error.advice ?? ''}`;
    notices.say(text, true);
    announce(text);
}

// Only what changed something: a screen reader must not be talked to every two seconds.
function announce(text) {
    at('said').replaceChildren(h('p', {}, text));
}

function viewOf({segments, query}) {
    const [first, second, third, fourth] = segments;
    if (segments.length === 0)
        return overview(app);
    if (first === 'audit' && segments.length === 1)
        return audit(app);
    if (first === 'objects' && segments.length === 2)
        return objects(app, second, query);
    if (third === 'message' && first === 'queue' && segments.length === 4)
        return message(app, second, fourth, query);
    if (segments.length === 2)
        return object(app, first, second, query);
    return {title: 'No such view', wants: {rows: 1}, update() {}, close() {},
            root: h('div', {}, h('h1', {tabindex: '-1'}, 'No such view'),
                    h('p', {}, 'The address names nothing that the console has. ',
                      h('a', {href: '#/'}, 'Overview')))};
}

function open() {
    const isFirst = view === null;
    view?.close();
    view = viewOf(parseRoute(location.hash));
    show(notices.element, false);
    replace(at('main'), notices.element,
            h('p', {class: 'loading', id: 'loading'}, 'Asking the daemon…'), view.root);
    feed.want(view.wants);
    refresh();
    if (!isFirst) {
        window.scrollTo(0, 0);
        view.root.querySelector('h1').focus({preventScroll: true});
        announce(view.title);
    }
}

function refresh() {
    const hasData = feed.snapshot !== null;
    show(at('loading'), !hasData && feed.phase === 'loading');
    view.root.classList.toggle('old', hasData && (feed.phase !== 'live' || feed.isStale));
    show(view.root, hasData);
    if (hasData) {
        view.update(feed);
        showWho();
    }
    showTrouble();
    showUpdated();
    const instance = feed.snapshot ? visible(feed.snapshot.instance) : null;
    document.title = [view.title, instance, 'Flotilla'].filter(Boolean).join(' – ');
}

function showWho() {
    const {snapshot} = feed;
    setText(at('instance'), visible(snapshot.instance || snapshot.program));
    setText(at('program'), `${visible(snapshot.program)} ${visible(snapshot.version)}`);
    const text = stateWord();
    setText(at('state'), `${text === 'ready' ? '✓' : '✗'} ${text}`);
    at('state').className = `state ${text === 'ready' ? 'good' : 'bad'}`;
    showViews();
}

function stateWord() {
    const {state, not_ready: reasons} = feed.snapshot;
    if (feed.phase === 'unreachable')
        return 'unreachable';
    if (feed.isStale)
        return 'stale';
    const isHeldUp = state === 'not_ready' || (state === 'ready' && reasons.length > 0);
    return isHeldUp ? 'not ready' : state;
}

function showViews() {
    const [first, second] = parseRoute(location.hash).segments;
    for (const kind of Object.keys(feed.snapshot.columns))
        if (kind !== feed.snapshot.totals_kind)
            knownKinds.add(kind);
    const wanted = [['#/', 'Overview', first === undefined, null],
        ...[...knownKinds].map((kind) => [
            link(['objects', kind]), label(plural(kind)),
            first === kind || (first === 'objects' && second === kind),
            feed.kinds.get(kind)?.count ?? null]),
        ['#/audit', 'Audit', first === 'audit', null]];
    const list = at('views');
    if (list.children.length !== wanted.length)
        replace(list, wanted.map(() => h('li', {}, h('a', {}, h('span'),
                                                     h('span', {class: 'count'})))));
    wanted.forEach(([href, text, isHere, n], i) => {
        const anchor = list.children[i].firstChild;
        setAttribute(anchor, 'href', href);
        setAttribute(anchor, 'aria-current', isHere ? 'page' : null);
        setText(anchor.firstChild, text);
        setText(anchor.lastChild, n === null ? '' : ` ${count(n)}`);
    });
}
const knownKinds = new Set();

// What is wrong, since when, and what to do. Said once, then only the time goes on.
function showTrouble() {
    const box = at('trouble');
    const since = clock(feed.since);
    const last = feed.answeredAt ? ` The figures are of ${clock(feed.answeredAt)}.` : '';
    const words = {
        unreachable: () => `The daemon is unreachable since ${since}: ${feed.error.message}. `
            + `${feed.error.advice} This page keeps trying.${last}`,
        locked: () => 'The daemon does not show itself without the admin token: '
            + `${feed.error.message}.`,
        failing: () => `The daemon answers with an error since ${since}: ${feed.error.message}. `
            + `${feed.error.advice ?? ''} This page keeps trying.${last}`,
    }[feed.phase];
    const late = feed.isStale ? `No answer since ${clock(feed.answeredAt)}; still waiting.` : '';
    const text = words ? words() : late;
    const enter = feed.phase === 'locked' ? button('Enter token', () => askToken(api)) : null;
    if (box.firstChild?.textContent !== text)
        replace(box, h('p', {}, text), enter);
    show(box, text !== '');
    const word = text ? (words ? feed.phase : 'stale') : 'live';
    if (word !== spoken && (spoken !== '' || word !== 'live'))
        announce(word === 'live' ? 'The daemon answers again.' : text);
    if (word !== 'live' || spoken !== '' || feed.snapshot)
        spoken = word;
}

function showUpdated() {
    if (feed.answeredAt === 0)
        return;
    setText(at('updated'), feed.isPaused ? `Paused at ${clock(feed.answeredAt)}`
                                         : `Updated ${clock(feed.answeredAt)}`);
}

function showToken() {
    setText(at('token'), api.hasToken ? 'Forget token' : 'Enter token');
    if (api.hasToken)
        announce('Changes are possible now.');
}

at('token').addEventListener('click', () => {
    if (!api.hasToken)
        askToken(api);
    else
        api.forget();
});
at('pause').addEventListener('click', () => {
    feed.setPaused(!feed.isPaused);
    setAttribute(at('pause'), 'aria-pressed', feed.isPaused ? 'true' : 'false');
    showUpdated();
});
at('skip').addEventListener('click', () => at('main').focus());
api.onToken(showToken);
window.addEventListener('hashchange', open);
// An answer that stays away changes nothing by itself; that it does is to be seen.
setInterval(() => { if (feed.isStale) refresh(); }, 1_000);
open();
