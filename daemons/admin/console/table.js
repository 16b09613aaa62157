// SPDX-License-Identifier: Apache-2.0
// A table that stays calm while its rows change: cells are changed in place, and the order is held
// while somebody points into it or has the focus in it, so that nobody opens the wrong row.

import {button, h, replace, setAttribute, setText, show, freshId} from './dom.js';
import {count, visible} from './format.js';

export const textColumn = (id, label, of) =>
    ({id, label, value: of, text: (row) => visible(of(row))});
export const numberColumn = (id, label, of, say) =>
    ({id, label, isNumber: true, value: of, text: (row) => say(of(row))});

// columns: [{id, label, isNumber, value(row), text(row), href(row)?, content(row)?}]; the first one
// names the row. `content` gives elements made anew only when `text` changed.
export class DataTable {
    #columns;
    #keyOf;
    #sort;
    #onSort;
    #page = 0;
    #pageRows;
    #rows = [];
    #held = null; // keys in the order that is held
    #lines = [];
    #heads;
    #body = h('tbody');
    #empty = h('p', {class: 'empty', hidden: true});
    #where = h('p', {'aria-live': 'polite'});
    #back = button('Previous', () => this.#turn(-1), {'aria-label': 'Previous page'});
    #on = button('Next', () => this.#turn(+1), {'aria-label': 'Next page'});
    #pager;

    constructor({caption, columns, keyOf, sort, onSort, pageRows = 50}) {
        this.#columns = columns;
        this.#keyOf = keyOf;
        this.#sort = sort ?? {id: columns[0].id, falling: false};
        this.#onSort = onSort ?? (() => {});
        this.#pageRows = pageRows;
        this.#heads = columns.map((column) => h('th',
            {scope: 'col', class: column.isNumber ? 'number' : null},
            column.value ? button(column.label, () => this.#sortBy(column), {class: 'sort'})
                         : column.label));
        this.#pager = h('div', {class: 'pager'}, this.#back, this.#where, this.#on);
        const id = freshId('caption');
        this.element = h('div', {},
            h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-labelledby': id},
                h('table', {class: 'data'},
                    h('caption', {id, class: 'unseen'}, caption),
                    h('thead', {}, h('tr', {}, this.#heads)), this.#body)),
            this.#empty, this.#pager);
        this.#body.addEventListener('focusout', () => { this.#held = null; });
        this.#markHeads();
    }

    // `empty` says why there is nothing, and what would make something appear.
    update(rows, empty) {
        this.#rows = rows;
        this.#emptyText = empty;
        this.#draw();
    }
    #emptyText = '';

    toFirstPage() {
        this.#page = 0;
    }

    #sortBy(column) {
        const again = this.#sort.id === column.id;
        const falling = again ? !this.#sort.falling : Boolean(column.isNumber);
        this.#sort = {id: column.id, falling};
        this.#page = 0;
        this.#held = null;
        this.#markHeads();
        this.#onSort(this.#sort);
        this.#draw();
    }

    #markHeads() {
        const order = this.#sort.falling ? 'descending' : 'ascending';
        this.#heads.forEach((head, i) => setAttribute(
            head, 'aria-sort', this.#columns[i].id === this.#sort.id ? order : null));
    }

    #turn(by) {
        this.#page += by;
        this.#held = null;
        this.#draw();
        // A button that is off has no focus; the other one is next to it.
        if (by > 0 && this.#on.disabled)
            this.#back.focus();
        if (by < 0 && this.#back.disabled)
            this.#on.focus();
    }

    #sorted() {
        const column = this.#columns.find(({id}) => id === this.#sort.id) ?? this.#columns[0];
        const sign = this.#sort.falling ? -1 : 1;
        const value = (row) => column.value?.(row) ?? -Infinity;
        return this.#rows.map((row) => [value(row), this.#keyOf(row), row]).sort((a, b) => {
            const [x, y] = a[0] === b[0] ? [a[1], b[1]] : [a[0], b[0]];
            const order = typeof x === 'string' && typeof y === 'string' ? (x < y ? -1 : 1)
                        : Number(x > y) - Number(x < y);
            return a[0] === b[0] ? order : sign * order;
        }).map(([, , row]) => row);
    }

    #ordered() {
        const sorted = this.#sorted();
        if (!this.#body.matches(':hover, :focus-within')) {
            this.#held = null;
            return sorted;
        }
        this.#held ??= this.#lines.map(({key}) => key);
        const byKey = new Map(sorted.map((row) => [this.#keyOf(row), row]));
        const page = this.#held.map((key) => byKey.get(key)).filter(Boolean);
        const shown = new Set(page);
        const rest = sorted.filter((row) => !shown.has(row));
        rest.splice(this.#page * this.#pageRows, 0, ...page);
        return rest;
    }

    #draw() {
        const total = this.#rows.length;
        const pages = Math.max(1, Math.ceil(total / this.#pageRows));
        this.#page = Math.min(Math.max(0, this.#page), pages - 1);
        const from = this.#page * this.#pageRows;
        const rows = this.#ordered().slice(from, from + this.#pageRows);
        while (this.#lines.length > rows.length)
            this.#lines.pop().element.remove();
        while (this.#lines.length < rows.length)
            this.#lines.push(this.#line());
        rows.forEach((row, i) => this.#fill(this.#lines[i], row));
        show(this.#empty, total === 0);
        setText(this.#empty, this.#emptyText);
        show(this.#pager, pages > 1);
        const last = count(from + rows.length);
        setText(this.#where, `${count(from + 1)}–${last} of ${count(total)}`);
        this.#back.disabled = this.#page === 0;
        this.#on.disabled = this.#page + 1 >= pages;
    }

    #line() {
        const cells = this.#columns.map((column, i) => {
            const link = column.href ? h('a') : null;
            return {link, cell: h(i === 0 ? 'th' : 'td',
                {scope: i === 0 ? 'row' : null, class: column.isNumber ? 'number' : null}, link)};
        });
        const element = h('tr', {}, cells.map(({cell}) => cell));
        this.#body.append(element);
        return {element, cells, key: null, texts: []};
    }

    #fill(line, row) {
        line.key = this.#keyOf(row);
        this.#columns.forEach((column, i) => {
            const text = column.text(row);
            if (line.texts[i] === text && !column.href)
                return;
            line.texts[i] = text;
            const {cell, link} = line.cells[i];
            if (link) {
                setText(link, text);
                setAttribute(link, 'href', column.href(row));
            } else if (column.content) {
                replace(cell, column.content(row));
            } else {
                setText(cell, text);
            }
        });
    }
}
