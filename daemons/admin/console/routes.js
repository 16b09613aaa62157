// SPDX-License-Identifier: Apache-2.0
// Deep links: #/queue/orders/message/17?from=delayed. Names are one segment each, percent-encoded.

export function parseRoute(hash) {
    const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
    let segments;
    try {
        segments = path.split('/').filter(Boolean).map(decodeURIComponent);
    } catch {
        segments = ['?']; // no such view
    }
    return {segments, query: new URLSearchParams(query)};
}

export function link(segments, query = {}) {
    const kept = Object.entries(query).filter(([, value]) => value !== '' && value !== null
                                                             && value !== undefined);
    const text = new URLSearchParams(kept).toString();
    const path = segments.map((each) => encodeURIComponent(each)).join('/');
    return `#/${path}${text ? `?${text}` : ''}`;
}

// Keeps what was typed in the address without a step in the browser's history.
export function remember(segments, query) {
    window.history.replaceState(null, '', link(segments, query));
}
