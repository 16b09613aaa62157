// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/entrance.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::net;

namespace {

using Kind = ConnectionEvent::Kind;
using Failure = HandshakeFailure;
using net::detail::Entrance;

// libzmq's numbers of protocol errors.
constexpr std::int32_t cryptographic = 0x11000001;
constexpr std::int32_t mechanism_mismatch = 0x11000002;

// A listener whose events are told by hand.
struct Told {
    explicit Told(GateLimits limits = {}, AccessPolicy policy = {})
        : gate(std::make_shared<Gate>(std::move(policy), limits)),
          entrance(std::make_unique<Entrance>(gate, Entrance::Speaks::curve, 10s)) {}

    bool comes(int descriptor, std::string_view address = "10.0.0.7") {
        return entrance->accepted(descriptor, {Address::parse(address), {}, {}}, now);
    }
    void tell(Kind kind, std::int32_t value = 0) { entrance->tell({kind, value, {}}, now); }
    void goes(int descriptor) { tell(Kind::disconnected, descriptor); }
    std::uint64_t count(Failure reason) const {
        return gate->counters().failures_total[std::size_t(reason)];
    }
    std::uint64_t failures() const {
        std::uint64_t all = 0;
        for (const std::uint64_t each : gate->counters().failures_total)
            all += each;
        return all;
    }
    std::uint64_t connections() const { return gate->counters().connections; }

    Instant now{1h};
    std::shared_ptr<Gate> gate;
    std::unique_ptr<Entrance> entrance;
};

} // namespace

TEST_CASE("entrance: an end takes the failure before it, with its address", "[unit][net]") {
    Told told;
    CHECK_FALSE(told.comes(10, "10.0.0.7"));
    CHECK_FALSE(told.comes(11, "10.0.0.8"));
    told.tell(Kind::handshake_failed_protocol, cryptographic);
    told.goes(11);
    told.tell(Kind::handshake_failed_protocol, mechanism_mismatch);
    told.goes(10);
    const auto failures = told.gate->take_failures();
    REQUIRE(failures.size() == 2);
    CHECK(failures[0].reason == Failure::wrong_server_key);
    CHECK(failures[0].address == "10.0.0.8");
    CHECK(failures[1].reason == Failure::plaintext);
    CHECK(failures[1].address == "10.0.0.7");
    CHECK(told.connections() == 0);
}

TEST_CASE("entrance: a connection whose handshake was done just ends", "[unit][net]") {
    Told told;
    (void)told.comes(10);
    told.tell(Kind::handshake_succeeded);
    told.now += 1h;
    told.goes(10);
    CHECK(told.failures() == 0);
    CHECK(told.gate->counters().handshakes_total == 1);
}

TEST_CASE("entrance: what libzmq hangs up on without a word is no ZeroMQ", "[unit][net]") {
    Told told;
    (void)told.comes(10);
    told.tell(Kind::handshake_succeeded);
    (void)told.comes(11); // after it
    told.goes(11);
    CHECK(told.count(Failure::not_zmtp) == 1);
    told.goes(10);
    CHECK(told.failures() == 1);
}

TEST_CASE("entrance: one that may have been let in is not charged for others", "[unit][net]") {
    Told told;
    (void)told.comes(10, "10.0.0.1");
    (void)told.comes(11, "10.0.0.2");
    told.tell(Kind::handshake_succeeded);
    told.tell(Kind::handshake_failed_no_detail);
    (void)told.comes(12, "10.0.0.3"); // another I/O thread comes between
    told.goes(10);
    told.goes(11);
    CHECK(told.failures() == 0); // which of them it was, nobody knows
    told.goes(12);
    CHECK(told.count(Failure::closed) == 1);
}

TEST_CASE("entrance: silence and haste are told apart by the time they took", "[unit][net]") {
    Told told;
    (void)told.comes(10);
    told.tell(Kind::handshake_failed_no_detail, 11);
    told.goes(10);
    CHECK(told.count(Failure::closed) == 1);
    (void)told.comes(10);
    told.now += 10s;
    told.tell(Kind::handshake_failed_no_detail, 11);
    told.goes(10);
    CHECK(told.count(Failure::timeout) == 1);
}

