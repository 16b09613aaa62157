// SPDX-License-Identifier: Apache-2.0
//
// Raw libzmq, as a program without Flotilla would use it, with libzmq's defaults. Only the
// benchmarks include zmq.h beside net: they are what ours is measured against.
#pragma once

#include "arena.hpp"
#include "guard.hpp"

#include <string>

namespace flotilla::bench {

class RawSocket {
public:
    // A context of its own, too. `type` is ZMQ_PUSH and so on.
    explicit RawSocket(int type);
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;
    ~RawSocket();

    void set(int option, int value);
    std::string bind(const std::string& endpoint); // where it is bound
    void connect(const std::string& endpoint);
    void* get() const { return socket_; }
    void* context() const { return context_; }

private:
    void* context_;
    void* socket_;
};

// The parties of a one-way flow, raw: what is measured are the messages behind the warm-up. Each is
// of `bytes` fillers, and whoever receives it looks at it.
struct Flow {
    static constexpr char filler = 'x';
    std::string transport = "tcp";
    std::size_t bytes = 100;
    std::uint64_t warm_up = 0;
    std::uint64_t messages = 0;
    Guard guard = Guard::none;
};

void raw_push(Arena::Seat& seat, const Flow& flow, int to_endpoint);
void raw_pull(Arena::Seat& seat, const Flow& flow);                    // binds endpoint 0
void raw_pull_from(Arena::Seat& seat, const Flow& flow, int endpoint); // connects

// Pub/sub: the publisher goes on waking until endpoint 1 is announced, which the subscriber does
// with its first message.
void raw_publish(Arena::Seat& seat, const Flow& flow, RawSocket& socket);
void raw_subscribe(Arena::Seat& seat, const Flow& flow, int endpoint);

} // namespace flotilla::bench
