// SPDX-License-Identifier: Apache-2.0
#include <cli/refused_key.hpp>
#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::cli;

namespace {

constexpr Instant begun{1h};

net::ConnectionEvent event(net::ConnectionEvent::Kind kind, int value, const std::string& at) {
    return {kind, value, at};
}
net::ConnectionEvent refused(const std::string& at, int status = 400) {
    return event(net::ConnectionEvent::Kind::handshake_failed_auth, status, at);
}

} // namespace

TEST_CASE("refused key: it is for good when every endpoint has said so for a second",
          "[unit][cli]") {
    RefusedKey key(2);
    CHECK_FALSE(key.is_everywhere(begun));
    key.hear(refused("tcp://a:1"), begun);
    CHECK_FALSE(key.is_everywhere(begun + 1h));
    key.hear(refused("tcp://b:1"), begun + 1s);
    CHECK_FALSE(key.is_everywhere(begun + 1999ms));
    CHECK(key.is_everywhere(begun + 2s));
    CHECK(key.text().find("tcp://b:1") != std::string::npos);
}

TEST_CASE("refused key: a later try that is let in, or told to wait, is not refused",
          "[unit][cli]") {
    RefusedKey key(1);
    key.hear(refused("tcp://a:1"), begun);
    key.hear(event(net::ConnectionEvent::Kind::handshake_succeeded, 0, "tcp://a:1"), begun + 1s);
    CHECK_FALSE(key.is_everywhere(begun + 1h));
    RefusedKey other(1);
    other.hear(refused("tcp://a:1", 300), begun);
    CHECK_FALSE(other.is_everywhere(begun + 1h));
}

TEST_CASE("refused everywhere: it counts from the first refusal, until somebody takes us",
          "[unit][cli]") {
    RefusedEverywhere right(1);
    right.refused("tcp://a:1", "you may not", begun);
    right.refused("tcp://a:1", "you may not", begun + 900ms);
    CHECK_FALSE(right.is_everywhere(begun + 999ms));
    CHECK(right.is_everywhere(begun + 1s));
    right.accepted("tcp://a:1");
    CHECK_FALSE(right.is_everywhere(begun + 1h));
    CHECK(right.text() == "you may not");
}
