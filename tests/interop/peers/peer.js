// SPDX-License-Identifier: Apache-2.0
// A zeromq.js peer; README.md beside it says what it understands and answers.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { setTimeout: after } = require("timers/promises");
const { parseArgs } = require("util");

let zmq;
try {
    zmq = require("zeromq");
} catch (error) {
    console.error("peer.js: there is no zeromq.js here; run scripts/install-interop");
    console.error(String(error));
    process.exit(1);
}

const PATIENCE_MS = 20_000;
const TYPES = {
    pair: zmq.Pair, pub: zmq.Publisher, sub: zmq.Subscriber, req: zmq.Request, rep: zmq.Reply,
    dealer: zmq.Dealer, router: zmq.Router, pull: zmq.Pull, push: zmq.Push,
    xpub: zmq.XPublisher, xsub: zmq.XSubscriber,
};

function message(i, frameMax) {
    const digits = Buffer.from(String(i));
    switch (i % 8) {
    case 0: return [Buffer.from(`text ${i}`)];
    case 1: return [digits, Buffer.alloc(0), Buffer.from("end")];
    case 2: return [digits, Buffer.from(Array.from({ length: 256 }, (_, value) => value))];
    case 3: return [digits, Buffer.alloc(255, i % 256)];
    case 4: return [digits, Buffer.alloc(256, i % 256)];
    case 5: return i === 13 ? [Buffer.alloc(0)] : [Buffer.alloc(0), digits];
    case 6: return [digits, ...Array.from({ length: 11 }, (_, n) => Buffer.from(String(n)))];
    default: {
        const large = Buffer.alloc(Math.min(i === 7 ? 1 << 20 : 70_000, frameMax));
        for (let j = 0; j < large.length; ++j) large[j] = (i + 7 * j + (j >> 8)) % 256;
        return [digits, large];
    }
    }
}

class Tally {
    constructor() {
        this.count = 0;
        this.digest = crypto.createHash("sha256");
    }

    number(value) {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value);
        this.digest.update(bytes);
    }

    add(frames) {
        ++this.count;
        this.number(frames.length);
        for (const frame of frames) {
            this.number(frame.length);
            this.digest.update(frame);
        }
    }

    toString() {
        return `${this.count} ${this.digest.copy().digest("hex")}`;
    }
}

// Lines of standard input, one for each call; undefined at its end.
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const nextLine = async () => (await lines.next()).value;

// The keys of a certificate file (4/ZPL).
function certificate(file) {
    const text = fs.readFileSync(file, "utf8");
    const value = (name) => (new RegExp(`^\\s*${name}\\s*=\\s*"(.{40})"`, "m").exec(text) || [])[1];
    return { publicKey: value("public-key"), secretKey: value("secret-key") };
}

// A ZAP handler (27/ZAP) that lets in the keys of a folder of certificates.
async function answerZap(handler, folder) {
    const allowed = new Set(fs.readdirSync(folder)
        .map((file) => certificate(path.join(folder, file)).publicKey));
    for await (const [version, id, , , , mechanism, key] of handler) {
        const text = key && key.length === 32 ? z85(key) : "";
        const known = mechanism.toString() === "CURVE" && allowed.has(text);
        await handler.send([version, id, known ? "200" : "400", known ? "OK" : "no", text, ""]);
    }
}

function z85(bytes) {
    const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" +
        ".-:+=^!/*?&<>()[]{}@%$#";
    let text = "";
    for (let at = 0; at < bytes.length; at += 4) {
        let value = bytes.readUInt32BE(at);
        let five = "";
        for (let n = 0; n < 5; ++n) {
            five = digits[value % 85] + five;
            value = Math.floor(value / 85);
        }
        text += five;
    }
    return text;
}

