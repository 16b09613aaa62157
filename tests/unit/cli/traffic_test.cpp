// SPDX-License-Identifier: Apache-2.0
#include <cli/traffic.hpp>
#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::cli;
using Flow = TrafficRules::Flow;

namespace {

constexpr Instant at(Duration since) {
    return Instant{} + since;
}

TrafficRules rules(Flow flow) {
    TrafficRules made;
    made.flow = flow;
    return made;
}

ExitCode code(const Traffic& traffic, Instant now) {
    const auto end = traffic.end(now);
    REQUIRE(end);
    return end->code;
}

} // namespace

TEST_CASE("a sender waits for its peers, sends, and ends with its input") {
    TrafficRules made = rules(Flow::out);
    made.peers_min = 2;
    Traffic traffic{made, at(0s)};
    CHECK(traffic.wants_send(at(0s)));
    CHECK_FALSE(traffic.peers_ready());
    CHECK_FALSE(traffic.wants_receive());
    traffic.peers(1, at(1s));
    CHECK_FALSE(traffic.peers_ready());
    traffic.peers(2, at(2s));
    CHECK(traffic.peers_ready());
    traffic.sent(at(2s));
    traffic.peers(0, at(2s)); // who was there may leave again
    CHECK(traffic.peers_ready());
    CHECK_FALSE(traffic.end(at(100s)));
    traffic.input_ended(at(100s));
    CHECK_FALSE(traffic.wants_input());
    CHECK(code(traffic, at(100s)) == ExitCode::ok);
}

TEST_CASE("a message without a peer is given up, and that is said") {
    TrafficRules made = rules(Flow::out);
    made.peers_min = 1;
    made.timeout = 2s;
    Traffic traffic{made, at(0s)};
    CHECK_FALSE(traffic.end(at(100s))); // nothing to send yet
    traffic.blocked(at(100s));
    CHECK(traffic.next_deadline() == at(102s));
    CHECK_FALSE(traffic.end(at(102s) - 1ms));
    CHECK(code(traffic, at(102s)) == ExitCode::nothing);
    CHECK(traffic.end(at(102s))->why == "no peer within 2s");
    traffic.peers(1, at(102s));
    CHECK_FALSE(traffic.end(at(102s)));
}

TEST_CASE("an input that ends before a peer came sends nothing and is no failure") {
    TrafficRules made = rules(Flow::out);
    made.peers_min = 1;
    Traffic traffic{made, at(0s)};
    traffic.input_ended(at(1s));
    CHECK(code(traffic, at(1s)) == ExitCode::ok);
}

TEST_CASE("a sender that finds no room gives up after its wait") {
    Traffic traffic{rules(Flow::out), at(0s)};
    traffic.blocked(at(1s));
    traffic.blocked(at(20s)); // still the same message
    CHECK_FALSE(traffic.end(at(30s)));
    CHECK(code(traffic, at(31s)) == ExitCode::nothing);
    traffic.sent(at(31s)); // room at last
    CHECK_FALSE(traffic.end(at(31s)));
    traffic.blocked(at(40s));
    CHECK(code(traffic, at(70s)) == ExitCode::not_flushed);
}

TEST_CASE("the interval paces from the planned times and never catches up in a burst") {
    TrafficRules made = rules(Flow::out);
    made.interval = 1s;
    made.count = 10;
    Traffic traffic{made, at(0s)};
    CHECK(traffic.wants_send(at(0s)));
    traffic.sent(at(100ms));
    CHECK_FALSE(traffic.wants_send(at(999ms)));
    CHECK(traffic.next_deadline() == at(1s));
    CHECK(traffic.wants_send(at(1s)));
    traffic.sent(at(5s)); // late by far
    CHECK_FALSE(traffic.wants_send(at(5s)));
    CHECK(traffic.next_deadline() == at(6s));
}

