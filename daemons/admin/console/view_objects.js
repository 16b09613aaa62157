// SPDX-License-Identifier: Apache-2.0
// All queues, services, relays, doors or connections: filtered, sorted, in pages.

import {freshId, h, replace, setText, show} from './dom.js';
import {amount, count, label, plural, rate, visible} from './format.js';
import {columnsAtFirst, listColumns} from './known.js';
import {link, remember} from './routes.js';
import {DataTable, numberColumn, textColumn} from './table.js';

export function objects(app, kind, query) {
    const state = {filter: query.get('filter') ?? '', sort: query.get('sort') ?? 'name',
                   falling: query.get('order') === 'falling', all: query.get('columns') === 'all'};
    const note = () => remember(['objects', kind], {
        filter: state.filter, sort: state.sort === 'name' ? '' : state.sort,
        order: state.falling ? 'falling' : '', columns: state.all ? 'all' : ''});
    const filter = h('input', {type: 'search', id: freshId('filter'), value: state.filter,
                               autocomplete: 'off', spellcheck: 'false',
                               'aria-describedby': freshId('filter-help')});
    const help = h('p', {id: filter.getAttribute('aria-describedby'), class: 'hint'},
        'Part of a name. With ^ in front: names that begin with it, asked of the daemon.');
    const all = h('input', {type: 'checkbox', id: freshId('all'), checked: state.all});
    const found = h('p', {class: 'found', role: 'status'});
    const cut = h('p', {class: 'hint warn', hidden: true});
    const place = h('div');
    const meanings = h('dl', {class: 'meanings'});
    const title = label(plural(kind));
    let table = null;
    let made = '';

    const view = {
        title, wants: wanted(),
        root: h('div', {}, h('h1', {tabindex: '-1'}, title),
            h('div', {class: 'filters', role: 'search'},
                h('div', {class: 'field'},
                  h('label', {for: filter.id}, `Filter ${plural(kind)}`), filter, help),
                h('div', {class: 'check'}, all, h('label', {for: all.id}, 'All columns'))),
            found, cut, place,
            h('details', {}, h('summary', {}, 'What the columns mean'), meanings)),
        update(feed) {
            const here = feed.kinds.get(kind);
            if (!here) {
                setText(found, `${feed.snapshot.program} shows no ${plural(kind)}.`);
                return;
            }
            if (here.prefix !== (view.wants.prefix ?? ''))
                return; // the answer to the filter is under way
            const names = here.columns.map((each) => each.name);
            const signature = JSON.stringify([state.all, names, here.texts]);
            if (signature !== made) {
                made = signature;
                table = makeTable(here);
                replace(place, table.element);
                replace(meanings, here.columns.map((each) => [
                    h('dt', {}, label(each.name)), h('dd', {}, each.help)]));
            }
            const rows = matching(here.rows);
            const total = here.prefix ? here.rows.length : here.count;
            const all = `${count(total)} ${total === 1 ? kind : plural(kind)}`;
            setText(found, rows.length === total ? all : `${count(rows.length)} of ${all}`);
            show(cut, here.leftOut > 0);
            setText(cut, `The first ${count(here.rows.length)} by name are here, `
                + `${count(here.leftOut)} are not. Begin the filter with ^ to ask the daemon for `
                + 'others.');
            table.update(rows, state.filter
                ? `No name matches “${visible(state.filter)}”. Clear the filter to see all.`
                : `No ${plural(kind)} yet: the list fills when there are some.`);
        },
        close() {},
    };

    // All of them: the order of a list is over all rows, not over those of one page.
    function wanted() {
        const prefix = state.filter.startsWith('^') ? state.filter.slice(1) : undefined;
        return {kind, rows: 0, prefix};
    }

    function matching(rows) {
        const text = state.filter.startsWith('^') ? '' : state.filter.toLowerCase();
        return text ? rows.filter((row) => row.name.toLowerCase().includes(text)) : rows;
    }

    function makeTable(here) {
        const columns = chosen(kind, here, state.all);
        const id = columns.some((each) => each.id === state.sort) ? state.sort : 'name';
        return new DataTable({
            caption: title, keyOf: (row) => row.name, columns, sort: {id, falling: state.falling},
            onSort: ({id, falling}) => { Object.assign(state, {sort: id, falling}); note(); },
        });
    }

    filter.addEventListener('input', () => {
        const before = view.wants.prefix;
        state.filter = filter.value;
        note();
        table?.toFirstPage();
        view.wants = wanted();
        if (view.wants.prefix !== before)
            app.feed.want(view.wants);
        else if (app.feed.snapshot)
            view.update(app.feed);
    });
    all.addEventListener('change', () => {
        state.all = all.checked;
        note();
        view.update(app.feed);
    });
    return view;
}

// Counters are shown as rates and, among all columns, also as totals.
function chosen(kind, {columns, texts}, wantsAll) {
    const list = listColumns[kind];
    const isFirst = (name, i) => (list ? list.includes(name) : i < columnsAtFirst);
    const result = [{...textColumn('name', label(kind), (row) => row.name),
                     href: (row) => link([kind, row.name])}];
    texts.forEach((name, i) => {
        if (wantsAll || isFirst(name, i))
            result.push(textColumn(name, label(name), (row) => row[name] ?? ''));
    });
    columns.forEach(({name, unit, kind: sort}, i) => {
        if (!wantsAll && !isFirst(name, i))
            return;
        if (sort === 'counter')
            result.push(numberColumn(`${name}/s`, `${label(name)}/s`, (row) => row.rates?.[name],
                                     (value) => rate(value, unit)));
        if (sort !== 'counter' || wantsAll)
            result.push(numberColumn(name, label(name), (row) => row[name],
                                     (value) => amount(value, unit)));
    });
    return result;
}
