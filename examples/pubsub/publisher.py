#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Publishes a few readings when somebody listens: publisher.py [ENDPOINT] [COUNT]

Plain pyzmq. Partners: subscriber.cpp, subscriber.py.
"""
import sys

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556"
count = int(sys.argv[2]) if len(sys.argv) > 2 else 10

context = zmq.Context()
# An XPUB shows its subscriptions: so the first messages need not go to nobody.
publisher = context.socket(zmq.XPUB)
publisher.linger = 5000
publisher.bind(endpoint)
# "*.oslo" arrives here as a subscription to everything, "weather.oslo" as itself.
while True:
    if not publisher.poll(30000):
        sys.exit("publisher: nobody subscribed")
    if publisher.recv() in (b"\x01", b"\x01weather.oslo"):
        break
for number in range(1, count + 1):
    for city in ("oslo", "rome"):
        publisher.send_multipart([f"weather.{city}".encode(), str(number).encode()])
print("sent", 2 * count)
publisher.close()
context.term()
