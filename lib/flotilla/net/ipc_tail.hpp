// SPDX-License-Identifier: Apache-2.0
//
// What a peer over ipc has not read yet. Whoever closes a sending ipc socket looks here first.
//
// When an ipc connection is closed while its reader is at its high-water mark, libzmq (4.3.4) gives
// the connection up with what is still unread in the kernel: messages that had left the sender,
// lingering or not, are lost (tcp is not affected). So a sender that wants to be sure waits until
// nothing is unread, and closes then.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/net/endpoint.hpp>

#include <cstdint>
#include <vector>

namespace flotilla::net {

// Bytes written by this process to its connections at an endpoint, on the side that bound or
// connected it (`at.how`), that their readers have not taken from the kernel. 0 for other
// transports. Reads /proc/self/fd.
std::uint64_t ipc_unread_bytes(const Attachment& at);

// Whether the readers of a socket's ipc connections have taken everything. Nothing tells when they
// do, so whoever closes looks every look_every until is_read() or its deadline. An empty kernel is
// not enough, since a thread of libzmq may still have to write: two looks in a row must find that
// these threads sleep as well. Where they always have something to do, or cannot be seen, many
// looks in a row must find the kernel empty.
class IpcTail {
public:
    static constexpr Duration look_every{1'000'000}; // 1 ms
    static constexpr int empty_looks = 100;          // enough, whatever the threads do

    // One endpoint of the socket, wildcards resolved. Those that are not ipc do not count.
    void add(const Attachment& at);
    // Looks; to be called at most every look_every. True at once when nothing is ipc.
    bool is_read();
    // Looks until it is, or until `deadline`.
    bool wait_read(Instant deadline);

private:
    std::vector<Attachment> attachments_{};
    int empty_ = 0; // looks in a row
    int quiet_ = 0; // of these, in a row, with the threads asleep
};

} // namespace flotilla::net
