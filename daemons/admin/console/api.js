// SPDX-License-Identifier: Apache-2.0
// Asks the daemon, as docs/protocol/admin.md says. The token lives in this object only: it is gone
// with the page.

const answerMax = 10_000; // ms; a daemon that does not answer for so long is unreachable

// code 0: no answer at all.
export class ApiError extends Error {
    constructor(code, why) {
        super(why);
        this.code = code;
    }

    // What whoever reads this can do about it.
    get advice() {
        switch (this.code) {
        case 0: return 'Check that the daemon runs and that admin_http is reachable from here.';
        case 401:
        case 403: return 'Enter the admin token: it is in the file that admin_token names.';
        case 404: return 'It may be gone by now. Go back to the list.';
        case 409: return 'Not possible right now. Try again when the reason is gone.';
        case 501: return 'This daemon has no such thing.';
        case 503: return 'The daemon is busy. Try again in a moment.';
        default: return 'Try again. If it stays, the log of the daemon says more.';
        }
    }
}

export class Api {
    #token = '';
    #base = new URL('../api/', document.baseURI.split('#')[0]);
    #listeners = new Set();

    get hasToken() {
        return this.#token !== '';
    }

    // `listener` is called when a token was entered or forgotten; gives back how to stop that.
    onToken(listener) {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    // Keeps the token if the daemon takes it. Throws ApiError.
    async enter(token) {
        await this.#ask('audit', {query: {rows: 1}, token});
        this.#setToken(token);
    }

    forget() {
        this.#setToken('');
    }

    #setToken(token) {
        this.#token = token;
        for (const listener of this.#listeners)
            listener();
    }

    get(path, query = {}) {
        return this.#ask(path, {query});
    }

    post(path, body = {}) {
        return this.#ask(path, {body});
    }

    async #ask(path, {query = {}, body = null, token = this.#token}) {
        const url = new URL(path, this.#base);
        for (const [key, value] of Object.entries(query))
            if (value !== '' && value !== null && value !== undefined)
                url.searchParams.set(key, value);
        const headers = {Accept: 'application/json'};
        if (token)
            headers.Authorization = `Bearer ${token}`;
        if (body)
            headers['Content-Type'] = 'application/json';
        let response;
        let text;
        try {
            response = await fetch(url, {
                method: body ? 'POST' : 'GET', headers, body: body ? JSON.stringify(body) : null,
                cache: 'no-store', credentials: 'omit', redirect: 'error',
                referrerPolicy: 'no-referrer', signal: AbortSignal.timeout(answerMax),
            });
            text = await response.text();
        } catch (error) {
            throw new ApiError(0, error.name === 'TimeoutError'
                ? `no answer within ${answerMax / 1000} s` : 'no connection');
        }
        let json = null;
        try {
            json = JSON.parse(text);
        } catch {
            if (response.ok)
                throw new ApiError(-1, 'the answer is not JSON');
        }
        if (!response.ok)
            throw new ApiError(response.status,
                               json?.why || json?.error || `HTTP status ${response.status}`);
        return json;
    }
}

// One segment of a path or of a deep link.
export const segment = encodeURIComponent;

export const queuePath = (queue, rest) => `queues/${segment(queue)}/${rest}`;
