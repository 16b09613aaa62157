// SPDX-License-Identifier: Apache-2.0
//
// The flotilla dialect's half of the codec: what stands behind its header. Used by codec.cpp and
// message_pack.cpp alone.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/request/message.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>

namespace flotilla::request::detail {

enum class Receiver : std::uint8_t { broker, client, worker };

// Whether `receiver` is ever sent this verb by a peer of `side`.
bool is_for(Receiver receiver, Side side, Verb verb) noexcept;

// The body: frames from `first` on, 1 to limits::body_frames_max of them.
Status check_body(const wire::Frames& frames, std::size_t first);
void take_body(wire::Frames& frames, std::size_t first, wire::Frames& body);
// To Frames or StagedMessages.
template <class To>
void write_body(wire::Frames& body, To& frames);

// Frames from `at`, the verb's, on, into a fresh Message. Errors as of read_at_broker().
Status read_flotilla(wire::Frames& frames, std::size_t at, Receiver receiver, Message& message);
// Side, and id and service where they are right.
Message read_flotilla_origin(const wire::Frames& frames, std::size_t at);
// Appends what stands behind the header.
template <class To>
void write_flotilla(Message& message, To& frames);
// The same as an entry of a pack (message_pack.hpp).
void write_entry(const Message& message, wire::Writer& entries);

} // namespace flotilla::request::detail
