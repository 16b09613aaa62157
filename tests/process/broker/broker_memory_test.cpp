// SPDX-License-Identifier: Apache-2.0
// What a client leaves in a broker's memory that asks for much and never reads an answer.
#include "broker_program.hpp"

#include <support/memory.hpp>

#include <algorithm>
#include <csignal>

using namespace flotilla;
using namespace flotilla::test;

TEST_CASE("flotilla-broker: a client that never reads leaves nothing behind", "[process][broker]") {
    auto context = net::Context::open();
    Daemon broker = start_broker_anywhere({"--heartbeat", "1m"});
    net::Socket worker = dealer(*context, broker.endpoints[0]);
    ready(worker, "echo");
    net::Socket honest = dealer(*context, broker.endpoints[0]);
    ask(honest, "echo", "hello");
    answer(worker, take(worker), "hello");
    CHECK(answer_of(honest) == "hello");
    const std::uint64_t before = memory_bytes(broker.process.pid());
    const std::string body(60'000, 'x');
    {
        net::SocketOptions options;
        options.receive_messages_max = 1;
        options.send_messages_max = 10'000;
        options.kernel_receive_bytes = 4096;
        auto deaf = net::Socket::open(*context, net::SocketType::dealer, options);
        REQUIRE(deaf);
        REQUIRE(deaf->connect(broker.endpoints[0]));
        // As many as the broker holds; more are refused.
        std::uint64_t most = before;
        for (int i = 0; i < 1'000; ++i)
            ask(*deaf, "echo", body);
        const Instant deadline = deadline_after(net::now(), patience);
        while (most < before + 32 * mebibyte) {
            REQUIRE(net::now() < deadline);
            most = std::max(most, memory_bytes(broker.process.pid()));
        }
        // All of them are done, for nobody.
        for (int i = 0; i < 1'000; ++i)
            answer(worker, take(worker), body);
    }
    const Instant deadline = deadline_after(net::now(), patience);
    while (!uses_less_than(before + 24 * mebibyte, broker.process.pid()))
        REQUIRE(net::now() < deadline);
    ask(honest, "echo", "still there");
    answer(worker, take(worker), "still there");
    CHECK(answer_of(honest) == "still there");
    broker.process.signal(SIGTERM);
    CHECK(broker.process.wait_exit() == Exit::with(0));
}
