// SPDX-License-Identifier: Apache-2.0
// WorkSource and workers of foreign libraries: plain REQ sockets that follow
// docs/protocol/leased.md.
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/work_source.hpp>

#include <interop/support/peer.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>

using namespace flotilla;
using namespace flotilla::interop;

TEST_CASE("a plain REQ of each foreign library takes work, gives some back, and finishes it",
          "[interop]") {
    constexpr std::uint32_t messages = 24;
    constexpr std::uint32_t given_back = 5; // of every five the first
    auto context = net::Context::open();
    for (const Language language : languages) {
        INFO(name(language));
        auto source = pipeline::WorkSource::open(*context);
        REQUIRE(source);
        const auto endpoint = source->bind(test::any_tcp());
        REQUIRE(endpoint);
        for (std::uint32_t i = 0; i < messages; ++i) {
            wire::Frames frames = message(i);
            REQUIRE(source->submit(frames));
        }
        Peer peer = Peer::start(language, "req connect " + endpoint->text() + " --work " +
                                              std::to_string(messages));
        const auto drained = source->drain(20s);
        REQUIRE(drained);
        CHECK(drained->complete());
        CHECK(peer.finish().received == tally_of(messages));
        CHECK(source->counters().redelivered_total == given_back);
    }
}
