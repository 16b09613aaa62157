// SPDX-License-Identifier: Apache-2.0
// The queues of a Titanic, made when they are missing, and what is in them. Private to the
// component.
#pragma once

#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace flotilla::compose {

// Asks each of `stores` in turn, at most `wait` in all. Errors: timeout; refused; insecure.
Status create_queue(net::Context& context, const std::vector<net::Endpoint>& stores,
                    const net::Security& security, const std::string& queue,
                    const queue::QueueProperties& properties, Duration wait);

// Unfinished messages of a queue, those that somebody holds included. As create_queue.
Result<std::uint64_t> messages_in(net::Context& context, const std::vector<net::Endpoint>& stores,
                                  const net::Security& security, const std::string& queue,
                                  Duration wait);

} // namespace flotilla::compose
