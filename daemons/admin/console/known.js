// SPDX-License-Identifier: Apache-2.0
// What is worth showing first of the daemons that we know. A column that a daemon does not have is
// left out, and what is not named here is still in "All columns" and in "All figures".

// Totals of the whole program: plots of the overview, [column, label of its line].
export const overviewPlots = [
    {title: 'Messages a second',
     series: [['accepted', 'accepted'], ['delivered', 'delivered'], ['finished', 'finished']]},
    {title: 'Messages held', series: [['ready', 'ready'], ['leased', 'leased'], ['delayed', 'delayed']]},
    {title: 'Requests a second',
     series: [['requests', 'requests'], ['answered', 'answered'], ['failed', 'failed'], ['expired', 'expired']]},
    {title: 'Requests waiting and running', series: [['queued', 'waiting'], ['running', 'running']]},
    {title: 'Relayed a second',
     series: [['messages', 'messages'], ['relayed', 'relayed'], ['received', 'received'], ['sent', 'sent']]},
    {title: 'Bytes a second',
     series: [['bytes_relayed', 'relayed'], ['bytes_received', 'received'], ['bytes_sent', 'sent']]},
    {title: 'Commits a second', series: [['commits', 'commits']]},
    {title: 'Refused and lost a second',
     series: [['refused', 'refused'], ['dropped', 'dropped'], ['lost', 'lost'], ['dead', 'dead']]},
    {title: 'Connected', series: [['connections', 'connections'], ['sessions', 'sessions'],
                                  ['workers', 'workers'], ['consumers', 'consumers']]},
];

// Figures of the overview that stand above the plots.
export const overviewFirst = ['queues', 'services', 'relays', 'connections', 'sessions', 'workers',
    'ready', 'leased', 'delayed', 'queued', 'running', 'accepted', 'finished', 'requests', 'answered',
    'messages', 'relayed', 'dead', 'refused', 'dropped', 'handshake_failures'];

// Of one object.
export const objectPlots = {
    queue: [
        {title: 'In and out a second', series: [['accepted', 'accepted'], ['finished', 'finished'],
                                                ['redelivered', 'redelivered']]},
        {title: 'Messages held', series: [['ready', 'ready'], ['leased', 'leased'], ['delayed', 'delayed']]},
        {title: 'Age of the oldest', series: [['oldest_age', 'oldest'], ['lag', 'oldest'],
                                              ['oldest_seconds', 'oldest']]},
        {title: 'Failing a second', series: [['nacked', 'given back'], ['dead', 'dead'],
                                             ['leases_expired', 'leases expired'], ['refused', 'refused']]},
    ],
    service: [
        {title: 'Requests a second', series: [['requests', 'requests'], ['answered', 'answered'],
                                              ['failed', 'failed'], ['expired', 'expired']]},
        {title: 'Waiting and running', series: [['queued', 'waiting'], ['running', 'running']]},
        {title: 'Workers', series: [['workers', 'workers'], ['workers_waiting', 'idle']]},
    ],
    relay: [
        {title: 'Messages a second', series: [['messages', 'messages'], ['relayed', 'relayed'],
                                              ['received', 'received'], ['sent', 'sent']]},
        {title: 'Bytes a second', series: [['bytes', 'bytes'], ['bytes_relayed', 'relayed'],
                                           ['bytes_received', 'received'], ['bytes_sent', 'sent']]},
        {title: 'Dropped a second', series: [['dropped', 'dropped'], ['lost', 'lost'], ['refused', 'refused']]},
    ],
};

// Columns of the lists before "All columns" is chosen.
export const listColumns = {
    queue: ['ready', 'leased', 'delayed', 'consumers', 'accepted', 'finished', 'dead', 'lag', 'oldest_age',
            'bytes'],
    service: ['workers', 'workers_waiting', 'queued', 'running', 'requests', 'answered', 'failed'],
    relay: ['kind', 'state', 'messages', 'relayed', 'received', 'sent', 'dropped', 'paused'],
    door: ['queue', 'kind', 'endpoints', 'messages', 'refused', 'lost', 'paused'],
    connection: ['endpoint', 'endpoints', 'user', 'address', 'listener'],
};

export const columnsAtFirst = 8; // of a kind that is not above

// One plot of rates and one of levels for what has no plots above.
export function plainPlots(columns) {
    const first = (kind) => columns.filter((column) => column.kind === kind).slice(0, 4)
        .map(({name}) => [name, name.replaceAll('_', ' ')]);
    return [{title: 'A second', series: first('counter')}, {title: 'Now', series: first('gauge')}]
        .filter(({series}) => series.length);
}
