#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pusher.py ENDPOINT < FILE: sends each line to the pullers there, with plain pyzmq."""
import sys

import zmq

context = zmq.Context()
push = context.socket(zmq.PUSH)
push.connect(sys.argv[1])
for line in sys.stdin.buffer:
    push.send(line.rstrip(b"\n"))
push.close(linger=60_000)
context.term()
