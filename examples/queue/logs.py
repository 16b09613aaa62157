#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""logs.py DOOR < LOG: ships lines through a pull door of the store, with plain pyzmq and no
protocol at all. At most once until the store has them; it waits while the store is away or full."""
import sys

import zmq

door = zmq.Context().socket(zmq.PUSH)
door.setsockopt(zmq.IMMEDIATE, 1)  # nothing is queued for a store that is not there
door.setsockopt(zmq.LINGER, 10_000)
door.connect(sys.argv[1])
for line in sys.stdin:
    door.send(line.rstrip("\n").encode())
door.close()