TEST_CASE("entrance: who was denied by name is not counted again", "[unit][net]") {
    Told told;
    (void)told.comes(10);
    told.tell(Kind::handshake_failed_auth, 400); // counted by the gate, which was asked
    told.goes(10);
    CHECK(told.failures() == 0);
    (void)told.comes(10);
    told.goes(10);
    CHECK(told.count(Failure::not_zmtp) == 1);
}

TEST_CASE("entrance: over a limit one is unwanted, and counted once", "[unit][net]") {
    GateLimits limits;
    limits.connections_max = 1;
    Told told(limits);
    CHECK_FALSE(told.comes(10));
    CHECK(told.comes(11));
    CHECK(told.connections() == 2); // until it is gone
    told.tell(Kind::handshake_failed_no_detail);
    told.goes(11);
    CHECK(told.count(Failure::connections) == 1);
    CHECK(told.failures() == 1);
    told.goes(10);
    CHECK_FALSE(told.comes(12));
    told.entrance.reset(); // everybody leaves with the listener
    CHECK(told.connections() == 0);
}

TEST_CASE("entrance: an address that fails too often is unwanted for a while", "[unit][net]") {
    GateLimits limits;
    limits.address_failures_max = 2;
    Told told(limits);
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(told.comes(10));
        told.tell(Kind::handshake_failed_no_detail);
        told.goes(10);
    }
    CHECK(told.comes(10));
    CHECK(told.count(Failure::penalty) == 1);
    CHECK_FALSE(told.comes(11, "10.0.0.8"));
    told.goes(10);
    told.now += 6s;
    CHECK_FALSE(told.comes(10));
}

TEST_CASE("entrance: an address that nobody knows has no limits of its own", "[unit][net]") {
    GateLimits limits;
    limits.address_failures_max = 1;
    limits.address_connections_max = 1;
    Told told(limits);
    for (int i = 0; i < 10; ++i)
        CHECK_FALSE(told.comes(10 + i, "")); // ipc, or gone too fast
    CHECK(told.connections() == 10);
}

TEST_CASE("entrance: a number that comes twice had ended unheard", "[unit][net]") {
    Told told;
    (void)told.comes(10);
    (void)told.comes(10);
    CHECK(told.connections() == 1);
    told.goes(99); // one that we made
    CHECK(told.connections() == 1);
}

TEST_CASE("entrance: connections that out-of-files turned away have that reason", "[unit][net]") {
    Told told;
    (void)told.comes(10);
    told.entrance->turned_away(10, told.now);
    told.tell(Kind::handshake_failed_no_detail);
    told.goes(10);
    CHECK(told.count(Failure::out_of_files) == 1);
    CHECK(told.failures() == 1);
}

TEST_CASE("entrance: those whose right was taken away are found by where they came from",
          "[unit][net]") {
    Told told({}, AnyClientKey{});
    const Entry entry{Operation::take, "orders"};
    const std::string key(32, 'k');
    CHECK(told.gate->judge({"door", "10.0.0.7", "CURVE", key}, entry, told.now).status == 200);
    CHECK(told.gate->judge({"open", "10.0.0.9", "CURVE", key}, {}, told.now).status == 200);
    (void)told.comes(10, "10.0.0.7");
    (void)told.comes(11, "10.0.0.8");
    (void)told.comes(12, "10.0.0.9");
    CHECK(told.entrance->disallowed("door").empty());

    AccessPolicy nobody{AnyClientKey{}};
    nobody.permissions = *Permissions::make({}, Permissions::Unlisted::nobody, {});
    told.gate->set_policy(std::move(nobody));
    CHECK(told.entrance->disallowed("open").empty()); // whoever speaks there is judged by message
    CHECK(told.entrance->disallowed("door") == std::vector<int>{10});
    CHECK(told.entrance->disallowed("door").empty());
}
