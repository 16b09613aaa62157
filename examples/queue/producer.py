#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""producer.py ENDPOINT QUEUE: puts every line of its input, with plain pyzmq; stops when one is refused."""
import sys
import uuid

import zmq

store = zmq.Context().socket(zmq.REQ)
store.connect(sys.argv[1])
who = f"queue={sys.argv[2]}\nproducer={uuid.uuid4().hex}\nsequence="
for number, line in enumerate(sys.stdin.buffer, 1):
    store.send_multipart([b"FLQ1", b"put", b"", f"{who}{number}".encode(), line.rstrip(b"\n")])
    _, verb, _, options, *_ = store.recv_multipart()
    if verb != b"ok":
        sys.exit(options.decode())