async function secure(socket, options) {
    if (options["curve-client"]) {
        const own = certificate(options["curve-client"]);
        socket.curvePublicKey = own.publicKey;
        socket.curveSecretKey = own.secretKey;
        socket.curveServerKey = certificate(options["server-key"]).publicKey;
    }
    if (!options["curve-server"]) return null;
    const handler = new zmq.Reply();
    await handler.bind("inproc://zeromq.zap.01");
    answerZap(handler, options.clients).catch(() => {});
    socket.curveServer = true;
    socket.curveSecretKey = certificate(options["curve-server"]).secretKey;
    socket.zapDomain = "peer";
    return handler;
}

async function attach(socket, options) {
    if (options.type === "sub") socket.subscribe(...options.subscribe);
    if (options.how === "bind") {
        await socket.bind(options.endpoint);
        console.log("bound", socket.lastEndpoint);
    } else {
        socket.connect(options.endpoint);
    }
    if (options.type === "xsub")
        for (const prefix of options.subscribe)
            await socket.send(Buffer.concat([Buffer.from([1]), Buffer.from(prefix)]));
    console.log("ready");
}

async function awaitSubscriber(socket, options) {
    if (options.type === "xpub") {
        await socket.receive();
    } else if (options.type === "pub") {
        let gone = false;
        const go = nextLine().then(() => { gone = true; });
        while (!gone) {
            await socket.send(options.topic ? [options.topic, "probe"] : ["probe"]);
            await Promise.race([go, after(10)]);
        }
    }
}

const isProbe = (frames) => frames[frames.length - 1].toString() === "probe";

async function receive(socket, options) {
    const subscribes = ["sub", "xsub"].includes(options.type);
    let frames = await socket.receive();
    if (subscribes && isProbe(frames)) console.log("probed");
    while (subscribes && isProbe(frames)) frames = await socket.receive();
    return frames;
}

