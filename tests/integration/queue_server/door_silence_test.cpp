// SPDX-License-Identifier: Apache-2.0
// A door that does not read leaves the loop alone, whatever its peers do.
#include "serving.hpp"

#include <flotilla/net/socket.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/server.hpp>

#include <poll.h>
#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <memory>
#include <optional>
#include <string>

using namespace flotilla;
using namespace flotilla::queue;

TEST_CASE("server: a pull door that does not read is silent when a pusher goes",
          "[integration][queue]") {
    constexpr Duration patience = 30s;
    net::Context context = *net::Context::open();
    Door door;
    door.kind = Door::Kind::pull;
    door.queue = "q";
    const net::Endpoint at = test::fresh_inproc();
    door.endpoints = {{at, net::Attach::bind}};
    QueueServerOptions options;
    options.doors = {door};
    auto server = QueueServer::open(context, std::make_unique<MemoryStore>(), std::move(options));
    REQUIRE(server);
    QueueProperties small;
    small.messages_max = 3;
    REQUIRE(server->declare("q", small));
    pollfd wake{server->fd(), POLLIN, 0};
    const auto is_silent = [&] { return ::poll(&wake, 1, 0) == 0 && !server->has_input(); };
    const auto until = [&](const auto& done) { test::serve_until(*server, done); };

    std::optional<net::Socket> push = net::Socket::open(context, net::SocketType::push).value();
    REQUIRE(push->connect(at));
    for (int i = 0; i < 10; ++i) {
        wire::Frames message{std::to_string(i)};
        REQUIRE(push->send(message, patience));
    }
    until([&] { return server->doors()[0].is_paused && is_silent(); });
    const bool drains = GENERATE(false, true);
    if (drains)
        CHECK(*server->drain(0ms) == false);
    push.reset();
    REQUIRE(::poll(&wake, 1, 30'000) == 1); // it is heard that it went,
    until(is_silent);                       // once
}
