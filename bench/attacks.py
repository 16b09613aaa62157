#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What honest peers of a daemon notice of those who should not get in.

attacks.py PROGRAMS [--daemon broker,store,relay] [--only NAME,...] [--rounds N] [--seconds S]

PROGRAMS is a build's folder daemons/. An honest pair makes round trips over CURVE on loopback, one
every millisecond, while somebody attacks from another address of this machine (--from; loopback,
which never has to wait, where there is none). Three kinds of phases alternate:

  quiet      nobody attacks
  elsewhere  somebody attacks a second daemon that is like the first: what the attack costs the
             machine
  attacked   the same against the daemon of the honest pair

Prints one JSON line an attack: p50 and p99 of the round trips in us (medians of the rounds), the
ratio of attacked to elsewhere, refusals by reason as /metrics counts them, and anonymous memory
before and after. Ends with 1 when an attack was not counted, not logged or not named by zmq doctor,
or when a round trip was lost. Nothing else is asserted.
"""
import argparse
import json
import multiprocessing
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import zmq

GREETING = b"\xff" + b"\0" * 7 + b"\x01\x7f\x03\x00"


def fail(text):
    print("attacks: " + text, file=sys.stderr)
    sys.exit(1)


def own_address():
    """An address of this machine that is not loopback, if there is one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


class Keys:
    """The daemons' certificate, the list of those who may come, and three clients."""

    def __init__(self, folder):
        self.folder = folder
        self.pairs = {name: zmq.curve_keypair() for name in ("server", "alice", "mallory", "eve")}
        for who in ("server", "alice"):
            with open(self.path(who + "_secret"), "w", opener=private, encoding="ascii") as file:
                file.write('curve\n    public-key = "{}"\n    secret-key = "{}"\n'.format(
                    *(key.decode() for key in self.pairs[who])))
        with open(self.path("clients"), "w", encoding="ascii") as file:
            file.write(self.pairs["alice"][0].decode() + " alice\n")
            file.write("revoked " + self.pairs["eve"][0].decode() + "\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def secure(self, peer, who):
        peer.curve_publickey, peer.curve_secretkey = self.pairs[who]
        peer.curve_serverkey = self.pairs["server"][0]
        peer.linger = 0


def private(path, flags):
    return os.open(path, flags, 0o600)


class Daemon:
    def __init__(self, programs, kind, keys, address, name):
        self.kind, self.address = kind, address
        places = ["tcp://127.0.0.1:*"] + ([f"tcp://{address}:*"] if address != "127.0.0.1" else [])
        if kind == "relay":
            command = ["queue"] + [word for place in places for word in ("--frontend", place)]
            command += ["--backend", "tcp://127.0.0.1:*"]
        else:
            command = [word for place in places for word in ("--bind", place)]
        if kind == "store":
            command += ["--data", keys.path(name), "--auto-create", "*"]
        command += ["--curve-key", keys.path("server_secret"), "--allow-client-keys",
                    keys.path("clients"), "--admin-http", "127.0.0.1:0", "--admin",
                    "tcp://127.0.0.1:*", "--ready-json"]
        self.log = keys.path(name + ".log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [os.path.join(programs, kind, "flotilla-" + kind)] + command,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        if not line:
            fail(open(self.log, encoding="utf-8").read())
        self.ready = json.loads(line)
        relay = self.ready["relays"][0] if kind == "relay" else None
        ends = relay["frontend"] if relay else self.ready["endpoints"]
        self.near, self.far = ends[0], ends[-1]
        self.backend = relay["backend"][0] if relay else self.near

    def target(self):
        host, port = self.far.removeprefix("tcp://").rsplit(":", 1)
        return host, int(port)

    def failures(self):
        with urllib.request.urlopen(f"http://{self.ready['admin_http']}/metrics") as answer:
            text = answer.read().decode()
        rows = re.findall(r'^flotilla_handshake_failures_total\{.*?reason="(\w+)".*?\} (\S+)$',
                          text, re.M)
        return {reason: int(float(count)) for reason, count in rows if float(count) > 0}

    def logged(self):
        with open(self.log, encoding="utf-8") as file:
            return set(re.findall(r"handshake_refused reason=(\w+)", file.read()))

    def named_by_doctor(self, programs, keys):
        """Whom it has turned away, as zmq doctor --admin says."""
        zmq_program = os.path.join(programs, "..", "cli", "zmq")
        secret, server = keys.path("alice_secret"), keys.pairs["server"][0].decode()
        said = subprocess.run(
            [zmq_program, "doctor", self.near, "--server-key", server, "--curve-key", secret,
             "--admin", self.ready["admin"], "--json"],
            stdout=subprocess.PIPE, text=True, check=False).stdout
        return json.loads(said)["daemon"].get("turned_away", {})

    def anon_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return round(int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1)) / 1024, 2)

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


