// SPDX-License-Identifier: Apache-2.0
// What changes something. Its buttons are off until a token was entered, and say so.

import {button, freshId, h, setAttribute, setText, show} from './dom.js';
import {askToken, askTyped, askYes} from './dialogs.js';
import {queuePath, segment} from './api.js';
import {messages, visible} from './format.js';

// Buttons that need the token, and the sentence that says how to get there.
export class Actions {
    #app;
    #buttons;
    #stop;
    #hint;
    element;

    // made: buttons. close() when they are gone.
    constructor(app, made, heading = 'Actions') {
        this.#app = app;
        this.#buttons = made;
        this.#hint = h('p', {class: 'hint', id: freshId('hint')}, 'These need the admin token. ',
            button('Enter token', () => askToken(app.api), {class: 'link'}));
        const id = freshId('actions');
        this.element = h('section', {class: 'actions', 'aria-labelledby': id},
            h('h2', {id}, heading), h('div', {class: 'buttons'}, made), this.#hint);
        this.#stop = app.api.onToken(() => this.#update());
        this.#update();
    }

    #update() {
        const may = this.#app.api.hasToken;
        for (const each of this.#buttons) {
            each.disabled = !may;
            setAttribute(each, 'aria-describedby', may ? null : this.#hint.id);
        }
        show(this.#hint, !may);
    }

    close() {
        this.#stop();
    }
}

// The same for one button in a row of a table.
export function guard(app, made) {
    made.disabled = !app.api.hasToken;
    setAttribute(made, 'title', app.api.hasToken ? null : 'Needs the admin token');
    return made;
}

const counted = (answer) => messages(answer?.messages ?? 0);

export function redriveAll(app, queue) {
    return askYes({
        title: 'Redrive all dead letters?',
        text: `Every dead letter in ${visible(queue)} goes back to the queue it came from, `
            + 'its attempts starting over.',
        confirm: 'Redrive all',
        act: async () => {
            const answer = await app.api.post(queuePath(queue, 'redrive'), {messages: 0});
            app.said(`Redriven: ${counted(answer)}`);
        },
    });
}

export function redriveOne(app, queue, id) {
    return plainly(app, `Message ${id} redriven`,
                   () => app.api.post(queuePath(queue, 'redrive'), {id: String(id)}));
}

export function purge(app, queue) {
    return askTyped({
        title: 'Purge this queue?',
        text: `All messages in ${visible(queue)} that are ready or delayed are deleted for good. `
            + 'Those with consumers stay.',
        name: queue, confirm: 'Purge',
        act: async () => {
            const answer = await app.api.post(queuePath(queue, 'purge'));
            app.said(`Purged: ${counted(answer)}`);
        },
    });
}

export function pauseRelay(app, relay) {
    return askYes({
        title: 'Pause this relay?',
        text: `${visible(relay)} takes nothing more until it is resumed; peers wait or lose, as `
            + 'the pattern says.',
        confirm: 'Pause relay',
        act: async () => {
            await app.api.post(`relays/${segment(relay)}/pause`);
            app.said(`Relay ${visible(relay)} paused`);
        },
    });
}

export function resumeRelay(app, relay) {
    return plainly(app, `Relay ${visible(relay)} resumed`,
                   () => app.api.post(`relays/${segment(relay)}/resume`));
}

// Without a question; a failure is said where successes are. True when it was done.
async function plainly(app, done, act) {
    try {
        await act();
        app.said(done);
        return true;
    } catch (error) {
        app.failed(error);
        return false;
    }
}

// A row of the page that says what was done, or why not. Also for screen readers.
export function notice() {
    const text = h('span');
    const element = h('div', {class: 'notice', hidden: true}, text,
        button('Dismiss', () => show(element, false), {class: 'link'}));
    return {element, say(message, isProblem) {
        setText(text, message);
        setAttribute(element, 'class', isProblem ? 'notice problem' : 'notice');
        show(element, true);
    }};
}
