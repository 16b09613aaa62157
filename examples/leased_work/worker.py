#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""worker.py ENDPOINT [QUEUE]: a worker with plain pyzmq, one message at a time, of work_source or of
a store's queue."""
import sys

import zmq

source = zmq.Context().socket(zmq.REQ)
source.connect(sys.argv[1])
take = "wait_ms=2000" + "".join("\nqueue=" + queue for queue in sys.argv[2:3])
while True:
    source.send_multipart([b"FLQ1", b"take", b"", take.encode()])
    _, verb, _, options, *body = source.recv_multipart()
    if verb == b"error":
        sys.exit(options.decode())
    if verb != b"deliver":
        break
    options = dict(line.split(b"=", 1) for line in options.splitlines())
    print(body[0].decode() + (" (again)" if options[b"redelivered"] != b"no" else ""))
    source.send_multipart([b"FLQ1", b"ack", b"", b"lease=" + options[b"lease"]])
    source.recv_multipart()
