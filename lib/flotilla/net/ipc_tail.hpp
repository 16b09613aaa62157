// SPDX-License-Identifier: Apache-2.0
//
// What a peer over ipc has not read yet. Whoever closes a sending ipc socket looks here first.
//
// When an ipc connection is closed while its reader is at its high-water mark, libzmq (4.3.4) gives
// the connection up with what is still unread in the kernel: messages that had left the sender,
// lingering or not, are lost (tcp is not affected). So a sender that wants to be sure waits until
// nothing is unread, and closes then.
#pragma once

#include <flotilla/net/endpoint.hpp>

#include <cstdint>

namespace flotilla::net {

// Bytes written by this process to its connections at `endpoint`, which it bound or connected, that
// their readers have not taken from the kernel. 0 for other transports. Opens /proc/self/fd.
std::uint64_t ipc_unread_bytes(const Endpoint& endpoint);

} // namespace flotilla::net
