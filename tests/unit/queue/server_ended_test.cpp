// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/server_ended.hpp>

#include <support/catch.hpp>

#include <vector>

using flotilla::queue::EndedConnections;

namespace {

struct Handed {
    EndedConnections ended{};
    template <class Look>
    std::vector<int> on(Look&& look) {
        std::vector<int> lost;
        ended.hand_on(look, [&](int descriptor) { lost.push_back(descriptor); });
        return lost;
    }
    std::vector<int> on() {
        return on([] {});
    }
};

} // namespace

TEST_CASE("ended connections: each is handed on once") {
    Handed handed;
    handed.ended.ended(20);
    handed.ended.ended(21);
    CHECK_FALSE(handed.ended.empty());
    CHECK(handed.on() == std::vector{20, 21});
    CHECK(handed.ended.empty());
    CHECK(handed.on().empty());
}

TEST_CASE("ended connections: a newcomer with the same descriptor is not taken for lost") {
    Handed handed;
    handed.ended.ended(20);
    handed.ended.ended(21);
    handed.ended.accepted(20); // before the turn read its messages
    CHECK(handed.on([&] { handed.ended.accepted(21); }).empty()); // while it read them
    CHECK(handed.ended.empty());
}

TEST_CASE("ended connections: what ended while a turn read is handed on after the next") {
    Handed handed;
    handed.ended.ended(20);
    CHECK(handed
              .on([&] {
                  handed.ended.accepted(20);
                  handed.ended.ended(20);
                  handed.ended.ended(22);
              })
              .empty());
    CHECK_FALSE(handed.ended.empty());
    CHECK(handed.on() == std::vector{20, 22});
}

TEST_CASE("ended connections: where none ended nothing is looked at") {
    Handed handed;
    int looks = 0;
    CHECK(handed.on([&] { ++looks; }).empty());
    CHECK(looks == 0);
}
