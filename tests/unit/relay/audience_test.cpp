// SPDX-License-Identifier: Apache-2.0
// Who of a relay's peers is given what.
#include <flotilla/relay/audience.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <string>

using namespace flotilla;
using namespace flotilla::relay;

namespace {

std::shared_ptr<const Permissions> only(std::string who, std::string pattern) {
    Rule rule;
    rule.who = {std::move(who)};
    rule.operations[static_cast<std::size_t>(Operation::subscribe)] = true;
    rule.objects = {std::move(pattern)};
    auto made = Permissions::make({{"ALICE", {"alice", {}}}, {"BOB", {"bob", {}}}},
                                  Permissions::Unlisted::nobody, {rule});
    REQUIRE(made);
    return std::make_shared<const Permissions>(std::move(*made));
}

std::vector<int> without(Audience& audience, std::shared_ptr<const Permissions> permissions) {
    Judge judge;
    judge.set(std::move(permissions));
    auto all = audience.without_right(judge, Operation::subscribe);
    std::sort(all.begin(), all.end());
    return all;
}

} // namespace

TEST_CASE("whoever was given more than it may have is found, and forgotten", "[unit][relay]") {
    Audience audience;
    audience.add(5, "ALICE", "weather.");
    audience.add(6, "BOB", "weather.");
    audience.add(7, "ALICE", "weather.");
    audience.add(7, "ALICE", "secret.");
    audience.add(-1, "BOB", "weather."); // of this process
    CHECK(without(audience, nullptr).empty());
    CHECK(without(audience, only("*", "*")).empty());
    CHECK(without(audience, only("alice", "weather.*")) == std::vector<int>{6, 7});
    CHECK(without(audience, only("alice", "weather.*")).empty());
    CHECK(without(audience, only("bob", "*")) == std::vector<int>{5});
}

TEST_CASE("another user over the same descriptor begins anew", "[unit][relay]") {
    Audience audience;
    audience.add(5, "BOB", "secret.");
    audience.add(5, "ALICE", "weather.");
    CHECK(without(audience, only("alice", "weather.*")).empty());
}

TEST_CASE("what does not fit is cut at any change", "[unit][relay]") {
    Audience audience;
    const std::string part(Audience::bytes_max / 4, 'x');
    for (char each = 'a'; each < 'f'; ++each)
        audience.add(5, "ALICE", part + each);
    audience.add(6, "ALICE", "weather.");
    CHECK(without(audience, only("alice", "*")) == std::vector<int>{5});
    audience.add(6, "ALICE", "weather.");
    CHECK(without(audience, only("alice", "*")).empty());
}
