// SPDX-License-Identifier: Apache-2.0
// Who sends a message without an end. libzmq keeps the frames of a message until its last one has
// come, shows none of them before, and knows a limit for one frame only: such a peer takes as much
// memory as it likes. What can be known is how much the transport has read of each connection
// (connection_figures, read_bytes()), and from whom a message was received. Private to net.
//
// A connection is listened for once more than a message may have was read of it: only then it
// matters, for to ask of each message whose it is costs. As much again without one message, while
// all that had come was received (or so much that each connection had its turn: libzmq takes them
// one after the other), is a message that does not end. So a connection holds twice a
// message, and what comes between two looks; of empty frames 32 times that, for libzmq takes 64
// bytes for their two. What comes slower than spared_bytes_a_second does not count: heartbeats,
// which nobody receives. Over ipc the kernel does not count.
//
// Pure. The connections are told by the thread that reads the monitor, the rest by the socket's.
#pragma once

#include <flotilla/base/time.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace flotilla::net::detail {

class UnfinishedMessages {
public:
    static constexpr std::size_t listened_for_max = 256; // at once
    static constexpr std::size_t others_a_look = 256;
    static constexpr std::uint64_t spared_bytes_a_second = 1024;

    // Of a message, with all that the wire adds.
    explicit UnfinishedMessages(std::uint64_t bytes_max) noexcept : bytes_max_(bytes_max) {}

    void accepted(int descriptor, Instant now);
    void ended(int descriptor);
    void forget_all(); // nobody tells of them any more

    // The connections to ask the kernel about now: who is listened for, and the next of the others.
    std::vector<int> to_measure();
    // So many bytes were read of it since it was accepted.
    void measured(int descriptor, std::uint64_t read_bytes, Instant now);
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
        std::uint64_t read_bytes = 0; // when it was measured last, at
        Instant measured_at{};
        std::uint64_t bytes = 0; // since it was heard, or is listened for
        bool is_listened_for = false;
        bool is_over = false; // its limit, and found so before, when these were
        std::uint64_t empties = 0;
        std::uint64_t messages = 0;
    };
    bool was_everybody_asked(const Connection& since) const;
    void stop_listening(Connection& connection);

    mutable std::mutex mutex_{};
    std::uint64_t bytes_max_;
    std::map<int, Connection> connections_{};
    std::size_t listened_for_ = 0;
    int last_measured_ = -1;
    std::uint64_t empties_ = 0;
    std::uint64_t messages_ = 0; // of anybody, while it listens
    std::vector<Endless> endless_{};
};

} // namespace flotilla::net::detail
