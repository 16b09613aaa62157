// SPDX-License-Identifier: Apache-2.0
//
// A server that has no thread of its own works while a test waits.
#pragma once

#include <flotilla/net/system.hpp>
#include <flotilla/queue/server.hpp>

#include <support/catch.hpp>

namespace flotilla::test {

template <class Done>
void serve_until(queue::QueueServer& server, Done&& done) {
    const Instant deadline = deadline_after(net::now(), 30s);
    while (!done()) {
        REQUIRE(net::now() < deadline);
        REQUIRE(server.process(2ms));
    }
}

} // namespace flotilla::test
