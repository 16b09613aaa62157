# SPDX-License-Identifier: Apache-2.0
"""As curve.c, with pyzmq: curve.py keys FILE USER GROUPS | ask ENDPOINT SERVER CLIENT WAIT FRAME..."""
import os
import sys

import zmq
import zmq.auth


def make_keys(file, user, groups):
    folder, name = os.path.split(file)
    os.umask(0o077)
    made, _ = zmq.auth.create_certificates(folder, name, {"name": user, "groups": groups})
    os.rename(made, file)
    os.rename(made + "_secret", file + "_secret")


def ask(endpoint, server, client, wait, *frames):
    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.linger = 0
    dealer.curve_publickey, dealer.curve_secretkey = zmq.auth.load_certificate(client + "_secret")
    dealer.curve_serverkey, _ = zmq.auth.load_certificate(server)
    dealer.connect(endpoint)
    dealer.send_multipart([frame.encode() for frame in frames])
    if not dealer.poll(int(wait)):
        return 4
    for frame in dealer.recv_multipart():
        print(frame.decode())
    return 0


words = sys.argv[2:]
sys.exit(make_keys(*words) if sys.argv[1] == "keys" else ask(*words))
