// SPDX-License-Identifier: Apache-2.0
//
// Curve walk: how far a CURVE client gets with a server, step by step.
//
// A real client cannot tell: whatever is wrong, it sees a closed connection. So a real socket is
// led to the peer through a pipe of ours, which watches the names of the commands: WELCOME says
// that the server key is right, READY that we are in, ERROR that our key is not wanted. The bytes
// are passed on untouched.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/net/socket.hpp>

#include <cli/doctor/facts.hpp>
#include <cli/doctor/plain_connection.hpp>

#include <optional>
#include <vector>

namespace flotilla::cli::doctor {

// Tries the types in turn until one is not closed on after INITIATE, the first over `begun`, if
// there is one: a connection on which the opening of a greeting was sent, and the peer's received.
// The peer then sees no handshake that was never meant to end. Waits until `deadline` at most.
// Errors: those of Socket::open.
Result<CurveWalk> walk_curve(net::Context& context, const net::Endpoint& peer,
                             const net::CurveClient& client,
                             const std::vector<net::SocketType>& types, Instant deadline,
                             std::optional<PlainConnection> begun);

} // namespace flotilla::cli::doctor
