// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pubsub/numbering.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::pubsub;
using feed::Heartbeat;

namespace {

std::vector<std::string> names(const std::vector<Heartbeat::Topic>& topics) {
    std::vector<std::string> found;
    for (const auto& each : topics)
        found.push_back(std::string{each.topic} + "=" + std::to_string(each.last_sequence));
    return found;
}

} // namespace

TEST_CASE("numbering: each topic counts from one", "[unit][pubsub]") {
    Numbering numbering(10);
    CHECK(numbering.next("a").sequence == 1);
    CHECK(numbering.next("a").sequence == 2);
    CHECK(numbering.next("b").sequence == 1);
    CHECK(numbering.next("b").generation == 0);
}

TEST_CASE("numbering: a number given back is given again", "[unit][pubsub]") {
    Numbering numbering(10);
    numbering.next("a");
    numbering.next("a");
    numbering.take_back("a");
    CHECK(numbering.next("a").sequence == 2);
    numbering.next("b");
    numbering.take_back("b");
    CHECK(names(numbering.end_round(Numbering::Which::all)) == std::vector<std::string>{"a=2"});
    CHECK(numbering.next("b").sequence == 1);
}

TEST_CASE("numbering: a forgotten topic comes back in another generation", "[unit][pubsub]") {
    Numbering numbering(2);
    const auto first = numbering.next("a");
    numbering.next("b");
    numbering.next("c"); // forgets a
    CHECK(numbering.forgotten_total() == 1);
    const auto again = numbering.next("a"); // forgets b
    CHECK(again.sequence == 1);
    CHECK(again.generation != first.generation);
    for (int round = 0; round < 50; ++round) {
        const auto before = numbering.next("a").generation;
        numbering.next("x");
        numbering.next("y");
        CHECK(numbering.next("a").generation != before);
    }
}

TEST_CASE("numbering: a heartbeat names what changed lately, newest first", "[unit][pubsub]") {
    using Which = Numbering::Which;
    Numbering numbering(10);
    numbering.next("a");
    numbering.next("b");
    numbering.next("b");
    CHECK(names(numbering.end_round(Which::recent)) == std::vector<std::string>{"b=2", "a=1"});
    numbering.next("a");
    CHECK(names(numbering.end_round(Which::recent)) == std::vector<std::string>{"a=2", "b=2"});
    numbering.end_round(Which::recent);
    numbering.end_round(Which::recent);
    CHECK(names(numbering.end_round(Which::recent)) == std::vector<std::string>{"a=2"});
    CHECK(numbering.end_round(Which::recent).empty());
    CHECK(numbering.end_round(Which::all).size() == 2);
}

TEST_CASE("numbering: every so often a heartbeat names everything", "[unit][pubsub]") {
    Numbering numbering(10);
    numbering.next("a");
    std::vector<std::uint64_t> named;
    for (std::uint64_t round = 1; round <= 2 * Numbering::rounds_between_all; ++round)
        if (!numbering.end_round(Numbering::Which::recent).empty())
            named.push_back(round);
    CHECK(named == std::vector<std::uint64_t>{1, 2, 3, 4, 32, 64});
}
