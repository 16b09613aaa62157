// SPDX-License-Identifier: Apache-2.0
// Who sends a message without an end. libzmq keeps the frames of a message until its last one has
// come, shows none of them before, and knows a limit for one frame only: such a peer takes as much
// memory as it likes. What can be known is how much the transport has read of each connection
// (connection_figures, traffic_of()), and from whom a message was received. Private to net.
//
// A connection is listened for once more than a message may have was read of it: only then it
// matters, for to ask of each message whose it is costs. As much again without one message, while
// all that had come was received (or so much that each connection had its turn: libzmq takes them
// one after the other), is a message that does not end. So a connection holds twice a message, and
// what comes between two looks; of empty frames 32 times that, for libzmq takes 64 bytes for their
// two.
//
// Nobody is cut off who could be innocent:
// - Heartbeats are received by nobody, but answered: what comes does not count as far as as much
//   was sent, up to answered_bytes_a_second.
// - Peers of ZMTP 2 and of this process have no descriptor: one of their messages may be anybody's.
// - Descriptors are given away again: one of which less was read than before is another's.
// Who has been idle for a while rests, so that the silent cost nobody anything; what comes before
// it is listened for again does not count, so that is done a few times only. Over ipc the kernel
// does not count.
//
// Pure. The connections are told by the thread that reads the monitor, the rest by the socket's.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/net/connection_figures.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <vector>

namespace flotilla::net::detail {

class UnfinishedMessages {
public:
    static constexpr std::size_t listened_for_a_look = 256;
    static constexpr std::size_t others_a_look = 1024;
    static constexpr std::uint64_t answered_bytes_a_second = 64 << 10;
    static constexpr Duration idle_max = 10s;
    static constexpr int rests_max = 2; // without a message between them

    // Of a message, with all that the wire adds.
    explicit UnfinishedMessages(std::uint64_t bytes_max) noexcept : bytes_max_(bytes_max) {}

    void accepted(int descriptor, Instant now);
    void ended(int descriptor);
    void forget_all(); // nobody tells of them any more

    // The connections to ask the kernel about now: those that are listened for, and others; when
    // there are many, the next of them.
    std::vector<int> to_measure();
    void measured(int descriptor, Traffic traffic, Instant now);
    // Whether heard() is to be told of each frame.
    bool listens() const;
    enum class Frame : std::uint8_t { followed, last };
    void heard(int descriptor, Frame frame);
    // All that had come was received.
    void found_empty();
    struct Endless {
        int descriptor = -1;
        std::uint64_t bytes = 0; // of its message, at least
    };
    // To be cut; each is given once.
    std::vector<Endless> take_endless();

private:
    struct Connection {
        Traffic traffic{}; // when it was measured last, at
        Instant measured_at{};
        Instant grown_at{};
        std::uint64_t bytes = 0; // since it was heard, or is listened for
        int rests = 0;           // since it was heard
        bool is_resting = false; // it was listened for
        bool is_over = false;    // its limit, and found so before, when these were
        std::uint64_t empties = 0;
        std::uint64_t messages = 0;
    };
    void listen(int descriptor, Connection& connection);
    void stop_listening(int descriptor, Connection& connection);
    void was_heard(int descriptor, Connection& connection);
    std::uint64_t count(Connection& connection, Traffic traffic, Instant now) const;
    bool was_everybody_asked(const Connection& since) const;

    mutable std::mutex mutex_{};
    std::uint64_t bytes_max_;
    std::map<int, Connection> connections_{};
    std::set<int> listened_for_{};
    int last_listened_for_ = -1; // of those measured
    int last_other_ = -1;
    std::uint64_t empties_ = 0;
    std::uint64_t messages_ = 0; // of anybody, while it listens
    std::vector<Endless> endless_{};
};

} // namespace flotilla::net::detail
