// SPDX-License-Identifier: Apache-2.0
// Elements made of text and nothing else. Names and bodies come from peers who may mean harm, so
// there is no way here to turn a string into markup.

// h('p', {class: 'note', on: {click: f}}, 'text', element, null): null children are left out.
// An attribute that is true is there without a value, one that is false or null is not there.
export function h(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key === 'on')
            for (const [event, handler] of Object.entries(value))
                element.addEventListener(event, handler);
        else
            setAttribute(element, key, value);
    }
    append(element, children);
    return element;
}

export function append(element, children) {
    for (const child of children.flat())
        if (child !== null && child !== undefined)
            element.append(child instanceof Node ? child : document.createTextNode(String(child)));
}

export function setAttribute(element, key, value) {
    if (value === null || value === undefined || value === false)
        element.removeAttribute(key);
    else if (element.getAttribute(key) !== String(value === true ? '' : value))
        element.setAttribute(key, value === true ? '' : String(value));
}

// Leaves the node alone when it says this already: screen readers and selections stay undisturbed.
export function setText(element, text) {
    if (element.textContent !== String(text))
        element.textContent = String(text);
}

export function replace(element, ...children) {
    element.replaceChildren();
    append(element, children);
}

export function show(element, wanted) {
    if (element.hidden === wanted)
        element.hidden = !wanted;
}

export function button(label, onClick, attributes = {}) {
    return h('button', {type: 'button', ...attributes, on: {click: onClick}}, label);
}

let ids = 0;
// For labels that point at controls.
export function freshId(stem) {
    return `${stem}-${++ids}`;
}

// "A heading and what is under it", as a landmark that has the heading's name.
export function section(heading, ...children) {
    const id = freshId('section');
    return h('section', {'aria-labelledby': id}, h('h2', {id}, heading), ...children);
}

// Names and values in two columns; update() with the same number of pairs keeps the elements.
export function facts() {
    const list = h('dl', {class: 'facts'});
    let cells = [];
    return {
        element: list,
        update(pairs) {
            if (cells.length !== pairs.length) {
                cells = pairs.map(() => [h('dt'), h('dd')]);
                replace(list, cells.map((pair) => h('div', {}, ...pair)));
            }
            pairs.forEach(([name, value], i) => {
                setText(cells[i][0], name);
                if (!(value instanceof Node))
                    setText(cells[i][1], value);
                else if (cells[i][1].textContent !== value.textContent)
                    replace(cells[i][1], value); // else what has the focus would lose it
            });
        },
    };
}
