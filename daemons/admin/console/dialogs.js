// SPDX-License-Identifier: Apache-2.0
// Questions that stop everything else: the token, and whether something is really meant. The
// browser's own modal dialog keeps the focus inside and gives it back.

import {button, freshId, h, setText, show} from './dom.js';

// `act(value)` does it and throws ApiError when it could not; the dialog then stays and says so.
function ask({title, text, label, type, confirm, danger, expected, act}) {
    const heading = freshId('dialog');
    const problem = h('p', {class: 'problem', role: 'alert', hidden: true});
    const field = label ? h('input', {type, id: freshId('field'), autocomplete: 'off',
                                      spellcheck: 'false', required: true}) : null;
    const yes = h('button', {type: 'submit', class: danger ? 'danger' : 'main'}, confirm);
    const close = (value) => { dialog.close(); dialog.remove(); done(value); };
    const form = h('form', {method: 'dialog', on: {submit: async (event) => {
        event.preventDefault();
        yes.disabled = true;
        show(problem, false);
        try {
            close(await act(field?.value) ?? true);
        } catch (error) {
            setText(problem, `${error.message}. ${error.advice ?? ''}`);
            show(problem, true);
            yes.disabled = false;
            (field ?? yes).focus();
        }
    }}},
        h('h2', {id: heading}, title),
        text.map((paragraph) => h('p', {}, paragraph)),
        field ? h('label', {for: field.id}, label) : null, field, problem,
        h('div', {class: 'choices'}, button('Cancel', () => close(null)), yes));
    const dialog = h('dialog', {'aria-labelledby': heading, on: {
        cancel: (event) => { event.preventDefault(); close(null); },
    }}, form);
    if (expected !== undefined) {
        yes.disabled = true;
        field.addEventListener('input', () => { yes.disabled = field.value !== expected; });
    }
    let done;
    const answer = new Promise((resolve) => { done = resolve; });
    document.body.append(dialog);
    dialog.showModal();
    return answer;
}

// True when it was taken, null when not.
export function askToken(api) {
    return ask({
        title: 'Admin token',
        text: ['It allows changes and shows the bodies of messages. This page keeps it in memory '
               + 'until it is closed or reloaded.'],
        label: 'Token', type: 'password', confirm: 'Use token',
        act: async (value) => {
            try {
                await api.enter(value.trim());
            } catch (error) {
                if (error.code === 401 || error.code === 403)
                    error.message = 'The daemon does not take this token';
                throw error;
            }
        },
    });
}

export function askYes({title, text, confirm, act}) {
    return ask({title, text: [text], confirm, act});
}

// Only after `name` has been typed.
export function askTyped({title, text, name, confirm, act}) {
    return ask({title, text: [text], label: `Type ${name} to confirm`, type: 'text', confirm,
                danger: true, expected: name, act});
}
