// SPDX-License-Identifier: Apache-2.0
// Who subscribes to what at a relay, as libzmq tells it: by descriptor, and namelessly of who left.
#include <flotilla/relay/subscriptions.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>

using namespace flotilla;
using namespace flotilla::relay;

namespace {

using Added = Subscriptions::Added;
using Cancelled = Subscriptions::Cancelled;
using Names = std::vector<std::string>;

constexpr std::uint64_t plenty = std::uint64_t{1} << 30;

} // namespace

TEST_CASE("a topic's first subscription and last cancellation are told", "[unit][relay]") {
    Subscriptions all(plenty);
    CHECK(all.add(5, "", "a") == Added::first);
    CHECK(all.add(5, "", "a") == Added::again);
    CHECK(all.add(6, "", "a") == Added::another);
    CHECK(all.count() == 2);
    CHECK(all.cancel(5, "a") == Cancelled::others_remain);
    CHECK(all.cancel(6, "a") == Cancelled::last);
    CHECK(all.count() == 0);
    CHECK(all.bytes() == 0);
    CHECK(all.add(6, "", "a") == Added::first);
}

TEST_CASE("nobody cancels what is another's", "[unit][relay]") {
    Subscriptions all(plenty);
    all.add(5, "", "a");
    all.add(6, "", "b");
    CHECK(all.cancel(6, "a") == Cancelled::not_his);
    CHECK(all.cancel(7, "a") == Cancelled::not_his);
    CHECK(all.cancel(-1, "a") == Cancelled::not_his);
    CHECK(all.cancel(5, "a") == Cancelled::last);
}

TEST_CASE("who has no descriptor has room of its own, and costs nobody else his", "[unit][relay]") {
    const std::uint64_t one =
        Subscriptions::bytes_of_topic(1) + Subscriptions::bytes_of_subscription;
    Subscriptions all(2 * one);
    CHECK(all.add(5, "", "x") == Added::first);
    CHECK(all.add(5, "", "y") == Added::first);
    CHECK(all.add(-1, "", "a") == Added::first);
    all.refuse(-1, "", "b");
    CHECK(all.add(-1, "", "c") == Added::nothing);
    CHECK_FALSE(all.take_excess());
    CHECK(all.cancel(-1, "b") == Cancelled::refused);
    CHECK(all.add(-1, "", "c") == Added::first);
}

TEST_CASE("what somebody had ends when he leaves, and libzmq's own word for it changes nothing",
          "[unit][relay]") {
    Subscriptions all(plenty);
    all.add(5, "", "a");
    all.add(5, "", "b");
    all.add(6, "", "b");
    CHECK(all.left(5) == Names{"a"});
    CHECK(all.cancel(-1, "a") == Cancelled::not_his);
    CHECK(all.cancel(-1, "b") == Cancelled::not_his);
    CHECK(all.add(5, "", "c") == Added::nothing); // read late, of the one that left
    CHECK(all.left(5).empty());
    CHECK(all.arrived(5).empty());
    CHECK(all.add(5, "", "b") == Added::another);
    CHECK(all.arrived(5).empty()); // the next one with that number
    CHECK(all.left(6) == Names{"b"});
    CHECK(all.bytes() == 0);
}

TEST_CASE("peers of this process are counted, and nobody else takes from them", "[unit][relay]") {
    Subscriptions all(plenty);
    CHECK(all.add(-1, "", "a") == Added::first);
    CHECK(all.add(-1, "", "a") == Added::another);
    CHECK(all.add(5, "", "a") == Added::another);
    CHECK(all.left(5).empty());
    CHECK(all.cancel(-1, "a") == Cancelled::not_his); // libzmq's word for the one that left
    CHECK(all.cancel(-1, "a") == Cancelled::others_remain);
    CHECK(all.cancel(-1, "a") == Cancelled::last);
    CHECK(all.cancel(-1, "a") == Cancelled::not_his);
    CHECK(all.bytes() == 0);
}

TEST_CASE("a refused subscription is nobody's, and takes its place all the same", "[unit][relay]") {
    Subscriptions all(plenty);
    all.refuse(5, "bob", "a");
    all.refuse(5, "bob", "a");
    all.refuse(-1, "", "a");
    CHECK(all.count() == 0);
    CHECK(all.bytes() > 0);
    all.add(6, "alice", "a");
    CHECK(all.cancel(5, "a") == Cancelled::refused);
    CHECK(all.cancel(-1, "a") == Cancelled::refused);
    CHECK(all.cancel(5, "a") == Cancelled::not_his);
    CHECK(all.cancel(6, "a") == Cancelled::last);
    CHECK(all.bytes() == 0);
}

