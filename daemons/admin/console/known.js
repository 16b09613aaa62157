// SPDX-License-Identifier: Apache-2.0
// What is worth showing first of the daemons that we know. A column that a daemon does not have is
// left out, and what is not named here is still in "All columns" and in "All figures".

// [column, label of its line]
const lines = (...names) => names.map(
    (name) => (Array.isArray(name) ? name : [name, name.replaceAll('_', ' ')]));

// By the kind of the totals.
export const overviewPlots = {
    store: [
        {title: 'Messages a second', series: lines('received', 'delivered', 'finished')},
        {title: 'Messages held', series: lines('ready', 'leased', 'delayed')},
        {title: 'Commits a second', series: lines('commits')},
        {title: 'Age of the oldest', series: lines(['lag', 'oldest'])},
        {title: 'Failing a second', series: lines('redelivered', 'dead', 'refused', 'dropped')},
        {title: 'Bytes a second', series: lines(['received_bytes', 'received'])},
    ],
    broker: [
        {title: 'Requests a second', series: lines('requests', 'answered', 'failed', 'expired')},
        {title: 'Waiting and running', series: lines(['queued', 'waiting'], 'running')},
        {title: 'Workers', series: lines('workers', ['workers_waiting', 'idle'])},
        {title: 'Failing a second', series: lines('refused', 'dropped', 'malformed')},
    ],
    relay: [
        {title: 'Messages a second', series: lines('received', 'delivered', 'messages')},
        {title: 'Bytes a second', series: lines(['received_bytes', 'received'], 'bytes')},
        {title: 'Lost a second', series: lines('dropped', 'refused', 'lost')},
    ],
};

// Figures of the overview that stand above the plots.
export const overviewFirst = [
    'queues', 'services', 'relays', 'connections', 'sessions', 'workers', 'ready', 'leased',
    'delayed', 'queued', 'running', 'received', 'finished', 'requests', 'answered', 'messages',
    'dead', 'refused', 'dropped', 'handshake_failures', 'disk_free_bytes'];

// Of one object.
export const objectPlots = {
    queue: [
        {title: 'In and out a second', series: lines('accepted', 'finished', 'redelivered')},
        {title: 'Messages held', series: lines('ready', 'leased', 'delayed')},
        {title: 'Age of the oldest', series: lines(['lag', 'oldest'])},
        {title: 'Failing a second',
         series: lines(['nacked', 'given back'], 'dead', 'leases_expired', 'refused')},
    ],
    service: [
        {title: 'Requests a second', series: lines('requests', 'answered', 'failed', 'expired')},
        {title: 'Waiting and running', series: lines(['queued', 'waiting'], 'running')},
        {title: 'Workers', series: lines('workers', ['workers_waiting', 'idle'])},
    ],
    relay: [
        {title: 'Messages a second', series: lines('received', 'delivered', 'messages')},
        {title: 'Bytes a second', series: lines(['received_bytes', 'received'], 'bytes')},
        {title: 'Lost a second', series: lines('dropped', 'refused', 'lost')},
    ],
};

// Columns of the lists before "All columns" is chosen.
export const listColumns = {
    queue: ['ready', 'leased', 'delayed', 'consumers', 'accepted', 'finished', 'dead', 'lag',
            'bytes'],
    service: ['workers', 'workers_waiting', 'queued', 'running', 'requests', 'answered', 'failed'],
    door: ['queue', 'kind', 'messages', 'refused', 'lost', 'paused'],
};

export const columnsAtFirst = 8; // of a kind that is not above

// One plot of rates and one of levels for what has no plots above.
export function plainPlots(columns) {
    const first = (kind) => lines(...columns.filter((column) => column.kind === kind).slice(0, 4)
        .map(({name}) => name));
    return [{title: 'A second', series: first('counter')}, {title: 'Now', series: first('gauge')}]
        .filter(({series}) => series.length);
}
