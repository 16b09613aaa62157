// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/judge.hpp>

#include <support/catch.hpp>

using namespace flotilla;

namespace {

std::shared_ptr<const Permissions> only_alice_puts() {
    Rule rule;
    rule.who = {"alice"};
    rule.operations[static_cast<std::size_t>(Operation::put)] = true;
    rule.objects = {"orders*"};
    auto made = Permissions::make({{"ALICE", {"alice", {}}}, {"BOB", {"bob", {}}}},
                                  Permissions::Unlisted::nobody, {rule});
    REQUIRE(made);
    return std::make_shared<const Permissions>(std::move(*made));
}

} // namespace

TEST_CASE("a judge without permissions lets everything pass") {
    Judge judge;
    CHECK(judge.is_open());
    CHECK(judge.knows("anybody"));
    CHECK(judge.allows("anybody", Operation::administer, "orders"));
}

TEST_CASE("a judge remembers what was decided, until permissions change") {
    Judge judge;
    judge.set(only_alice_puts());
    for (int i = 0; i < 3; ++i) {
        CHECK(judge.allows("ALICE", Operation::put, "orders"));
        CHECK(!judge.allows("ALICE", Operation::take, "orders"));
        CHECK(!judge.allows("BOB", Operation::put, "orders"));
    }
    judge.set(nullptr);
    CHECK(judge.allows("BOB", Operation::put, "orders"));
}

TEST_CASE("a judge keeps decisions about many objects apart") {
    Judge judge;
    judge.set(only_alice_puts());
    for (int round = 0; round < 2; ++round)
        for (std::size_t i = 0; i < 5 * Judge::decisions_max; ++i) {
            const std::string number = std::to_string(i);
            REQUIRE(judge.allows("ALICE", Operation::put, "orders." + number));
            REQUIRE(!judge.allows("ALICE", Operation::put, "others." + number));
        }
    const std::string long_name = "orders" + std::string(1000, 'x');
    CHECK(judge.allows("ALICE", Operation::put, long_name));
    CHECK(!judge.allows("BOB", Operation::put, long_name));
}

TEST_CASE("refusals are counted by operation, and the first ones are noted") {
    Judge judge;
    judge.set(only_alice_puts());
    CHECK(judge.refuse("BOB", Operation::take, "orders", 5).find("bob may not take") == 0);
    for (std::size_t i = 0; i < 2 * Judge::noted_max; ++i)
        judge.refuse("GONE", Operation::put, "orders", -1);
    CHECK(judge.refused()[static_cast<std::size_t>(Operation::take)] == 1);
    CHECK(judge.refused()[static_cast<std::size_t>(Operation::put)] == 2 * Judge::noted_max);
    const auto noted = judge.take_noted();
    REQUIRE(noted.size() == Judge::noted_max);
    CHECK(noted[0].user == "bob");
    CHECK(noted[0].descriptor == 5);
    CHECK(noted[1].user.empty());
    CHECK(!judge.has_noted());
}

TEST_CASE("without rules whoever is let in may administer, and nobody else") {
    Judge judge;
    auto made = Permissions::make({{"ALICE", {"alice", {}}}}, Permissions::Unlisted::nobody, {});
    REQUIRE(made);
    judge.set(std::make_shared<const Permissions>(std::move(*made)));
    CHECK(!judge.is_open());
    CHECK(judge.allows("ALICE", Operation::administer, "orders"));
    CHECK(!judge.allows("GONE", Operation::administer, "orders"));
    CHECK(!judge.knows("GONE"));
}