TEST_CASE("a count ends a sender and bounds what it asks for") {
    TrafficRules made = rules(Flow::out);
    made.count = 2;
    Traffic traffic{made, at(0s)};
    traffic.sent(at(0s));
    CHECK_FALSE(traffic.end(at(0s)));
    traffic.sent(at(0s));
    CHECK_FALSE(traffic.wants_send(at(0s)));
    CHECK(code(traffic, at(0s)) == ExitCode::ok);
}

TEST_CASE("a receiver ends after its count") {
    TrafficRules made = rules(Flow::in);
    made.count = 1;
    Traffic traffic{made, at(0s)};
    CHECK(traffic.wants_receive());
    CHECK_FALSE(traffic.wants_send(at(0s)));
    CHECK(traffic.next_deadline() == never);
    traffic.received(at(5s));
    CHECK_FALSE(traffic.wants_receive());
    CHECK(code(traffic, at(5s)) == ExitCode::ok);
}

TEST_CASE("quiet ends a receiver: well if something came, as nothing if not") {
    TrafficRules made = rules(Flow::in);
    made.timeout = 2s;
    Traffic none{made, at(0s)};
    CHECK(code(none, at(2s)) == ExitCode::nothing);
    Traffic some{made, at(0s)};
    some.received(at(1s));
    CHECK_FALSE(some.end(at(2s)));
    CHECK(code(some, at(3s)) == ExitCode::ok);
    made.count = 2;
    Traffic few{made, at(0s)};
    few.received(at(1s));
    CHECK(code(few, at(3s)) == ExitCode::nothing);
    CHECK(few.end(at(3s))->why == "only 1 of 2 messages came");
}

TEST_CASE("a requester waits for each reply before the next request") {
    TrafficRules made = rules(Flow::ask);
    made.timeout = 1s;
    Traffic traffic{made, at(0s)};
    CHECK(traffic.wants_send(at(0s)));
    CHECK_FALSE(traffic.wants_receive());
    traffic.sent(at(0s));
    CHECK_FALSE(traffic.wants_send(at(0s)));
    CHECK(traffic.wants_receive());
    CHECK_FALSE(traffic.end(at(999ms)));
    CHECK(code(traffic, at(1s)) == ExitCode::nothing);
    traffic.received(at(500ms));
    CHECK(traffic.wants_send(at(600ms)));
    traffic.input_ended(at(700ms));
    CHECK(code(traffic, at(700ms)) == ExitCode::ok);
}

TEST_CASE("an answerer is not timed out while it owes an answer") {
    TrafficRules made = rules(Flow::answer);
    made.timeout = 1s;
    made.count = 1;
    Traffic traffic{made, at(0s)};
    CHECK(traffic.wants_receive());
    CHECK(traffic.wants_input()); // an answer may be read ahead
    CHECK_FALSE(traffic.wants_send(at(0s)));
    traffic.received(at(0s));
    CHECK_FALSE(traffic.wants_receive());
    CHECK(traffic.wants_send(at(0s)));
    CHECK_FALSE(traffic.end(at(100s)));
    traffic.sent(at(100s));
    CHECK(code(traffic, at(100s)) == ExitCode::ok);
}

TEST_CASE("a duplex verb ends when its input has ended and nothing comes") {
    Traffic traffic{rules(Flow::both), at(0s)};
    traffic.sent(at(1s));
    CHECK_FALSE(traffic.end(at(100s))); // input may still come
    traffic.input_ended(at(100s));
    CHECK_FALSE(traffic.end(at(100s) + 999ms));
    CHECK(code(traffic, at(101s)) == ExitCode::ok);
    traffic.received(at(100s) + 500ms);
    CHECK_FALSE(traffic.end(at(101s)));
}

TEST_CASE("a duplex verb whose input is empty goes on receiving") {
    Traffic traffic{rules(Flow::both), at(0s)};
    traffic.input_ended(at(0s));
    CHECK_FALSE(traffic.end(at(1000s)));
    CHECK(traffic.wants_receive());
    TrafficRules made = rules(Flow::both);
    made.timeout = 1s;
    Traffic limited{made, at(0s)};
    limited.input_ended(at(0s));
    CHECK(code(limited, at(1s)) == ExitCode::nothing);
}
