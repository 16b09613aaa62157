#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""client.py BROKER SERVICE TEXT...: asks a service with plain pyzmq (18/MDP), printing the answers.

What the protocol cannot say is left to the client: how long it waits, and how often it asks again.
"""
import sys

import zmq

TIMEOUT_MS, TRIES = 2500, 3
broker, service = sys.argv[1], sys.argv[2].encode()
context = zmq.Context()


def ask(body):
    for _ in range(TRIES):
        with context.socket(zmq.DEALER) as socket:  # a new one each time: no late answer of the last
            socket.linger = 0
            socket.connect(broker)
            socket.send_multipart([b"MDPC02", b"\x01", service, body])
            while socket.poll(TIMEOUT_MS):
                header, command, _, *answer = socket.recv_multipart()
                yield answer[0]
                if command == b"\x03":  # FINAL; \x02 is a part, and more come
                    return
    sys.exit(f"{sys.argv[2]} does not answer")


for text in sys.argv[3:]:
    for part in ask(text.encode()):
        print(part.decode())
