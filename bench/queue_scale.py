#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a store costs when very much is waiting in it.

queue_scale.py STORE-PROGRAM [--messages 1000000,10000000] [--data DIR]

For each number of messages, with a real flotilla-store on a real disk:

  restart   that many of 100 bytes waiting, kill -9, start: seconds from the start of the process to
            its ready line and to the first message delivered; memory then, and while it drains
  delayed   that many waiting for their time (hours from now) and as many probes as --probes due in
            the next seconds: how late each is, that none is early, and that none of those whose time
            to live is over comes at all
  at once   a tenth of them, all due at the same moment: how long until all are delivered

Peers are raw DEALER sockets that pack and unpack by docs/protocol/queue.md. Prints one JSON line a
figure. Nothing is asserted but the promises: early, expired, lost or doubled messages end it with 1.
"""
import argparse
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import zmq

QUEUE = b"scale"
BODY = 100
PACK = 1000  # messages in one packed put
WINDOW = 64  # packed puts under way


def fail(text):
    print("queue_scale: " + text, file=sys.stderr)
    sys.exit(1)


class Store:
    def __init__(self, program, data):
        self.program, self.data, self.process, self.endpoint = program, data, None, None

    def start(self):
        began = time.monotonic()
        self.process = subprocess.Popen(
            [self.program, "--bind", "tcp://127.0.0.1:*", "--data", self.data],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if "tcp://" in line and "ready" in line:
                self.endpoint = "tcp://" + line.split("tcp://")[1].split()[0].strip('",]')
                return began
        fail("the store did not start")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            rows = dict(line.split(":") for line in file if line.startswith("Rss"))
        kib = {name: int(text.split()[0]) for name, text in rows.items()}
        return {"anon_mib": round((kib["RssAnon"] + kib["RssShmem"]) / 1024, 1),
                "file_mib": round(kib["RssFile"] / 1024, 1)}


def options(**named):
    return "\n".join(f"{name}={value}" for name, value in named.items()).encode()


class Peer:
    def __init__(self, store):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.rcvtimeo = 60000
        self.socket.connect(store.endpoint)

    def send(self, verb, correlation=b"", named=b"", *body):
        self.socket.send_multipart([b"FLQ1", verb, correlation, named, *body])

    def receive(self):
        frames = self.socket.recv_multipart()
        named = dict(line.split(b"=", 1) for line in (frames[3:4] or [b""])[0].splitlines())
        if frames[1] == b"error":
            fail(f"the store says {frames}")
        return frames[1], named, frames[4:]

    def ask(self, verb, named=b"", *body):
        self.send(verb, b"1", named, *body)
        return self.receive()

    def close(self):
        self.socket.close()


def region(records):
    data = b"".join(records)
    return struct.pack(">BI", 0, len(data)) + data


def put_all(store, records):
    """Packed puts of everything that `records` yields."""
    peer, under_way, pack, sent = Peer(store), 0, [], 0
    for record in records:
        pack.append(record)
        if len(pack) == PACK:
            peer.send(b"put", b"p", options(queue=QUEUE.decode(), packed="yes"), region(pack))
            pack, under_way, sent = [], under_way + 1, sent + PACK
        while under_way >= WINDOW:
            peer.receive()
            under_way -= 1
    if pack:
        peer.send(b"put", b"p", options(queue=QUEUE.decode(), packed="yes"), region(pack))
        under_way, sent = under_way + 1, sent + len(pack)
    while under_way:
        peer.receive()
        under_way -= 1
    peer.close()
    return sent


def plain(body):
    return struct.pack(">BHI", 0, 1, len(body)) + body


def timed(body, delay_ms, ttl_ms=0):
    return struct.pack(">BBQQBHI", 64, 0, delay_ms, ttl_ms, 0, 1, len(body)) + body


def body_of(number):
    return struct.pack(">Q", number).ljust(BODY, b".")


def deliveries(frames, named):
    """(lease, body) of one deliver message, packed or not."""
    if named.get(b"packed") != b"yes":
        yield named[b"lease"], frames[0]
        return
    packed = frames[0]
    epoch, first = struct.unpack_from(">QQ", packed)
    at = 21  # behind the region's head; it is not compressed
    while at < len(packed):
        offset, = struct.unpack_from(">I", packed, at)
        at += 17
        at += 1 + packed[at]
        count, = struct.unpack_from(">H", packed, at)
        at += 2
        body = b""
        for _ in range(count):
            size, = struct.unpack_from(">I", packed, at)
            body += packed[at + 4:at + 4 + size]
            at += 4 + size
        yield (epoch, first + offset), body


def acknowledge(peer, leases):
    """Packed, in ranges."""
    plain_leases = [lease for lease in leases if isinstance(lease, bytes)]
    for at in range(0, len(plain_leases), 64):
        peer.send(b"ack", b"", b"lease=" + b",".join(plain_leases[at:at + 64]))
    ranges = []
    for epoch, number in (lease for lease in leases if not isinstance(lease, bytes)):
        if ranges and ranges[-1][0] == epoch and ranges[-1][1] + ranges[-1][2] == number:
            ranges[-1][2] += 1
        else:
            ranges.append([epoch, number, 1])
    if ranges:
        peer.send(b"ack", b"", b"", struct.pack(">Q", ranges[0][0]) +
                  b"".join(struct.pack(">QI", first, count) for _, first, count in ranges))


def hello(store, credit):
    peer = Peer(store)
    peer.send(b"hello", b"h", options(queue=QUEUE.decode(), worker="scale", packed="yes",
                                      credit=credit))
    return peer


def say(**figures):
    print(json.dumps(figures), flush=True)


def measure_restart(store, messages):
    began = time.monotonic()
    put_all(store, (plain(body_of(n)) for n in range(messages)))
    say(what="fill", messages=messages, seconds=round(time.monotonic() - began, 2),
        **store.memory_mib())
    store.kill()
    began = store.start()
    ready = time.monotonic()
    idle = store.memory_mib()
    peer = hello(store, 1000)
    while True:
        verb, named, frames = peer.receive()
        if verb == b"deliver":
            break
    first = time.monotonic()
    say(what="restart", messages=messages, ready_s=round(ready - began, 3),
        first_delivery_s=round(first - began, 3), **idle)
    peer.close()
    peer = hello(store, 20000)
    got, peak, looked = 0, 0.0, 0.0
    seen = bytearray(messages)
    began = time.monotonic()
    while got < messages:
        verb, named, frames = peer.receive()
        if verb != b"deliver":
            continue
        leases = []
        for lease, body in deliveries(frames, named):
            number, = struct.unpack_from(">Q", body)
            got += 0 if seen[number] else 1
            seen[number] = 1
            leases.append(lease)
        acknowledge(peer, leases)
        if time.monotonic() - looked > 0.2:
            looked = time.monotonic()
            peak = max(peak, store.memory_mib()["anon_mib"])
    say(what="drain", messages=messages, seconds=round(time.monotonic() - began, 2),
        peak_anon_mib=peak, file_mib=store.memory_mib()["file_mib"])
    peer.close()


def now_ms():
    return int(time.time() * 1000)


def percentile(values, part):
    return values[min(len(values) - 1, int(len(values) * part))]


def measure_delayed(store, messages, probes):
    hour = 3600 * 1000
    began = time.monotonic()
    put_all(store, (timed(body_of(0), hour + n % (24 * hour)) for n in range(messages)))
    say(what="fill delayed", messages=messages, seconds=round(time.monotonic() - began, 2),
        **store.memory_mib())
    base = now_ms()
    dues = [base + 2000 + n * 8000 // probes for n in range(probes)]
    expired = probes // 10  # their time to live ends before they are due
    put_all(store, [timed(body_of(due), max(1, due - now_ms())) for due in dues] +
            [timed(body_of(1), 3000, 500) for _ in range(expired)])
    peer = hello(store, 1000)
    late = []
    while len(late) < probes:
        verb, named, frames = peer.receive()
        if verb != b"deliver":
            continue
        at = time.time() * 1000
        leases = []
        for lease, body in deliveries(frames, named):
            due, = struct.unpack_from(">Q", body)
            if due < 2:
                fail("a message came that was not due, or whose time to live was over")
            if at < due - 2:  # what it took to reach the store is part of its delay
                fail(f"a message came {due - at:.0f} ms early")
            late.append(at - due)
            leases.append(lease)
        acknowledge(peer, leases)
    late.sort()
    say(what="delayed", messages=messages, probes=probes, late_p50_ms=round(percentile(late, .5), 1),
        late_p99_ms=round(percentile(late, .99), 1), late_max_ms=round(late[-1], 1),
        **store.memory_mib())
    peer.close()


def measure_at_once(store, messages):
    due = now_ms() + max(5000, messages // 100)
    put_all(store, (timed(body_of(n), max(1, due - now_ms())) for n in range(messages)))
    if now_ms() > due:
        say(what="at once", note="putting took longer than the delay")
    peer = hello(store, 20000)
    seen, got, first = bytearray(messages), 0, None
    while got < messages:
        verb, named, frames = peer.receive()
        if verb != b"deliver":
            continue
        first = first or time.time() * 1000
        leases = []
        for lease, body in deliveries(frames, named):
            number, = struct.unpack_from(">Q", body)
            if seen[number]:
                fail("a message came twice")
            seen[number] = 1
            got += 1
            leases.append(lease)
        acknowledge(peer, leases)
    end = time.time() * 1000
    say(what="at once", messages=messages, first_late_ms=round(first - due, 1),
        seconds=round((end - max(due, first)) / 1000, 2), **store.memory_mib())
    peer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--messages", default="1000000,10000000")
    parser.add_argument("--probes", type=int, default=2000)
    parser.add_argument("--data", default=None, help="a folder on a real disk [/var/tmp]")
    parser.add_argument("--only", default="restart,delayed,once")
    arguments = parser.parse_args()
    for messages in (int(each) for each in arguments.messages.split(",")):
        for what in arguments.only.split(","):
            folder = tempfile.mkdtemp(prefix="queue-scale-", dir=arguments.data or "/var/tmp")
            store = Store(arguments.store, os.path.join(folder, "data"))
            try:
                store.start()
                control = Peer(store)
                control.ask(b"create", options(queue=QUEUE.decode(), messages_max=100000000))
                control.close()
                if what == "restart":
                    measure_restart(store, messages)
                elif what == "delayed":
                    measure_delayed(store, messages, arguments.probes)
                else:
                    measure_at_once(store, messages // 10)
            finally:
                if store.process and store.process.poll() is None:
                    store.kill()
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
