// SPDX-License-Identifier: Apache-2.0
//
// Foreign: what is said to a peer that speaks the protocol of another daemon: who is here, in words
// that the peer's protocol has, so that whoever was pointed at the wrong place hears of it at once.
//
//     speaks FLQ1        ──►  error, code=wrong_peer
//     speaks FLR1        ──►  error, or to a worker's ready: disconnect; code=wrong_peer
//     asks 7/MDP, 18/MDP for mmi.*  ──►  a reply of two frames: 421, the text
//     asks what an admin endpoint answers  ──►  421, with the text as its reason
//
// Beside it a daemon says what it is to who only looks (daemon_identity).
//
// 7/MDP and 18/MDP have no other word for it: a request for a service is not answered, and to a
// worker nothing is said, as it would come back at once. Pure; safe from every thread.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::wire {

// The status of an answer to mmi.*: whoever was asked is no broker. As HTTP has it ("misdirected
// request"), and so admin endpoints.
inline constexpr ByteView not_a_broker_status = "421";

// `message` as a ROUTER has it, without the routing id; `text` says who is here and who speaks the
// peer's protocol. Absent: it is of another protocol, or nothing that is answered.
std::optional<Frames> refuse_queue_speaker(const Frames& message, std::string_view text);
std::optional<Frames> refuse_majordomo_speaker(const Frames& message, std::string_view text);
// `text` is without quotes, backslashes and control characters.
std::optional<Frames> refuse_admin_speaker(const Frames& message, std::string_view text);

// A daemon's ROUTER bears a name, which ZMTP tells in clear text before anything is sent:
// "flotilla-store-" and 16 digits, for no two of them may have the same one.
std::string daemon_identity(std::string_view daemon, std::uint64_t seed);
// "flotilla-store"; empty: it is no such name.
std::string_view daemon_of(std::string_view identity) noexcept;

} // namespace flotilla::wire