TEST_CASE("rights that change find whom they concern", "[unit][relay]") {
    Subscriptions all(plenty);
    all.add(5, "alice", "weather.");
    all.add(6, "bob", "weather.");
    all.add(7, "alice", "secret.");
    all.refuse(6, "bob", "secret.");
    const auto alice_alone = [](std::string_view user, ByteView) { return user == "alice"; };
    const auto nothing_secret = [](std::string_view, ByteView topic) { return topic != "secret."; };
    const auto everything = [](std::string_view, ByteView) { return true; };
    CHECK(all.without_right(alice_alone) == std::vector<int>{6});
    CHECK(all.without_right(nothing_secret) == std::vector<int>{7});
    CHECK(all.without_right(everything).empty());
    CHECK(all.with_right(everything) == std::vector<int>{6});
    CHECK(all.with_right(nothing_secret).empty());
}

TEST_CASE("who has most goes when there is no room, and the others stay", "[unit][relay]") {
    const std::uint64_t one =
        Subscriptions::bytes_of_topic(2) + Subscriptions::bytes_of_subscription;
    Subscriptions all(3 * one);
    all.add(5, "alice", "a1");
    all.add(6, "bob", "b1");
    all.add(6, "bob", "b2");
    CHECK_FALSE(all.take_excess());
    all.refuse(6, "bob", "b3");
    const auto excess = all.take_excess();
    REQUIRE(excess);
    CHECK(excess->descriptor == 6);
    CHECK(excess->user_id == "bob");
    CHECK(excess->topics == 3);
    CHECK(excess->bytes == 3 * one);
    CHECK(excess->one_topic.starts_with("b"));
    CHECK_FALSE(all.take_excess()); // he is on his way out
    CHECK(all.add(6, "bob", "b4") == Added::nothing);
    all.add(5, "alice", "a2");
    CHECK_FALSE(all.take_excess());
    Names ended = all.left(6);
    std::sort(ended.begin(), ended.end());
    CHECK(ended == Names{"b1", "b2"});
    CHECK_FALSE(all.take_excess());
    CHECK(all.cancel(5, "a1") == Cancelled::last);
}

TEST_CASE("a topic that many share is paid for once", "[unit][relay]") {
    Subscriptions all(plenty);
    const std::string topic(1'000, 't');
    for (int each = 10; each < 20; ++each)
        all.add(each, "", topic);
    CHECK(all.bytes() ==
          Subscriptions::bytes_of_topic(topic.size()) + 10 * Subscriptions::bytes_of_subscription);
}

// libzmq's XPUB: a set of topics for each peer; of one that leaves a nameless cancellation for
// each.
TEST_CASE("whatever peers do, upstream has what somebody wants, and no more once all is read",
          "[unit][relay]") {
    const auto seed = test::seed(1);
    INFO("FLOTILLA_TEST_SEED=" << seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 200; ++round) {
        const bool has_local = round % 2 == 0;
        Subscriptions all(plenty);
        std::set<std::string> upstream;
        std::map<int, std::set<std::string>> wanted; // by peer: below 0 in this process
        std::deque<std::string> nameless;
        const auto end = [&](const Names& topics) {
            for (const std::string& each : topics)
                REQUIRE(upstream.erase(each) == 1);
        };
        const auto cancelled = [&](Cancelled how, const std::string& topic) {
            if (how == Cancelled::last)
                REQUIRE(upstream.erase(topic) == 1);
        };
        const auto leave = [&](int peer) {
            for (const std::string& each : wanted[peer])
                nameless.push_back(each);
            wanted.erase(peer);
            if (peer >= 0)
                end(all.left(peer));
        };
        for (int step = 0; step < 200; ++step) {
            const int peer = static_cast<int>(random() % 6) - (has_local ? 2 : 0);
            const int descriptor = std::max(peer, -1);
            const std::string topic(1, static_cast<char>('a' + random() % 4));
            if (peer >= 0 && !wanted.contains(peer))
                end(all.arrived(peer));
            wanted[peer];
            switch (random() % 4) {
            case 0:
            case 1:
                if (peer < 0 && wanted[peer].contains(topic))
                    break; // a SUB asks once
                wanted[peer].insert(topic);
                if (all.add(descriptor, "", topic) == Added::first)
                    REQUIRE(upstream.insert(topic).second);
                break;
            case 2: // also of what it has not, as a hostile peer may
                if (peer < 0 && !wanted[peer].contains(topic))
                    break;
                wanted[peer].erase(topic);
                cancelled(all.cancel(descriptor, topic), topic);
                break;
            default:
                leave(peer);
            }
            for (auto reads = random() % 3; reads > 0 && !nameless.empty(); --reads) {
                cancelled(all.cancel(-1, nameless.front()), nameless.front());
                nameless.pop_front();
            }
            for (const auto& [who, topics] : wanted)
                for (const std::string& each : topics)
                    REQUIRE(upstream.contains(each));
        }
        while (!wanted.empty())
            leave(wanted.begin()->first);
        for (const std::string& each : nameless)
            cancelled(all.cancel(-1, each), each);
        REQUIRE(upstream.empty());
        REQUIRE(all.count() == 0);
        REQUIRE(all.bytes() == 0);
    }
}
