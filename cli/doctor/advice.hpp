// SPDX-License-Identifier: Apache-2.0
//
// Advice: what a run that ends because nothing moved says last: the command that looks at the other
// end.
#pragma once

#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/socket.hpp>

#include <cli/options.hpp>

#include <string>
#include <vector>

namespace flotilla::cli::doctor {

// "; this says more: zmq doctor ENDPOINT --type TYPE", with the keys that were given, for a socket
// of `type` that connects to one endpoint of somebody else; empty for any other.
std::string advice(const std::vector<net::Attachment>& attachments, net::SocketType type,
                   const SecurityFlags& security, const std::vector<std::string>& prefixes = {});

} // namespace flotilla::cli::doctor
