// SPDX-License-Identifier: Apache-2.0
//
// Greet: exchanges greetings over a bare connection, and lets a peer that speaks NULL introduce
// itself. Nothing is joined: the peer sees a handshake that is not finished.
#pragma once

#include <cli/doctor/facts.hpp>
#include <cli/doctor/plain_connection.hpp>

#include <cstdint>

namespace flotilla::cli::doctor {

struct Greeted {
    // What of our greeting was sent: where it is the opening alone, whose rest names no mechanism
    // yet, a handshake may go on over this connection.
    enum class Sent : std::uint8_t { opening, whole } sent = Sent::opening;
    Answer answer{};
    Introduction introduction{}; // when the answer was a NULL greeting of ZMTP 3
};
// Waits until `deadline` at most; a peer that answers is done in one round trip.
Greeted greet(PlainConnection& connection, Instant deadline);

// Whether a peer that has greeted ends the connection by itself until `deadline`: so do daemons
// with whom they do not want, whatever comes. What it says meanwhile is let pass.
bool hangs_up(PlainConnection& connection, Instant deadline);

// For a peer that took a greeting and said nothing, or nothing known: asks as a browser would, over
// a new connection. Which protocol its answer shows.
std::optional<std::string> ask_as_browser(PlainConnection& connection, Instant deadline);

} // namespace flotilla::cli::doctor
