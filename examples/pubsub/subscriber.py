#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints readings of one city: subscriber.py [ENDPOINT] [COUNT]

Plain pyzmq. Partners: publisher.cpp, publisher.py. A publisher with metadata sends one frame more
behind the body, which is left alone here.
"""
import sys

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556"
count = int(sys.argv[2]) if len(sys.argv) > 2 else 10

context = zmq.Context()
subscriber = context.socket(zmq.SUB)
subscriber.rcvtimeo = 30000
subscriber.subscribe(b"weather.oslo")
subscriber.connect(endpoint)
for _ in range(count):
    topic, body, *metadata = subscriber.recv_multipart()
    print(topic.decode(), body.decode())
subscriber.close()
context.term()
