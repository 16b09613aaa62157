// SPDX-License-Identifier: Apache-2.0
// queue.js put|take ENDPOINT QUEUE N: a producer and a consumer of a store, written from
// docs/protocol/queue.md with zeromq.js alone. `take` prints each body, and (again) behind a repeat.
"use strict";
const zmq = require("zeromq");

const [, , what, endpoint, queue, n] = process.argv;

function optionsOf(frame) {
    const pairs = (frame ? frame.toString() : "").split("\n").filter((line) => line.includes("="));
    return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf("=")),
        line.slice(line.indexOf("=") + 1)]));
}

async function ask(store, verb, options, ...body) {
    await store.send(["FLQ1", verb, "", options, ...body]);
    const [, answer, , said, ...rest] = await store.receive();
    if (answer.toString() === "error") throw new Error(said.toString());
    return { verb: answer.toString(), options: optionsOf(said), body: rest };
}

async function main() {
    const store = new zmq.Request({ receiveTimeout: 20_000, sendTimeout: 20_000, linger: 0 });
    store.connect(endpoint);
    for (let i = 0; i < Number(n); ++i) {
        if (what === "put") {
            await ask(store, "put", `queue=${queue}\nproducer=queue.js\nsequence=${i + 1}`,
                `message ${i}`);
            continue;
        }
        const taken = await ask(store, "take", `queue=${queue}\nwait_ms=10000`);
        if (taken.verb !== "deliver") throw new Error("nothing came");
        console.log(taken.body[0].toString() + (taken.options.redelivered === "no" ? "" : " (again)"));
        await ask(store, "ack", `lease=${taken.options.lease}`);
    }
    store.close();
}

main().catch((error) => {
    console.error(String(error));
    process.exit(1);
});
