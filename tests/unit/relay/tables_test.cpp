// SPDX-License-Identifier: Apache-2.0
// The relay's tables: last values, backlog.
#include <flotilla/relay/backlog.hpp>
#include <flotilla/relay/last_value.hpp>
#include <flotilla/wire/envelope.hpp>

#include <support/catch.hpp>

#include <initializer_list>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::relay;
using flotilla::net::Part;

namespace {

Message message(std::initializer_list<std::string_view> frames) {
    Message made;
    for (const std::string_view frame : frames) {
        made.parts.push_back(Part::copy(frame));
        made.bytes += frame.size();
    }
    made.frames = frames.size();
    return made;
}

std::vector<std::string> values(const LastValues& table, ByteView prefix) {
    std::vector<std::string> all;
    table.matching(prefix, [&](const Message& value) {
        all.push_back(std::string(value.frame(0)) + "=" + std::string(value.frame(1)));
    });
    return all;
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("last values: the last message of each topic is kept", "[unit][relay]") {
    LastValues table({10, 1 << 20});
    table.remember(message({"a", "1"}));
    table.remember(message({"ab", "2"}));
    table.remember(message({"b", "3"}));
    table.remember(message({"a", "4"}));
    CHECK(values(table, "") == Texts{"a=4", "ab=2", "b=3"});
    CHECK(values(table, "a") == Texts{"a=4", "ab=2"});
    CHECK(values(table, "ab") == Texts{"ab=2"});
    CHECK(values(table, "abc").empty());
    CHECK(table.topics() == 3);
}

TEST_CASE("last values: remembering leaves the message as it is", "[unit][relay]") {
    LastValues table({10, 1 << 20});
    const std::string large(1000, 'x');
    Message sent = message({"a", large});
    table.remember(sent);
    CHECK(sent.frame(1) == large);
    sent = Message{};
    CHECK(values(table, "a") == Texts{"a=" + large});
}

TEST_CASE("last values: the topic not sent for longest is forgotten first", "[unit][relay]") {
    LastValues table({2, 1 << 20});
    table.remember(message({"a", "1"}));
    table.remember(message({"b", "1"}));
    table.remember(message({"a", "2"}));
    table.remember(message({"c", "1"}));
    CHECK(values(table, "") == Texts{"a=2", "c=1"});
    CHECK(table.forgotten_total() == 1);
}

TEST_CASE("last values: bytes are bounded too", "[unit][relay]") {
    LastValues table({1000, 10'000});
    for (int i = 0; i < 100; ++i) {
        table.remember(message({"topic " + std::to_string(i), std::string(1000, 'x')}));
        REQUIRE(table.bytes() <= 10'000);
    }
    CHECK(table.topics() > 2);
    CHECK(table.topics() < 10);
    CHECK(table.topics() + table.forgotten_total() == 100);
    table.remember(message({"topic 99", "now small"}));
    CHECK(values(table, "topic 99") == Texts{"topic 99=now small"});
}

TEST_CASE("last values: a value too large is not kept, and no older one in its place",
          "[unit][relay]") {
    LastValues table({10, 2000});
    table.remember(message({"a", "old"}));
    table.remember(message({"a", std::string(3000, 'x')}));
    CHECK(values(table, "").empty());
    CHECK(table.bytes() == 0);
}

TEST_CASE("last values: reserved topics are never kept", "[unit][relay]") {
    LastValues table({10, 2000});
    table.remember(message({std::string_view("\0flotilla.hb", 12), "1"}));
    CHECK(table.topics() == 0);
    CHECK(is_reserved_topic(ByteView("\0flotilla.", 10)));
    CHECK_FALSE(is_reserved_topic(ByteView("\0flotilla", 9)));
    CHECK_FALSE(is_reserved_topic("flotilla."));
}

TEST_CASE("last values: an envelope is marked as a snapshot, and nothing else is touched",
          "[unit][relay]") {
    wire::Envelope envelope;
    envelope.sequence = std::uint64_t{5};
    const std::string frame = *wire::encode(envelope);
    Message with = message({"a", "body", frame});
    mark_snapshot(with);
    const auto marked = wire::decode_envelope(with.frame(2));
    REQUIRE(marked);
    CHECK(marked->snapshot);
    CHECK(marked->sequence == std::uint64_t{5});

    Message without = message({"a", "body"});
    mark_snapshot(without);
    CHECK(without.frame(1) == "body");
    Message damaged = message({"a", frame.substr(0, frame.size() - 1)});
    mark_snapshot(damaged);
    CHECK(damaged.frame(1) == frame.substr(0, frame.size() - 1));
    Message topic_only = message({frame});
    mark_snapshot(topic_only);
    CHECK(topic_only.frame(0) == frame);
}

TEST_CASE("backlog: each client's replies stay in order, and none waits for another",
          "[unit][relay]") {
    Backlog backlog({10, 1 << 20});
    for (const char* body : {"1", "2"})
        for (const char* peer : {"ann", "bob"}) {
            Message reply = message({peer, "", body});
            REQUIRE(backlog.add(reply));
            CHECK(reply.frames == 0);
        }
    CHECK(backlog.messages() == 4);
    CHECK(backlog.has("ann"));
    CHECK_FALSE(backlog.has("cat"));

    Texts sent;
    const auto only_bob = [&](Message& reply) {
        if (reply.frame(0) != "bob")
            return Sent::no_room;
        sent.push_back(std::string(reply.frame(2)));
        return Sent::whole;
    };
    backlog.retry_all(only_bob);
    CHECK(sent == Texts{"1", "2"});
    CHECK_FALSE(backlog.has("bob"));
    CHECK(backlog.messages() == 2);

    sent.clear();
    backlog.retry("ann", [&](Message& reply) {
        sent.push_back(std::string(reply.frame(2)));
        return Sent::unroutable;
    });
    CHECK(sent == Texts{"1", "2"});
    CHECK(backlog.empty());
    CHECK(backlog.bytes() == 0);
}

TEST_CASE("backlog: what is over a limit is refused and untouched", "[unit][relay]") {
    Backlog backlog({2, 2000});
    Message small = message({"ann", "x"});
    REQUIRE(backlog.add(small));
    small = message({"ann", "y"});
    REQUIRE(backlog.add(small));
    small = message({"ann", "z"});
    CHECK_FALSE(backlog.add(small));
    CHECK(small.frame(1) == "z");
    Message large = message({"bob", std::string(2000, 'x')});
    CHECK_FALSE(backlog.add(large));
    CHECK_FALSE(backlog.has("bob"));
    Message other = message({"bob", "x"});
    CHECK(backlog.add(other));
}
