#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tasks.py STORE schedule SECONDS TASK...  |  tasks.py STORE run COUNT: a scheduler. A task is put
with a delay and waits on the store's disk; whoever runs gets it when it is due. Plain pyzmq."""
import subprocess
import sys

import zmq

store = zmq.Context().socket(zmq.REQ)
store.connect(sys.argv[1])


def ask(verb, options, *body):
    store.send_multipart([b"FLQ1", verb, b"", options, *body])
    _, answer, _, *rest = store.recv_multipart()
    options = dict(line.split(b"=", 1) for line in rest[0].splitlines()) if rest else {}
    if answer == b"error":
        sys.exit(options[b"text"].decode())
    return answer, options, rest[1:]


if sys.argv[2] == "schedule":
    delay = int(float(sys.argv[3]) * 1000)
    for task in sys.argv[4:]:
        ask(b"put", b"queue=tasks\ndelay_ms=%d" % delay, task.encode())
        print("scheduled", task)
else:
    done = 0
    while done < int(sys.argv[3]):
        answer, options, body = ask(b"take", b"queue=tasks\nwait_ms=10000")
        if answer != b"deliver":
            break
        again = b"" if options[b"redelivered"] == b"no" else b" (again)"
        result = subprocess.run(body[0].decode(), shell=True, stdout=subprocess.PIPE, check=False)
        print("ran", body[0].decode() + again.decode(), "->", result.stdout.decode().strip(),
              flush=True)
        if result.returncode == 0:
            ask(b"ack", b"lease=" + options[b"lease"])
            done += 1
        else:
            ask(b"nack", b"lease=" + options[b"lease"] + b"\ndelay_ms=200\nreason=exit code %d"
                % result.returncode)
