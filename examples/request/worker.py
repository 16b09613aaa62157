#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""worker.py BROKER SERVICE: answers requests in capitals, with plain pyzmq (18/MDP)."""
import sys

import zmq

READY, REQUEST, FINAL, HEARTBEAT, DISCONNECT = b"\x01", b"\x02", b"\x04", b"\x05", b"\x06"
HEARTBEAT_MS, LIVENESS = 2500, 3
broker, service = sys.argv[1], sys.argv[2].encode()
context = zmq.Context()

while True:  # a connection each time: the broker was silent, or has sent us away
    with context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.connect(broker)
        socket.send_multipart([b"MDPW02", READY, service])
        silent = 0
        while silent < LIVENESS:
            if not socket.poll(HEARTBEAT_MS):
                silent += 1
                socket.send_multipart([b"MDPW02", HEARTBEAT])
                continue
            silent = 0
            _, command, *frames = socket.recv_multipart()
            if command == DISCONNECT:
                break
            if command == REQUEST:
                address, _, *body = frames
                answer = [frame.upper() for frame in body]
                socket.send_multipart([b"MDPW02", FINAL, address, b"", *answer])
