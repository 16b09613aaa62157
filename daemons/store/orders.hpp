// SPDX-License-Identifier: Apache-2.0
//
// What administrators order of a store: browse, message, purge, redrive, kick, as commands of its
// own protocol. The loop's thread.
#pragma once

#include "admin/administered.hpp"

#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/server.hpp>

#include <functional>
#include <string>

namespace flotilla::store_daemon {

// `answered` is called once, in a turn of the server's.
void obey(queue::QueueServer& server, const admin::Order& order,
          std::function<void(admin::Answer)> answered);

// Errors: malformed, bad_option (a bad or missing argument); unsupported (no such verb). Pure.
Result<queue::Command> command_of(const admin::Order& order);

// A page of browse, and one message with its body, as JSON. Pure.
std::string browse_json(const queue::PeekReply& page);
std::string message_json(const queue::PeekReply::Message& message);
inline constexpr std::size_t part_bytes_max = 64 << 10; // shown of each

} // namespace flotilla::store_daemon
