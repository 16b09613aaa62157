// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/redial.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using flotilla::net::detail::Redial;

TEST_CASE("redial: a refused endpoint is tried again after a growing, bounded pause",
          "[unit][net]") {
    Redial redial({1s, 8s}, 7);
    redial.connecting("tcp://a:1");
    CHECK(redial.next() == never);
    Instant now{100s};
    for (const Duration expected : {1s, 2s, 4s, 8s, 8s}) {
        redial.refused("tcp://a:1", now);
        const Duration pause = redial.next() - now;
        CHECK(pause >= expected * 3 / 4);
        CHECK(pause <= expected * 5 / 4);
        CHECK(redial.due(now).empty());
        now += pause;
        CHECK(redial.due(now) == std::vector<std::string>{"tcp://a:1"});
        CHECK(redial.due(now).empty());
    }
    redial.accepted("tcp://a:1");
    redial.refused("tcp://a:1", now);
    CHECK(redial.next() - now <= 1250ms);
}

TEST_CASE("redial: endpoints that are not ours, or no longer, are left alone", "[unit][net]") {
    Redial redial({}, 7);
    redial.connecting("tcp://a:1");
    redial.refused("tcp://b:1", Instant{});
    CHECK(redial.next() == never);
    redial.refused("tcp://a:1", Instant{});
    redial.forget("tcp://a:1");
    CHECK(redial.due(Instant{1h}).empty());
}
