#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What one look at a daemon costs it: CPU of a page of metrics and of the whole status, of all its
threads and of its loop alone. docs/performance.md says how to read it.

    look_cost.py PROGRAMS [LOOKS]     PROGRAMS: the folder "daemons" of a build
"""
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time

import zmq

TICKS = os.sysconf("SC_CLK_TCK")


class Daemon:
    def __init__(self, *command):
        self.process = subprocess.Popen(
            [*command, "--bind", "tcp://127.0.0.1:*", "--ready-json", "--admin-http",
             "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = json.loads(self.process.stdout.readline())
        self.endpoint, self.http = said["endpoints"][0], said["admin_http"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def cpu_ms(self, of=""):
        with open(f"/proc/{self.process.pid}/{of}stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS * 1e3

    def get(self, path):
        connection = http.client.HTTPConnection(self.http, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}")
        return len(body)

    def measure(self, what, looks):
        loop = f"task/{self.process.pid}/"
        for path in ("/metrics", "/api/status"):
            size = self.get(path)
            everything, in_loop = self.cpu_ms(), self.cpu_ms(loop)
            for _ in range(looks):
                self.get(path)
            everything, in_loop = self.cpu_ms() - everything, self.cpu_ms(loop) - in_loop
            print(f"{what:22} {path:12} {size / 1024:7.0f} KiB {everything / looks:8.2f} ms "
                  f"{in_loop / looks:8.2f} ms", flush=True)


def main():
    programs, looks = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200
    context = zmq.Context()
    print(f"{'daemon':22} {'page':12} {'size':>11} {'CPU':>11} {'of the loop':>11}")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, \
            Daemon(f"{programs}/store/flotilla-store", "--data", f"{folder}/data",
                   "--auto-create", "*") as store:
        socket = context.socket(zmq.REQ)
        socket.connect(store.endpoint)
        for queues in (100, 1_000):
            for i in range(queues):
                socket.send_multipart([b"FLQ1", b"put", b"c", b"queue=q%d" % i, b"x"])
                socket.recv_multipart()
            store.measure(f"store, {queues} queues", looks)
    with Daemon(f"{programs}/broker/flotilla-broker") as broker:
        workers = []
        for i in range(100):
            workers.append(context.socket(zmq.DEALER))
            workers[-1].connect(broker.endpoint)
            workers[-1].send_multipart([b"", b"MDPW02", b"\x01", b"echo%d" % (i % 10)])
        time.sleep(1)
        broker.measure("broker, 100 workers", looks)
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
