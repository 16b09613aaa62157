// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/admitted.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::net;
using net::detail::Admitted;

namespace {

std::optional<Address> at(std::string_view text) {
    return Address::parse(text);
}

// Who is listed may do everything.
Permissions listing(const std::vector<std::string>& credentials) {
    std::map<std::string, User, std::less<>> users;
    for (const std::string& each : credentials)
        users.emplace(each, User{each.substr(each.find(':') + 1), {}});
    auto made = Permissions::make(std::move(users), Permissions::Unlisted::nobody, {});
    REQUIRE(made);
    return std::move(*made);
}

} // namespace

TEST_CASE("admitted: who may no longer is found by where he came from, once", "[unit][net]") {
    Admitted admitted({Operation::take, "orders"});
    admitted.add("plain:alice", at("10.0.0.1"));
    admitted.add("plain:bob", at("10.0.0.2"));
    admitted.add("plain:bob", at("::ffff:10.0.0.3"));
    admitted.add("plain:carol", std::nullopt);
    const Permissions all = listing({"plain:alice", "plain:bob", "plain:carol"});
    CHECK_FALSE(admitted.take_disallowed(all).contains(at("10.0.0.1")));
    const Permissions without_bob = listing({"plain:alice", "plain:carol"});
    const auto gone = admitted.take_disallowed(without_bob);
    CHECK_FALSE(gone.contains(at("10.0.0.1")));
    CHECK(gone.contains(at("10.0.0.2")));
    CHECK(gone.contains(at("10.0.0.3")));
    CHECK_FALSE(gone.contains(std::nullopt));
    CHECK_FALSE(admitted.take_disallowed(without_bob).contains(at("10.0.0.2")));
    CHECK(admitted.take_disallowed(listing({"plain:alice"})).contains(std::nullopt));
}

TEST_CASE("admitted: a rule that is gone is as good as a key that is gone", "[unit][net]") {
    Rule rule;
    rule.who = {"alice"};
    rule.operations[std::size_t(Operation::take)] = true;
    rule.objects = {"other"};
    Admitted admitted({Operation::take, "orders"});
    admitted.add("plain:alice", at("10.0.0.1"));
    auto made = Permissions::make({{"plain:alice", User{"alice", {}}}},
                                  Permissions::Unlisted::nobody, {rule});
    REQUIRE(made);
    CHECK(admitted.take_disallowed(*made).contains(at("10.0.0.1")));
}

TEST_CASE("admitted: of whom there was no room for is sought everywhere, at one change",
          "[unit][net]") {
    Admitted admitted({Operation::take, "orders"});
    const Permissions all = listing({"plain:alice"});
    for (std::size_t i = 0; i < Admitted::entries_max; ++i)
        admitted.add("plain:alice",
                     at("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250)));
    CHECK_FALSE(admitted.take_disallowed(all).contains(at("10.1.0.0")));
    admitted.add("plain:alice", at("10.2.0.0"));
    CHECK(admitted.take_disallowed(all).contains(at("10.9.9.9")));
    CHECK_FALSE(admitted.take_disallowed(all).contains(at("10.9.9.9")));
}
