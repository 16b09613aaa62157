// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/unfinished.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <array>
#include <vector>

using namespace flotilla;
using flotilla::net::detail::UnfinishedMessages;

namespace {

using Frame = UnfinishedMessages::Frame;

constexpr std::uint64_t message_max = 1'000'000;
constexpr std::uint64_t step = 200'000; // that comes between two looks

// The transport reads of a connection, and the socket looks.
struct Looked {
    void look(int descriptor, std::uint64_t came = step) {
        now += 200ms;
        read[std::size_t(descriptor)] += came;
        for (const int each : unfinished.to_measure())
            unfinished.measured(each, read[std::size_t(each)], now);
    }
    // As many looks as it takes to be listened for.
    void until_listened_for(int descriptor) {
        for (int i = 0; i < 7 && !unfinished.listens(); ++i)
            look(descriptor);
        REQUIRE(unfinished.listens());
    }
    std::vector<int> endless() {
        std::vector<int> all;
        for (const auto& each : unfinished.take_endless())
            all.push_back(each.descriptor);
        return all;
    }

    Instant now{1h};
    std::array<std::uint64_t, 10> read{};
    UnfinishedMessages unfinished{message_max};
};

} // namespace

TEST_CASE("unfinished: a message that goes on beyond its limit is endless", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    std::uint64_t came = 0;
    for (; looked.endless().empty(); came += step) {
        REQUIRE(came < 3 * message_max);
        looked.look(7);
        looked.unfinished.found_empty();
    }
    CHECK(came > 2 * message_max);
    CHECK_FALSE(looked.unfinished.listens());
}

TEST_CASE("unfinished: whoever is heard may go on for ever", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    bool was_listened_for = false;
    for (int i = 0; i < 1000; ++i) {
        looked.look(7);
        was_listened_for = was_listened_for || looked.unfinished.listens();
        if (looked.unfinished.listens() && i % 4 == 0) // not a message in each look
            looked.unfinished.heard(7, Frame::last);
        looked.unfinished.found_empty();
        CHECK(looked.endless().empty());
    }
    CHECK(was_listened_for);
}

TEST_CASE("unfinished: nobody is cut while messages wait to be received", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    looked.until_listened_for(7);
    for (int i = 0; i < 100; ++i) // the owner of the socket does not read
        looked.look(7);
    CHECK(looked.endless().empty());
    looked.unfinished.heard(7, Frame::last); // it does, and there is one of it
    looked.unfinished.found_empty();
    looked.look(7);
    CHECK(looked.endless().empty());
}

TEST_CASE("unfinished: where it never is empty, everybody's turn counts", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    looked.unfinished.accepted(8, looked.now);
    looked.until_listened_for(7);
    for (int i = 0; i < 6; ++i)
        looked.look(7);
    for (int i = 0; i < 100'000; ++i)
        looked.unfinished.heard(8, Frame::followed); // one large message
    looked.look(7);
    CHECK(looked.endless().empty());
    for (int i = 0; i < 2'000; ++i)
        looked.unfinished.heard(8, Frame::last);
    looked.look(7);
    CHECK(looked.endless() == std::vector<int>{7});
}

TEST_CASE("unfinished: who falls silent is only listened for", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    looked.until_listened_for(7);
    for (int i = 0; i < 1000; ++i) {
        looked.look(7, 0);
        looked.unfinished.found_empty();
    }
    CHECK(looked.endless().empty());
}

TEST_CASE("unfinished: heartbeats are no message", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    looked.until_listened_for(7);
    for (int i = 0; i < 100'000; ++i) {
        looked.look(7, 200);
        looked.unfinished.found_empty();
    }
    CHECK(looked.endless().empty());
}

TEST_CASE("unfinished: a descriptor that is given away again is another's", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    looked.until_listened_for(7);
    looked.unfinished.ended(7);
    CHECK_FALSE(looked.unfinished.listens());
    CHECK(looked.unfinished.to_measure().empty());
    looked.read[7] = 0;
    looked.unfinished.accepted(7, looked.now);
    looked.until_listened_for(7);
    looked.read[7] = 0;
    looked.unfinished.accepted(7, looked.now); // the end was lost
    CHECK_FALSE(looked.unfinished.listens());
    looked.look(7);
    CHECK_FALSE(looked.unfinished.listens());
}

TEST_CASE("unfinished: of many connections some are measured at a time, and all in turn",
          "[unit][net]") {
    constexpr int connections = 2'000;
    UnfinishedMessages unfinished{message_max};
    for (int i = 0; i < connections; ++i)
        unfinished.accepted(i, Instant{});
    unfinished.measured(1'999, message_max + 1'000'000, Instant{1s});
    REQUIRE(unfinished.listens());
    std::vector<int> measured(connections);
    for (int look = 0; look < 8; ++look) {
        const auto all = unfinished.to_measure();
        CHECK(all.size() <= UnfinishedMessages::others_a_look + 1);
        CHECK(all.front() == 1'999); // who is listened for, each time
        for (const int each : all)
            ++measured[std::size_t(each)];
    }
    CHECK(std::count(measured.begin(), measured.end(), 0) == 0);
}
