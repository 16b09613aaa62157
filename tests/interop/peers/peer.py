#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A pyzmq peer; README.md beside it says what it understands and answers."""
import argparse
import hashlib
import select
import struct
import sys

try:
    import zmq
    import zmq.auth
    from zmq.auth.thread import ThreadAuthenticator
except ImportError:
    sys.exit("peer.py: there is no pyzmq here; install the package python3-zmq")

PATIENCE_MS = 20_000


def message(i, frame_max):
    kind, digits = i % 8, b"%d" % i
    if kind == 0:
        return [b"text " + digits]
    if kind == 1:
        return [digits, b"", b"end"]
    if kind == 2:
        return [digits, bytes(range(256))]
    if kind in (3, 4):
        return [digits, bytes([i % 256]) * (255 if kind == 3 else 256)]
    if kind == 5:
        return [b""] if i == 13 else [b"", digits]
    if kind == 6:
        return [digits] + [b"%d" % n for n in range(11)]
    block = bytes((i + 7 * j + j // 256) % 256 for j in range(65_536))  # it repeats from here
    return [digits, (block * 16)[:min(1 << 20 if i == 7 else 70_000, frame_max)]]


class Tally:
    def __init__(self):
        self.count, self.digest = 0, hashlib.sha256()

    def add(self, frames):
        self.count += 1
        self.digest.update(struct.pack(">I", len(frames)))
        for frame in frames:
            self.digest.update(struct.pack(">I", len(frame)) + frame)

    def __str__(self):
        return f"{self.count} {self.digest.hexdigest()}"


def say(*words):
    print(*words, flush=True)


def secure(context, socket, options):
    """Returns the authenticator, which lives as long as the conversation."""
    authenticator = None
    if options.curve_server:
        authenticator = ThreadAuthenticator(context)
        authenticator.start()
        authenticator.configure_curve(domain="*", location=options.clients)
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(
            options.curve_server)
        socket.curve_server = True
    if options.curve_client:
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(
            options.curve_client)
        socket.curve_serverkey, _ = zmq.auth.load_certificate(options.server_key)
    return authenticator


def attach(socket, options):
    for prefix in options.subscribe:
        if options.type == "sub":
            socket.setsockopt(zmq.SUBSCRIBE, prefix.encode())
    if options.how == "bind":
        socket.bind(options.endpoint)
        say("bound", socket.last_endpoint.rstrip(b"\0").decode())
    else:
        socket.connect(options.endpoint)
    if options.type == "xsub":
        for prefix in options.subscribe:
            socket.send(b"\x01" + prefix.encode())
    say("ready")


def await_subscriber(socket, options):
    if options.type == "xpub":
        socket.recv()
    elif options.type == "pub":
        probe = [options.topic.encode(), b"probe"] if options.topic else [b"probe"]
        while not select.select([sys.stdin], [], [], 0.01)[0]:
            socket.send_multipart(probe)
        sys.stdin.readline()


def outgoing(options, count):
    """Each message, and whether it counts (noise does not: nobody asked for it)."""
    topic = [options.topic.encode()] if options.topic else []
    for i in range(count):
        if topic and i % 4 == 0:
            yield [b"noise", b"%d" % i], False
        yield topic + message(i, options.frame_max), True


def is_probe(frames):
    return frames[-1] == b"probe"


def receive(socket, options):
    frames = socket.recv_multipart()
    if options.type in ("sub", "xsub") and is_probe(frames):
        say("probed")
    while options.type in ("sub", "xsub") and is_probe(frames):
        frames = socket.recv_multipart()
    return frames


def work(socket, options, received):
    """A worker of docs/protocol/leased.md on a REQ: gives every fifth message back once."""
    def ask(*frames):
        socket.send_multipart([b"FLQ1", *frames])
        _, verb, _, text, *body = socket.recv_multipart() + [b"", b""]
        return verb, dict(line.split(b"=", 1) for line in text.splitlines()), body[:-2]

    for _ in range(options.work + (options.work + 4) // 5):
        verb, said, body = ask(b"take", b"", b"wait_ms=20000")
        if verb != b"deliver":
            raise ValueError(f"not delivered: {verb} {said}")
        again = said[b"attempt"] != b"1"
        if again != (said[b"redelivered"] == b"yes"):
            raise ValueError(f"a redelivery is not told: {said}")
        done = again or received.count % 5 != 0
        if done:
            received.add(body)
        verb, said, _ = ask(b"ack" if done else b"nack", b"", b"lease=" + said[b"lease"])
        if verb != b"ok" or said[b"done"] != b"1":
            raise ValueError(f"not acknowledged: {verb} {said}")


# A worker of the Majordomo protocol: the first frames and the bytes of its commands, by version.
MDP = {"0.1": {"head": [b"", b"MDPW01"], "ready": b"\1", "request": b"\2", "final": b"\3",
               "heartbeat": b"\4", "disconnect": b"\5"},
       "0.2": {"head": [b"MDPW02"], "ready": b"\1", "request": b"\2", "final": b"\4",
               "heartbeat": b"\5", "disconnect": b"\6"}}


def ask(socket, options, sent, received):
    """A client of 7/MDP or 18/MDP: one request after the other."""
    service = options.service.encode()
    head = [b"MDPC01", service] if options.version == "0.1" else [b"MDPC02", b"\1", service]
    answered = head if options.version == "0.1" else [b"MDPC02", b"\3", service]
    # A REQ puts the empty frame of 7/MDP there by itself.
    empty = [b""] if options.version == "0.1" and options.type != "req" else []
    for i in range(options.ask):
        body = message(i, options.frame_max)
        socket.send_multipart(empty + head + body)
        sent.add(body)
        reply = socket.recv_multipart()
        begin = len(empty + answered)
        if reply[:begin] != empty + answered:
            raise ValueError(f"not a reply: {reply[:begin]}")
        received.add(reply[begin:])


def serve(socket, options, sent, received):
    """A worker of 7/MDP or 18/MDP: answers so many requests with themselves."""
    words = MDP[options.version]
    head = len(words["head"])

    def tell(command, *more):
        socket.send_multipart([*words["head"], words[command], *more])

    tell("ready", options.service.encode())
    while received.count < options.serve:
        if not socket.poll(500):
            tell("heartbeat")
            continue
        frames = socket.recv_multipart()
        if frames[:head] != words["head"] or frames[head] == words["disconnect"]:
            raise ValueError(f"the broker says: {frames}")
        if frames[head] == words["heartbeat"]:
            continue
        if frames[head] != words["request"] or frames[head + 2] != b"":
            raise ValueError(f"not a request: {frames[:head + 3]}")
        body = frames[head + 3:]
        received.add(body)
        tell("final", frames[head + 1], b"", *body)
        sent.add(body)
    tell("disconnect")


def talk(socket, options):
    sent, received = Tally(), Tally()
    if options.send:
        await_subscriber(socket, options)
    for frames, counted in outgoing(options, options.send + options.request):
        socket.send_multipart(frames)
        if counted:
            sent.add(frames)
        if options.request:
            received.add(receive(socket, options))
    for _ in range(options.receive):
        received.add(receive(socket, options))
    for _ in range(options.echo):
        frames = receive(socket, options)
        socket.send_multipart(frames)
        frames = frames[1:] if options.type == "router" else frames
        received.add(frames)
        sent.add(frames)
    if options.work:
        work(socket, options, received)
    if options.ask:
        ask(socket, options, sent, received)
    if options.serve:
        serve(socket, options, sent, received)
    say("sent", sent)
    say("received", received)


def parse(words):
    parser = argparse.ArgumentParser(prog="peer.py", allow_abbrev=False)
    parser.add_argument("type")
    parser.add_argument("how", choices=("bind", "connect"))
    parser.add_argument("endpoint")
    for name in ("send", "receive", "echo", "request", "work", "ask", "serve"):
        parser.add_argument("--" + name, type=int, default=0)
    parser.add_argument("--frame-max", type=int, default=1 << 20)
    parser.add_argument("--version", choices=tuple(MDP), default="0.2")
    for name in ("topic", "service", "curve-server", "clients", "curve-client", "server-key"):
        parser.add_argument("--" + name, default="")
    parser.add_argument("--subscribe", action="append", default=[])
    return parser.parse_args(words)


def converse(words):
    options = parse(words)
    context = zmq.Context()
    authenticator = None
    try:
        socket = context.socket(getattr(zmq, options.type.upper()))
        socket.rcvtimeo = socket.sndtimeo = PATIENCE_MS
        # A connected SUB whose publisher has gone would linger to tell it of its end.
        socket.linger = 0 if options.type in ("sub", "xsub") else PATIENCE_MS
        authenticator = secure(context, socket, options)
        attach(socket, options)
        talk(socket, options)
        socket.close()
        say("done")
    except (zmq.ZMQError, OSError, ValueError) as error:
        say("failed", error)
    finally:
        if authenticator:
            authenticator.stop()
        context.destroy()


def main():
    if sys.argv[1:]:
        converse(sys.argv[1:])
        return
    say(f"pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}")
    for line in iter(sys.stdin.readline, ""):
        converse(line.split())


if __name__ == "__main__":
    main()
