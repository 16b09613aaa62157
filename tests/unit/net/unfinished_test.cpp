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
using net::Traffic;

constexpr std::uint64_t message_max = 1'000'000;
constexpr std::uint64_t step = 200'000; // that comes between two looks

// The transport reads of a connection, and the socket looks.
struct Looked {
    void look(int descriptor, std::uint64_t came = step, std::uint64_t sent = 0) {
        now += 200ms;
        traffic[std::size_t(descriptor)].read_bytes += came;
        traffic[std::size_t(descriptor)].sent_bytes += sent;
        for (const int each : unfinished.to_measure())
            unfinished.measured(each, traffic[std::size_t(each)], now);
    }
    // As many looks as it takes to be listened for.
    void until_listened_for(int descriptor) {
        for (int i = 0; i < 7 && !unfinished.listens(); ++i)
            look(descriptor);
        REQUIRE(unfinished.listens());
    }
    // And as much again, which is over its limit.
    void until_over(int descriptor) {
        until_listened_for(descriptor);
        for (int i = 0; i < 6; ++i)
            look(descriptor);
    }
    std::vector<int> endless() {
        std::vector<int> all;
        for (const auto& each : unfinished.take_endless())
            all.push_back(each.descriptor);
        return all;
    }

    Instant now{1h};
    std::array<Traffic, 10> traffic{};
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
    looked.until_over(7);
    for (int i = 0; i < 100'000; ++i)
        looked.unfinished.heard(8, Frame::followed); // one large message
    looked.look(7);
    CHECK(looked.endless().empty());
    for (int i = 0; i < 2'000; ++i)
        looked.unfinished.heard(8, Frame::last);
    looked.look(7);
    CHECK(looked.endless() == std::vector<int>{7});
}

TEST_CASE("unfinished: who falls silent is let alone, and costs nobody anything", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    looked.until_listened_for(7);
    for (int i = 0; i < 60; ++i) {
        looked.look(7, 0);
        looked.unfinished.found_empty();
    }
    CHECK_FALSE(looked.unfinished.listens());
    looked.look(7, 10); // it says something again
    CHECK(looked.unfinished.listens());
    looked.unfinished.heard(7, Frame::last);
    CHECK_FALSE(looked.unfinished.listens());
    CHECK(looked.endless().empty());
}

TEST_CASE("unfinished: pauses are no way around it", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    std::uint64_t came = 0;
    while (looked.endless().empty()) {
        REQUIRE(came < 5 * message_max);
        looked.look(7, message_max / 2); // as much as it likes between two looks
        came += message_max / 2;
        for (int i = 0; i < 60; ++i) {
            looked.unfinished.found_empty();
            looked.look(7, 0);
        }
    }
    CHECK(came > 2 * message_max);
}

TEST_CASE("unfinished: heartbeats, which are answered, are no message", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    for (int i = 0; i < 100'000; ++i) {
        looked.look(7, 200 * 25, 200 * 16); // one a millisecond
        looked.unfinished.found_empty();
    }
    CHECK(looked.endless().empty());
    CHECK_FALSE(looked.unfinished.listens());
}

TEST_CASE("unfinished: who is sent much may not send without an end for that", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    bool is_found = false;
    for (int i = 0; i < 20 && !is_found; ++i) {
        looked.look(7, step, 100 * step);
        looked.unfinished.found_empty();
        is_found = !looked.endless().empty();
    }
    CHECK(is_found);
}

TEST_CASE("unfinished: a message of nobody known may be anybody's", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    looked.until_over(7);
    looked.unfinished.heard(-1, Frame::last); // a peer of ZMTP 2
    CHECK_FALSE(looked.unfinished.listens());
    looked.unfinished.found_empty();
    looked.look(7);
    CHECK(looked.endless().empty());
}

TEST_CASE("unfinished: a descriptor that is given away again is another's", "[unit][net]") {
    Looked looked;
    looked.unfinished.accepted(7, looked.now);
    looked.until_listened_for(7);
    SECTION("as it was told") {
        looked.unfinished.ended(7);
        CHECK_FALSE(looked.unfinished.listens());
        CHECK(looked.unfinished.to_measure().empty());
        looked.unfinished.accepted(7, looked.now);
    }
    SECTION("the end was lost") {
        looked.unfinished.accepted(7, looked.now);
    }
    SECTION("before it is told") {
        for (int i = 0; i < 6; ++i)
            looked.look(7);
        looked.unfinished.found_empty();
    }
    looked.traffic[7] = {};
    looked.look(7);
    CHECK_FALSE(looked.unfinished.listens());
    CHECK(looked.endless().empty());
}

TEST_CASE("unfinished: of many connections some are measured at a time, and all in turn",
          "[unit][net]") {
    constexpr int connections = 2'000;
    UnfinishedMessages unfinished{message_max};
    for (int i = 0; i < connections; ++i)
        unfinished.accepted(i, Instant{});
    unfinished.measured(1'999, {message_max + 1'000'000, 0}, Instant{1s});
    REQUIRE(unfinished.listens());
    std::vector<int> measured(connections);
    for (int look = 0; look < 2; ++look) {
        const auto all = unfinished.to_measure();
        CHECK(all.size() <= UnfinishedMessages::others_a_look + 1);
        CHECK(std::count(all.begin(), all.end(), 1'999) == 1);
        CHECK(all.front() == 1'999); // who is listened for, each time
        for (const int each : all)
            ++measured[std::size_t(each)];
    }
    CHECK(std::count(measured.begin(), measured.end(), 0) == 0);
}
