#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""consumer.py ENDPOINT QUEUE: prints what it takes, with plain pyzmq, until nothing came for 2 s."""
import sys

import zmq

store = zmq.Context().socket(zmq.REQ)
store.connect(sys.argv[1])
while True:
    store.send_multipart([b"FLQ1", b"take", b"", f"queue={sys.argv[2]}\nwait_ms=2000".encode()])
    _, verb, _, options, *body = store.recv_multipart()
    if verb != b"deliver":
        break
    options = dict(line.split(b"=", 1) for line in options.splitlines())
    print(body[0].decode() + ("" if options[b"redelivered"] == b"no" else " (again)"), flush=True)
    store.send_multipart([b"FLQ1", b"ack", b"", b"lease=" + options[b"lease"]])
    store.recv_multipart()