# ---- the honest pair ---------------------------------------------------------------------------


def serve(kind, endpoint, keys):
    """The broker's worker, or whoever answers behind the relay."""
    peer = zmq.Context().socket(zmq.DEALER if kind == "broker" else zmq.REP)
    keys.secure(peer, "alice")
    peer.connect(endpoint)
    if kind == "broker":
        peer.send_multipart([b"MDPW02", b"\x01", b"echo"])
    while True:
        if kind == "broker" and not peer.poll(1000):
            peer.send_multipart([b"MDPW02", b"\x05"])
            continue
        frames = peer.recv_multipart()
        if kind == "relay":
            peer.send_multipart(frames)
        elif frames[1] == b"\x02":
            peer.send_multipart([b"MDPW02", b"\x04", frames[2], b"", frames[-1]])


class Honest:
    def __init__(self, daemon, keys):
        self.kind = daemon.kind
        self.peer = zmq.Context.instance().socket(zmq.DEALER)
        keys.secure(self.peer, "alice")
        self.peer.rcvtimeo = 30000
        self.peer.connect(daemon.near)
        if self.kind == "store":  # no sync: the disk has a rhythm of its own
            self.peer.send_multipart([b"FLQ1", b"create", b"0",
                                      b"queue=q\ndurability=memory\noverflow=drop-oldest\n"
                                      b"messages_max=100"])
            if self.peer.recv_multipart()[1] != b"ok":
                fail("the store does not make a queue")
        self.question = {"broker": [b"MDPC02", b"\x01", b"echo", b"x" * 100],
                         "relay": [b"", b"x" * 100],
                         "store": [b"FLQ1", b"put", b"1", b"queue=q", b"x" * 100]}[self.kind]

    def round_trip(self):
        began = time.perf_counter()
        self.peer.send_multipart(self.question)
        try:
            frames = self.peer.recv_multipart()
        except zmq.Again:
            fail("a round trip was lost")
        if self.kind == "store" and frames[1] != b"ok":
            fail(f"the store says {frames}")
        return time.perf_counter() - began

    def phase(self, seconds):
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            times.append(self.round_trip() * 1e6)
            time.sleep(0.001)
        times.sort()
        return times[len(times) // 2], times[len(times) * 99 // 100]


# ---- those who should not get in ---------------------------------------------------------------


def paced(a_second):
    due = time.monotonic()
    while True:
        due += 1 / a_second
        time.sleep(max(0.0, due - time.monotonic()))
        yield


def say(target, chunks, linger=0.05):
    """Connects, says it, waits a little for the other side to hang up, and goes."""
    try:
        with socket.create_connection(target, timeout=1) as peer:
            peer.settimeout(linger)
            for chunk in chunks:
                peer.sendall(chunk)
            while peer.recv(4096):
                pass
    except OSError:
        pass


def greeting(mechanism):
    return GREETING + mechanism.ljust(20, b"\0") + b"\0" * 32


def wrong_key(target, _keys):
    hello = b"\x05HELLO\x01\x00" + b"\0" * 72
    for _ in paced(100):
        body = hello + random.randbytes(32) + random.randbytes(8) + random.randbytes(80)
        say(target, [greeting(b"CURVE"), b"\x04" + bytes([len(body)]) + body])


def plaintext(target, _keys):
    ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
    for _ in paced(100):
        say(target, [greeting(b"NULL"), b"\x04" + bytes([len(ready)]) + ready])


def with_key(who):
    def attack(target, keys):
        context = zmq.Context()
        peers = []
        for _ in paced(100):
            peer = context.socket(zmq.DEALER)
            keys.secure(peer, who)
            peer.connect("tcp://{}:{}".format(*target))
            peers.append(peer)
            if len(peers) > 20:
                peers.pop(0).close()
    return attack


def slow_loris(target, _keys):
    """Many that are there and hardly say a thing."""
    peers = []
    for _ in paced(100):
        if len(peers) < 500:
            try:
                peers.append([socket.create_connection(target, timeout=1), 0])
            except OSError:
                pass
        for each in random.sample(peers, min(20, len(peers))):
            try:
                each[0].send(greeting(b"CURVE")[each[1]:each[1] + 1])
                each[1] = min(each[1] + 1, 30)
            except OSError:
                peers.remove(each)


def connections(a_second):
    def attack(target, _keys):
        for _ in paced(a_second):
            try:
                socket.create_connection(target, timeout=1).close()
            except OSError:
                pass
    return attack


def garbage(target, _keys):
    noise = random.randbytes(1 << 16)
    for _ in paced(200):
        say(target, [noise[random.randrange(256):]], linger=0.01)


def attacks(seconds):
    """By name: who, and for which of these reasons he may be refused."""
    waits = {"penalty"}
    return {
        "wrong key": (wrong_key, {"wrong_server_key"} | waits),
        "unknown key": (with_key("mallory"), {"unknown_key"} | waits),
        "revoked key": (with_key("eve"), {"revoked_key"} | waits),
        "plaintext peer": (plaintext, {"plaintext"} | waits),
        "slow loris": (slow_loris, {"timeout", "closed", "not_zmtp"} | waits),
        "10,000 connections": (connections(10000 / seconds), {"closed", "not_zmtp"} | waits),
        "garbage flood": (garbage, {"not_zmtp", "protocol", "closed"} | waits),
    }


class Attacker:
    def __init__(self, attack, target, keys):
        self.process = multiprocessing.Process(target=attack, args=(target, keys), daemon=True)
        self.process.start()
        time.sleep(0.3)  # until it is at it

    def stop(self):
        self.process.kill()
        self.process.join()


# ---- the measurement ---------------------------------------------------------------------------


def median_of(phases):
    return [round(statistics.median(each), 1) for each in zip(*phases)]


def measure(name, attack, reasons, keys, daemon, decoy, honest, given):
    warm_up = Attacker(attack, daemon.target(), keys)
    honest.phase(0.5)
    warm_up.stop()
    honest.phase(0.5)
    before, counted = daemon.anon_mib(), daemon.failures()
    phases = {"quiet": [], "elsewhere": [], "attacked": []}
    for number in range(given.rounds):
        order = list(phases) if number % 2 == 0 else list(phases)[::-1]
        for kind in order:
            whom = {"quiet": None, "elsewhere": decoy, "attacked": daemon}[kind]
            attacker = Attacker(attack, whom.target(), keys) if whom else None
            phases[kind].append(honest.phase(given.seconds))
            if attacker:
                attacker.stop()
    honest.phase(1.2)  # the log is written once a second
    after = daemon.failures()
    grown = {reason: after[reason] - counted.get(reason, 0) for reason in after
             if after[reason] > counted.get(reason, 0)}
    medians = {kind: median_of(each) for kind, each in phases.items()}
    print(json.dumps({
        "daemon": daemon.kind, "attack": name, **{f"{kind}_p50_p99_us": each
                                                  for kind, each in medians.items()},
        "ratio_p50_p99": [round(a / b, 2)
                          for a, b in zip(medians["attacked"], medians["elsewhere"])],
        "refused": grown, "anon_mib": [before, daemon.anon_mib()]}), flush=True)
    named = set(grown) & reasons
    if not named:
        fail(f"{name} was not counted as one of {sorted(reasons)}")
    if not named & daemon.logged():
        fail(f"{name} is not in the log as one of {sorted(named)}")


def run(kind, name, attack, reasons, given):
    """On daemons of their own, so that nobody has to wait for an earlier attack."""
    address = getattr(given, "from")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        keys = Keys(folder)
        daemon = Daemon(given.programs, kind, keys, address, "first")
        decoy = Daemon(given.programs, kind, keys, address, "decoy")
        servant = None
        try:
            if kind != "store":
                servant = multiprocessing.Process(target=serve, args=(kind, daemon.backend, keys),
                                                  daemon=True)
                servant.start()
            honest = Honest(daemon, keys)
            honest.phase(0.5)
            measure(name, attack, reasons, keys, daemon, decoy, honest, given)
            honest.peer.close()
            unnamed = set(daemon.failures()) - set(daemon.named_by_doctor(given.programs, keys))
            if unnamed:
                fail(f"zmq doctor does not name {sorted(unnamed)}")
        finally:
            for each in (daemon, decoy):
                each.stop()
            if servant:
                servant.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs")
    parser.add_argument("--daemon", default="broker,store,relay")
    parser.add_argument("--only", default="")
    parser.add_argument("--from", default=own_address())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    given = parser.parse_args()
    for kind in given.daemon.split(","):
        for name, (attack, reasons) in attacks(given.rounds * given.seconds).items():
            if not given.only or name in given.only.split(","):
                run(kind, name, attack, reasons, given)


if __name__ == "__main__":
    main()