// A worker of docs/protocol/leased.md on a REQ: gives every fifth message back once.
async function work(socket, options, received) {
    const ask = async (...frames) => {
        await socket.send(["FLQ1", ...frames]);
        const [, verb, , text, ...body] = await socket.receive();
        const lines = String(text || "").split("\n").filter((line) => line);
        const said = Object.fromEntries(lines.map((line) => [
            line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
        return { verb: String(verb), said, body };
    };
    for (let i = 0; i < options.work + Math.ceil(options.work / 5); ++i) {
        const given = await ask("take", "", "wait_ms=20000");
        if (given.verb !== "deliver") throw new Error(`not delivered: ${given.verb}`);
        const again = given.said.attempt !== "1";
        if (again !== (given.said.redelivered === "yes"))
            throw new Error("a redelivery is not told");
        const done = again || received.count % 5 !== 0;
        if (done) received.add(given.body);
        const answer = await ask(done ? "ack" : "nack", "", `lease=${given.said.lease}`);
        if (answer.verb !== "ok" || answer.said.done !== "1")
            throw new Error(`not acknowledged: ${answer.verb}`);
    }
}

// The Majordomo protocol: the first frames and the bytes of its commands, by version.
const MDP = {
    "0.1": { worker: ["", "MDPW01"], request: 2, final: 3, heartbeat: 4, disconnect: 5 },
    "0.2": { worker: ["MDPW02"], request: 2, final: 4, heartbeat: 5, disconnect: 6 },
};
const begins = (frames, head) => head.every((frame, i) => frames[i] &&
    frames[i].equals(Buffer.from(frame)));

// A client of 7/MDP or 18/MDP: one request after the other.
async function askService(socket, options, sent, received) {
    const old = options.version === "0.1";
    // A REQ puts the empty frame of 7/MDP there by itself.
    const empty = old && options.type !== "req" ? [""] : [];
    const head = (command) => [...empty, ...(old ? ["MDPC01"] : ["MDPC02", command]),
        options.service];
    for (let i = 0; i < options.ask; ++i) {
        const body = message(i, options["frame-max"]);
        sent.add(body);
        await socket.send([...head("\x01"), ...body]);
        const reply = await socket.receive();
        if (!begins(reply, head("\x03"))) throw new Error(`not a reply: ${reply.slice(0, 4)}`);
        received.add(reply.slice(head("\x03").length));
    }
}

// A worker of 7/MDP or 18/MDP: answers so many requests with themselves.
async function serve(socket, options, sent, received) {
    const words = MDP[options.version];
    const say = (command, ...more) =>
        socket.send([...words.worker, Buffer.from([command]), ...more]);
    const head = words.worker.length;
    await say(1, options.service);
    while (received.count < options.serve) {
        const frames = await socket.receive();
        const command = frames[head] ? frames[head][0] : 0;
        if (!begins(frames, words.worker) || command === words.disconnect)
            throw new Error(`the broker says: ${frames}`);
        if (command !== words.request) continue; // a heartbeat
        const body = frames.slice(head + 3);
        received.add(body);
        sent.add(body);
        await say(words.final, frames[head + 1], "", ...body);
        await say(words.heartbeat);
    }
    await say(words.disconnect);
}

async function talk(socket, options) {
    const sent = new Tally();
    const received = new Tally();
    const topic = options.topic ? [Buffer.from(options.topic)] : [];
    if (options.send) await awaitSubscriber(socket, options);
    for (let i = 0; i < options.send + options.request; ++i) {
        if (options.topic && i % 4 === 0) await socket.send(["noise", String(i)]);
        const frames = [...topic, ...message(i, options["frame-max"])];
        sent.add(frames); // before the library takes them
        await socket.send(frames);
        if (options.request) received.add(await receive(socket, options));
    }
    for (let i = 0; i < options.receive; ++i) received.add(await receive(socket, options));
    for (let i = 0; i < options.echo; ++i) {
        const frames = await receive(socket, options);
        const body = options.type === "router" ? frames.slice(1) : frames;
        received.add(body);
        sent.add(body);
        await socket.send(frames);
    }
    if (options.work) await work(socket, options, received);
    if (options.ask) await askService(socket, options, sent, received);
    if (options.serve) await serve(socket, options, sent, received);
    console.log("sent", String(sent));
    console.log("received", String(received));
}

function parse(words) {
    const text = { type: "string" };
    const { values, positionals } = parseArgs({
        args: words, allowPositionals: true,
        options: {
            send: text, receive: text, echo: text, request: text, work: text, topic: text,
            ask: text, serve: text, service: text, version: { type: "string", default: "0.2" },
            "frame-max": text, subscribe: { type: "string", multiple: true, default: [] },
            "curve-server": text, clients: text, "curve-client": text, "server-key": text,
        },
    });
    const [type, how, endpoint] = positionals;
    for (const name of ["send", "receive", "echo", "request", "work", "ask", "serve"])
        values[name] = Number(values[name] || 0);
    values["frame-max"] = Number(values["frame-max"] || 1 << 20);
    if (!TYPES[type] || !["bind", "connect"].includes(how) || !endpoint)
        throw new Error("TYPE bind|connect ENDPOINT is missing");
    return { ...values, type, how, endpoint };
}

async function converse(words) {
    let socket = null;
    let handler = null;
    try {
        const options = parse(words);
        // A connected SUB whose publisher has gone would linger to tell it of its end.
        const subscribes = ["sub", "xsub"].includes(options.type);
        socket = new TYPES[options.type]({ linger: subscribes ? 0 : PATIENCE_MS });
        if ("receiveTimeout" in socket) socket.receiveTimeout = PATIENCE_MS;
        if ("sendTimeout" in socket) socket.sendTimeout = PATIENCE_MS;
        handler = await secure(socket, options);
        await attach(socket, options);
        await talk(socket, options);
        socket.close();
        console.log("done");
    } catch (error) {
        console.log("failed", String(error));
    } finally {
        if (socket) socket.close();
        if (handler) handler.close();
    }
}

async function main() {
    const words = process.argv.slice(2);
    if (words.length > 0) {
        await converse(words);
        process.exitCode = 0;
        process.stdin.pause();
        return;
    }
    const version = require("zeromq/package.json").version;
    console.log(`zeromq.js ${version}, libzmq ${zmq.version}, node ${process.version}`);
    for (let line = await nextLine(); line !== undefined; line = await nextLine())
        await converse(line.trim().split(/\s+/));
}

main();
