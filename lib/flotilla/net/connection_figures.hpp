// SPDX-License-Identifier: Apache-2.0
//
// What the kernel knows of a connection: whom it leads to, and how much went through. Asked when
// somebody looks; nothing is counted for it.
#pragma once

#include <flotilla/base/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::net {

// "10.0.0.7:50123"; over ipc "process 4711", as the peer was when it connected; empty: not known.
std::string peer_text(int descriptor);

struct ConnectionFigures {
    std::uint64_t unread_bytes = 0; // came, and wait in the kernel to be read
    std::uint64_t unsent_bytes = 0; // written, and not yet acknowledged, or over ipc not yet read
    // TCP only.
    std::optional<std::uint64_t> received_bytes{};
    std::optional<std::uint64_t> sent_bytes{}; // that the peer acknowledged
    std::optional<Duration> round_trip{};
};
struct Traffic {
    std::uint64_t read_bytes = 0; // of what it brought
    std::uint64_t sent_bytes = 0; // that the peer acknowledged
};
// Of a TCP connection, since it was accepted. Absent: another kind, or it has ended.
std::optional<Traffic> traffic_of(int descriptor);
// `peer` is its peer_text(): descriptors are libzmq's, and their numbers are given away again.
// Absent: that connection has ended.
std::optional<ConnectionFigures> connection_figures(int descriptor, std::string_view peer);

} // namespace flotilla::net
