// SPDX-License-Identifier: Apache-2.0
// One queue, service, relay, door or connection.

import {button, facts, h, section, setText, show} from './dom.js';
import {amount, label, plural, rate, short, visible} from './format.js';
import {objectPlots, plainPlots} from './known.js';
import {link} from './routes.js';
import {PlotRow} from './plots.js';
import {Actions, pauseRelay, purge, redriveAll, resumeRelay} from './actions.js';
import {messageList} from './messages.js';

export function object(app, kind, name, query) {
    const known = facts();
    const values = facts();
    const plots = new PlotRow();
    const gone = h('p', {class: 'empty', hidden: true},
        `There is no ${kind} of this name now. It may have been deleted, or not be made yet.`);
    const present = h('div');
    const actions = actionsOf(app, kind, name, () => list?.load());
    const list = kind === 'queue' ? messageList(app, name, query) : null;
    present.append(known.element, section('Last minutes', plots.element));
    if (actions)
        present.append(actions.element);
    if (list)
        present.append(list.element);
    present.append(section('All figures', values.element));

    return {
        title: `${label(kind)} ${short(visible(name))}`,
        wants: {kind, prefix: name, rows: 1, track: name},
        root: h('div', {},
            h('nav', {'aria-label': 'Path', class: 'path'},
                h('a', {href: link(['objects', kind])}, label(plural(kind)))),
            h('h1', {tabindex: '-1'}, `${label(kind)} `, h('bdi', {}, visible(name))),
            gone, present),
        update(feed) {
            const here = feed.kinds.get(kind);
            const row = here?.rows.find((each) => each.name === name);
            const answered = here?.prefix === name || !here;
            show(gone, answered && !row);
            show(present, Boolean(row));
            if (!row)
                return;
            known.update(here.texts.filter((text) => row[text])
                .map((text) => [label(text), textOf(text, row[text])]));
            plots.update(objectPlots[kind] ?? plainPlots(here.columns), here.columns,
                         () => feed.history(kind, name));
            values.update(here.columns.map((column) => [label(column.name), valueOf(row, column)]));
            actions?.mark?.(row);
        },
        close() {
            plots.close();
            actions?.close();
            list?.close();
        },
    };
}

// The queue of the dead is one click away.
function textOf(column, value) {
    return column === 'dead_letter_queue' ? h('a', {href: link(['queue', value])}, visible(value))
                                          : visible(value);
}

function valueOf(row, {name, unit, kind}) {
    const value = amount(row[name], unit);
    return kind === 'counter' ? `${value} · ${rate(row.rates[name], unit)}` : value;
}

function actionsOf(app, kind, name, changed) {
    const then = (act) => async () => {
        if (await act(app, name)) {
            app.feed.now();
            changed();
        }
    };
    if (kind === 'queue')
        return new Actions(app, [button('Redrive all dead letters', then(redriveAll)),
                                 button('Purge', then(purge), {class: 'danger'})]);
    if (kind === 'relay') {
        const pause = button('Pause', then(pauseRelay));
        const resume = button('Resume', then(resumeRelay));
        const state = h('p', {class: 'hint'});
        const actions = new Actions(app, [pause, resume]);
        actions.element.append(state);
        actions.mark = (row) => {
            const isPaused = Boolean(row.paused) || row.state === 'paused';
            setText(state, isPaused ? 'Paused: nothing is taken until it is resumed.' : 'Running.');
            pause.hidden = isPaused;
            resume.hidden = !isPaused;
        };
        return actions;
    }
    return null;
}
