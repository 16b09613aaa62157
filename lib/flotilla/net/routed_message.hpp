// SPDX-License-Identifier: Apache-2.0
//
// RoutedMessage: one message as a ROUTER received it, and what the transport knows of its peer; in
// memory that the next one uses again.
//
// One thread at a time.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/part.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace flotilla::net {

class RoutedMessage {
public:
    // One less than fits: the routing id goes in front of what is sent.
    static constexpr std::size_t frames_max = wire::Frames::frames_max - 1;

    // `security`: of the socket. Who is named by nobody but himself has no user id.
    RoutedMessage(std::uint64_t bytes_max, const Security& security)
        : bytes_max_(bytes_max), has_users_(names_users(security)) {}

    // The next message in place of this one; `wait` is for its first frame. Errors: those of
    // Socket::receive.
    Status receive(Socket& router, Duration wait);

    ByteView peer() const noexcept { return peer_.view(); }
    wire::Frames& frames() noexcept { return frames_; } // without the peer
    std::uint64_t bytes() const noexcept { return bytes_; }
    // It had more bytes or frames than it may have. What was too much is not among the frames.
    bool is_cut() const noexcept { return is_cut_; }
    const std::string& user_id() const noexcept { return user_id_; } // authenticated, else empty
    // Of the connection, as the Monitor names it; -1: inproc, or not known.
    int descriptor() const noexcept { return descriptor_; }

private:
    void ask_who_speaks();

    std::uint64_t bytes_max_;
    bool has_users_;
    Part peer_{};
    Part last_{}; // frame received
    wire::Frames frames_{};
    std::uint64_t bytes_ = 0;
    bool is_cut_ = false;
    std::string user_id_{};
    int descriptor_ = -1;
};

} // namespace flotilla::net
