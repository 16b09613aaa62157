#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""puller.py ENDPOINT: prints the lines that pushers send there, with plain pyzmq.

Batch frames (docs/protocol/batch.md) are opened too, unless they are compressed. Ends when nothing
has come for two seconds.
"""
import struct
import sys

import zmq


def messages(frame):
    if frame[:3] != b"\xf1FB":
        return [frame]
    version, count, codec, size = struct.unpack_from(">BIBI", frame, 3)
    if version not in (1, 2) or codec != 0 or len(frame) != 13 + size:
        raise ValueError("a batch that is compressed, malformed or of another version")
    found, at = [], 13
    for _ in range(count):
        if version == 1 or not found:  # version 2: one length, for all
            (length,) = struct.unpack_from(">I", frame, at)
            at += 4
        found.append(frame[at : at + length])
        at += length
    return found


pull = zmq.Context().socket(zmq.PULL)
pull.bind(sys.argv[1])
print("pulling at", pull.last_endpoint.decode(), file=sys.stderr, flush=True)
patience = None
while pull.poll(patience):
    for message in messages(pull.recv()):
        sys.stdout.buffer.write(message + b"\n")
    patience = 2_000
sys.stdout.flush()
