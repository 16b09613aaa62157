// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/address_rules.hpp>
#include <flotilla/net/penalties.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::net;

namespace {

Address address(std::string_view text) {
    const auto parsed = Address::parse(text);
    REQUIRE(parsed);
    return *parsed;
}

} // namespace

TEST_CASE("address: the two ways to write an IPv4 one are one address", "[unit][net]") {
    CHECK(address("10.0.0.7") == address("::ffff:10.0.0.7"));
    CHECK(address("::ffff:10.0.0.7").text() == "10.0.0.7");
    CHECK(address("fe80::1%eth0").text() == "fe80::1");
    CHECK(address("127.3.4.5").is_loopback());
    CHECK(address("::1").is_loopback());
    CHECK_FALSE(address("10.0.0.1").is_loopback());
    CHECK_FALSE(address("::").is_loopback());
    for (const char* wrong : {"", "host", "10.0.0", "10.0.0.256", "10.0.0.7:80", "[::1]"})
        CHECK_FALSE(Address::parse(wrong));
    CHECK(address("2001:db8:1:2:3::4").block() == address("2001:db8:1:2::"));
    CHECK(address("10.1.2.3").block() == address("10.1.2.3"));
}

TEST_CASE("address: ranges contain what their prefix says", "[unit][net]") {
    const auto contains = [](std::string_view range, std::string_view text) {
        const auto parsed = AddressRange::parse(range);
        REQUIRE(parsed);
        return parsed->contains(address(text));
    };
    CHECK(contains("10.0.0.0/8", "10.255.0.1"));
    CHECK_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
    CHECK(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
    CHECK(contains("192.168.7.128/25", "192.168.7.200"));
    CHECK_FALSE(contains("192.168.7.128/25", "192.168.7.1"));
    CHECK(contains("10.0.0.7", "10.0.0.7"));
    CHECK_FALSE(contains("10.0.0.7", "10.0.0.8"));
    CHECK(contains("0.0.0.0/0", "9.9.9.9"));
    CHECK_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
    CHECK(contains("2001:db8::/32", "2001:db8:ffff::1"));
    CHECK_FALSE(contains("2001:db8::/32", "2001:db9::1"));
    for (const char* wrong :
         {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.1.0.0/8",
          "2001:db8::/129", "2001:db8::1/32", "fe80::1%eth0", "localhost"})
        CHECK(AddressRange::parse(wrong).error().code == Errc::bad_option);
}

TEST_CASE("address: a deny wins, and one allow refuses the rest", "[unit][net]") {
    using Effect = AddressRules::Effect;
    AddressRules rules;
    CHECK(rules.allows("9.9.9.9"));
    CHECK(rules.allows("nonsense")); // without rules nobody looks
    REQUIRE(rules.add(Effect::deny, *AddressRange::parse("10.6.0.0/16")));
    CHECK(rules.allows("9.9.9.9"));
    CHECK_FALSE(rules.allows("10.6.1.1"));
    REQUIRE(rules.add(Effect::allow, *AddressRange::parse("10.0.0.0/8")));
    CHECK(rules.allows("10.1.1.1"));
    CHECK_FALSE(rules.allows("10.6.1.1"));
    CHECK_FALSE(rules.allows("9.9.9.9"));
    CHECK_FALSE(rules.allows("nonsense"));
    CHECK(rules.allows("")); // ipc
}

TEST_CASE("penalties: an address that keeps failing waits, ever longer", "[unit][net]") {
    net::detail::Penalties penalties({3, 5s});
    const Address bad = address("10.0.0.7");
    Instant now{1h};
    const auto fail_until_penalty = [&] {
        for (int i = 0; i < 3; ++i)
            REQUIRE(penalties.failed(bad, now) == Duration::zero());
        return penalties.failed(bad, now);
    };
    CHECK(fail_until_penalty() == Duration{5s});
    CHECK(penalties.is_waiting(bad, now));
    CHECK(penalties.waiting(now) == 1);
    CHECK_FALSE(penalties.is_waiting(address("10.0.0.8"), now));
    CHECK(penalties.failed(bad, now) == Duration::zero()); // it does not make it longer
    for (const Duration expected : {10s, 20s, 40s, 80s, 80s}) {
        now += 100s;
        CHECK_FALSE(penalties.is_waiting(bad, now));
        CHECK(fail_until_penalty() == expected);
    }
    now += 2h;
    CHECK(fail_until_penalty() == Duration{5s});
}

TEST_CASE("penalties: failures far apart are none's fault", "[unit][net]") {
    net::detail::Penalties penalties({3, 5s});
    Instant now{1h};
    for (int i = 0; i < 20; ++i, now += 31s)
        CHECK(penalties.failed(address("10.0.0.7"), now) == Duration::zero());
}

TEST_CASE("penalties: an IPv6 network is one address", "[unit][net]") {
    net::detail::Penalties penalties({1, 5s});
    const Instant now{1h};
    (void)penalties.failed(address("2001:db8:1:2::1"), now);
    CHECK(penalties.failed(address("2001:db8:1:2::2"), now) == Duration{5s});
    CHECK(penalties.is_waiting(address("2001:db8:1:2:ffff::"), now));
    CHECK_FALSE(penalties.is_waiting(address("2001:db8:1:3::1"), now));
}

TEST_CASE("penalties: memory stays bounded whoever comes", "[unit][net]") {
    net::detail::Penalties penalties({1, 5s});
    const Instant now{1h};
    for (unsigned i = 0; i < 3 * net::detail::Penalties::addresses_max; ++i) {
        const std::string text = "10." + std::to_string(i >> 16) + "." +
                                 std::to_string((i >> 8) & 255) + "." + std::to_string(i & 255);
        (void)penalties.failed(address(text), now);
        (void)penalties.failed(address(text), now);
    }
    CHECK(penalties.waiting(now) == net::detail::Penalties::addresses_max);
}
