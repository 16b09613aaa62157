// SPDX-License-Identifier: Apache-2.0
// What is worth showing first of the daemons that we know. A column that a daemon does not have is
// left out, and what is not named here is still in "All columns" and in "All figures".

// [column, label of its line]
const lines = (...names) => names.map(
    (name) => (Array.isArray(name) ? name : [name, name.replaceAll('_', ' ')]));

const relayPlots = [
    {title: 'Messages a second', series: lines(['in_messages', 'in'], ['out_messages', 'out'])},
    {title: 'Bytes a second', series: lines(['in_bytes', 'in'], ['out_bytes', 'out'])},
    {title: 'Held', series: lines('held', ['backlog_messages', 'backlog'])},
    {title: 'Dropped a second', series: lines(
        ['dropped_overflow', 'overflow'], ['dropped_unroutable', 'unroutable'],
        ['dropped_malformed', 'malformed'], ['dropped_too_large', 'too large'])},
];

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
    relay: relayPlots,
};

// Figures of the overview that stand above the plots.
export const overviewFirst = [
    'queues', 'services', 'relays', 'sessions', 'workers', 'connections', 'ready', 'leased',
    'delayed', 'queued', 'running', 'paused', 'received', 'finished', 'requests', 'answered',
    'in_messages', 'out_messages', 'dead', 'refused', 'dropped', 'disk_free_bytes'];

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
        {title: 'Answers a second', series: lines('answered')},
        {title: 'Waiting and running', series: lines(['queued', 'waiting'], 'running')},
        {title: 'Workers', series: lines('workers', ['workers_waiting', 'idle'])},
    ],
    relay: relayPlots,
    worker: [{title: 'Requests', series: lines('held', 'running', 'capacity')},
             {title: 'Seconds', series: lines('busy', 'silent')}],
    session: [{title: 'Messages', series: lines('leased', 'credit')},
              {title: 'Seconds', series: lines('silent')}],
    connection: [
        {title: 'Bytes a second', series: lines(['received_bytes', 'received'],
                                                ['sent_bytes', 'sent'])},
        {title: 'Bytes that wait', series: lines(['unread_bytes', 'unread'],
                                                 ['unsent_bytes', 'unsent'])},
        {title: 'Round trip', series: lines('round_trip')},
    ],
};

// Columns of the lists before "All columns" is chosen.
export const listColumns = {
    queue: ['ready', 'leased', 'delayed', 'consumers', 'accepted', 'finished', 'dead', 'lag',
            'bytes'],
    relay: ['kind', 'state', 'frontend', 'backend', 'in_messages', 'out_messages', 'held',
            'dropped_overflow'],
    door: ['queue', 'kind', 'messages', 'refused', 'lost', 'paused'],
    worker: ['service', 'user', 'dialect', 'connection', 'capacity', 'held', 'busy', 'silent'],
    session: ['queue', 'consumer', 'user', 'connection', 'credit', 'leased', 'silent', 'stuck'],
    connection: ['listener', 'age', 'received_bytes', 'sent_bytes', 'unread_bytes', 'unsent_bytes',
                 'round_trip'],
};

export const columnsAtFirst = 8; // of a kind that is not above

// One plot of rates and one of levels for what has no plots above.
export function plainPlots(columns) {
    const first = (kind) => lines(...columns.filter((column) => column.kind === kind).slice(0, 4)
        .map(({name}) => name));
    return [{title: 'A second', series: first('counter')}, {title: 'Now', series: first('gauge')}]
        .filter(({series}) => series.length);
}
