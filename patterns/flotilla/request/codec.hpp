// SPDX-License-Identifier: Apache-2.0
//
// Codec: Messages to frames and back, in all three dialects. Frames are those behind the routing id
// that a ROUTER adds.
//
// What peers in the field do is read, where it can only mean one thing: an empty frame before
// MDPC02 and MDPW02, a worker's reply without the empty frame behind the address or without a body.
// The dialects are told apart by their first frames; anything else is refused with a sentence.
//
// Decoding is bounded and never allocates for what it refuses. Pure; safe from every thread.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/request/message.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/staged.hpp>

#include <optional>

namespace flotilla::request {

// "MDPC01", "MDPW02", "FLR1"
ByteView header(Dialect dialect, Side side) noexcept;

// Each takes the body out of `frames`; on error they are untouched.
// Errors: unsupported (a dialect or verb that is not known; the sentence names what it is when it
// is one seen in the wild), malformed, bad_option, too_large, too_many.
Result<Message> read_at_broker(wire::Frames& frames); // from a client or a worker
Result<Message> read_at_client(wire::Frames& frames); // from a broker
Result<Message> read_at_worker(wire::Frames& frames); // from a broker

// What can be told of a message that read_at_broker() refused, so that its sender can be answered:
// dialect, side, delimited, and in the flotilla dialect id and service where they are right. The
// verb and all else mean nothing. Absent: not even its dialect is known.
std::optional<Message> read_origin_at_broker(const wire::Frames& frames);

// How a failure to decode is told to the peer that caused it.
ErrorCode error_code(Errc code) noexcept;

// Appends the frames to `frames`, which may hold a routing id, and takes the body; a body without
// frames is sent as one empty frame. The dialect must have the verb: can_say() tells.
bool can_say(Dialect dialect, Verb verb) noexcept;
void write(Message&& message, wire::Frames& frames);
void write(Message&& message, wire::StagedMessages& frames); // to the one that was begun last

} // namespace flotilla::request
