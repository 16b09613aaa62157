// SPDX-License-Identifier: Apache-2.0
//
// Every command of 7/MDP and 18/MDP, byte for byte, in both directions; what peers in the field do
// otherwise; and what is refused.
#include <flotilla/request/codec.hpp>

#include <support/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;
using wire::Frames;

namespace {

using Read = Result<Message> (*)(Frames&);

// One command: its frames, who reads them, and what they are.
struct Case {
    const char* what;
    Read read;
    Frames frames;
    Dialect dialect;
    Side side;
    Verb verb;
    const char* name = ""; // service or address
    Frames body{};
};

std::vector<Case> commands() {
    constexpr auto old = Dialect::mdp_01;
    constexpr auto recent = Dialect::mdp_02;
    constexpr auto client = Side::client;
    constexpr auto worker = Side::worker;
    std::vector<Case> cases;
    const auto add = [&](Case each) { cases.push_back(std::move(each)); };
    add({"0.1 client REQUEST",
         read_at_broker,
         {"", "MDPC01", "echo", "a", "b"},
         old,
         client,
         Verb::request,
         "echo",
         {"a", "b"}});
    add({"0.1 client REPLY",
         read_at_client,
         {"", "MDPC01", "echo", "a", ""},
         old,
         client,
         Verb::final,
         "echo",
         {"a", ""}});
    add({"0.1 worker READY",
         read_at_broker,
         {"", "MDPW01", "\x01", "echo"},
         old,
         worker,
         Verb::ready,
         "echo"});
    add({"0.1 worker REQUEST",
         read_at_worker,
         {"", "MDPW01", "\x02", "peer", "", "a"},
         old,
         worker,
         Verb::request,
         "peer",
         {"a"}});
    add({"0.1 worker REPLY",
         read_at_broker,
         {"", "MDPW01", "\x03", "peer", "", "a"},
         old,
         worker,
         Verb::final,
         "peer",
         {"a"}});
    add({"0.1 HEARTBEAT to the broker",
         read_at_broker,
         {"", "MDPW01", "\x04"},
         old,
         worker,
         Verb::heartbeat});
    add({"0.1 HEARTBEAT to the worker",
         read_at_worker,
         {"", "MDPW01", "\x04"},
         old,
         worker,
         Verb::heartbeat});
    add({"0.1 DISCONNECT to the broker",
         read_at_broker,
         {"", "MDPW01", "\x05"},
         old,
         worker,
         Verb::disconnect});
    add({"0.1 DISCONNECT to the worker",
         read_at_worker,
         {"", "MDPW01", "\x05"},
         old,
         worker,
         Verb::disconnect});
    add({"0.2 client REQUEST",
         read_at_broker,
         {"MDPC02", "\x01", "echo", "a"},
         recent,
         client,
         Verb::request,
         "echo",
         {"a"}});
    add({"0.2 client PARTIAL",
         read_at_client,
         {"MDPC02", "\x02", "echo", "a"},
         recent,
         client,
         Verb::partial,
         "echo",
         {"a"}});
    add({"0.2 client FINAL",
         read_at_client,
         {"MDPC02", "\x03", "echo", "a"},
         recent,
         client,
         Verb::final,
         "echo",
         {"a"}});
    add({"0.2 worker READY",
         read_at_broker,
         {"MDPW02", "\x01", "echo"},
         recent,
         worker,
         Verb::ready,
         "echo"});
    add({"0.2 worker REQUEST",
         read_at_worker,
         {"MDPW02", "\x02", "peer", "", "a", "b"},
         recent,
         worker,
         Verb::request,
         "peer",
         {"a", "b"}});
    add({"0.2 worker PARTIAL",
         read_at_broker,
         {"MDPW02", "\x03", "peer", "", "a"},
         recent,
         worker,
         Verb::partial,
         "peer",
         {"a"}});
    add({"0.2 worker FINAL",
         read_at_broker,
         {"MDPW02", "\x04", "peer", "", "a"},
         recent,
         worker,
         Verb::final,
         "peer",
         {"a"}});
    add({"0.2 HEARTBEAT to the broker",
         read_at_broker,
         {"MDPW02", "\x05"},
         recent,
         worker,
         Verb::heartbeat});
    add({"0.2 HEARTBEAT to the worker",
         read_at_worker,
         {"MDPW02", "\x05"},
         recent,
         worker,
         Verb::heartbeat});
    add({"0.2 DISCONNECT to the broker",
         read_at_broker,
         {"MDPW02", "\x06"},
         recent,
         worker,
         Verb::disconnect});
    add({"0.2 DISCONNECT to the worker",
         read_at_worker,
         {"MDPW02", "\x06"},
         recent,
         worker,
         Verb::disconnect});
    return cases;
}

const Blob& name_of(const Message& message) {
    return message.address.empty() ? message.service : message.address;
}

Error refused_by(Read read, Frames frames) {
    Frames before = frames.share();
    const auto message = read(frames);
    REQUIRE_FALSE(message);
    CHECK(frames == before); // untouched
    CHECK_FALSE(message.error().detail.empty());
    return message.error();
}

Errc refused_by_broker(Frames frames) {
    return refused_by(read_at_broker, std::move(frames)).code;
}

} // namespace

TEST_CASE("every command of both RFCs is read as the RFC lays it out") {
    for (Case& each : commands()) {
        INFO(each.what);
        const auto message = each.read(each.frames);
        REQUIRE(message);
        CHECK(message->dialect == each.dialect);
        CHECK(message->side == each.side);
        CHECK(message->verb == each.verb);
        CHECK(name_of(*message) == ByteView{each.name});
        CHECK(message->body == each.body);
    }
}

TEST_CASE("every command of both RFCs is written as the RFC lays it out") {
    for (Case& each : commands()) {
        INFO(each.what);
        Message message;
        message.dialect = each.dialect;
        message.side = each.side;
        message.verb = each.verb;
        const bool addressed = each.side == Side::worker && each.verb != Verb::ready;
        (addressed ? message.address : message.service) = Blob::copy(each.name);
        message.body = each.body.share();
        Frames written{"routing id"};
        write(std::move(message), written);
        Frames expected{"routing id"};
        for (std::size_t i = 0; i < each.frames.size(); ++i)
            expected.add(each.frames[i].share());
        CHECK(written == expected);
    }
}

TEST_CASE("an empty frame before an 0.2 header is accepted, and answered alike") {
    const auto answered_alike = [](Frames frames, Verb answer) {
        auto message = read_at_broker(frames);
        REQUIRE(message);
        CHECK(message->delimited);
        message->verb = answer;
        Frames written;
        write(std::move(*message), written);
        CHECK(written[0].empty());
        CHECK(written[1].view().substr(0, 3) == "MDP");
    };
    answered_alike({"", "MDPC02", "\x01", "echo", "a"}, Verb::final);
    answered_alike({"", "MDPW02", "\x05"}, Verb::heartbeat);
}

TEST_CASE("a reply without the empty frame behind the address is accepted where it is plain") {
    Frames plain{"MDPW02", "\x04", "peer", "a", "b"};
    CHECK(read_at_broker(plain)->body == Frames{"a", "b"});
    Frames old{"", "MDPW01", "\x03", "peer", "a"};
    CHECK(read_at_broker(old)->body == Frames{"a"});
    // Either way it is read, the body is one empty frame.
    Frames lone{"MDPW02", "\x04", "peer", ""};
    CHECK(read_at_broker(lone)->body == Frames{""});
    Frames both{"MDPW02", "\x04", "peer", "", ""};
    CHECK(read_at_broker(both)->body == Frames{""});
}

TEST_CASE("a stray reply with an empty address is readable, so that it can be dropped quietly") {
    Frames stray{"MDPW02", "\x03", "", "", "a"};
    const auto message = read_at_broker(stray);
    REQUIRE(message);
    CHECK(message->address.empty());
}

TEST_CASE("names hold any bytes, NUL among them, up to 255 of them") {
    const std::string binary("a\0b\xff", 4);
    const std::string longest(255, 's');
    for (const std::string& name : {binary, longest}) {
        Frames request{"MDPC02", "\x01", name, "x"};
        CHECK(read_at_broker(request)->service == ByteView{name});
        Frames reply{"MDPW02", "\x04", name, "", "x"};
        CHECK(read_at_broker(reply)->address == ByteView{name});
    }
    CHECK(refused_by_broker({"MDPC02", "\x01", std::string(256, 's'), "x"}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPW02", "\x01", std::string(256, 's')}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPW02", "\x04", std::string(256, 's'), "", "x"}) == Errc::too_large);
}

TEST_CASE("bodies have 1 to 1000 frames") {
    Frames most{"MDPC02", "\x01", "echo"};
    for (int i = 0; i < 1000; ++i)
        most.add(ByteView{"x"});
    Frames over = most.share();
    over.add(ByteView{"x"});
    CHECK(read_at_broker(most)->body.size() == 1000);
    CHECK(refused_by_broker(std::move(over)) == Errc::too_many);
    CHECK(refused_by_broker({"MDPC02", "\x01", "echo"}) == Errc::malformed);
    CHECK(refused_by_broker({"", "MDPC01", "echo"}) == Errc::malformed);
}

TEST_CASE("what is cut short, too long or in the wrong direction is refused") {
    CHECK(refused_by_broker({}) == Errc::malformed);
    CHECK(refused_by_broker({""}) == Errc::malformed);
    CHECK(refused_by_broker({"", ""}) == Errc::unsupported);
    CHECK(refused_by_broker({"", "", "MDPC01", "echo", "x"}) == Errc::unsupported);
    for (const ByteView header : {"MDPC01", "MDPW01", "MDPC02", "MDPW02"})
        CHECK(refused_by_broker({"", header}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPC01", "echo", "x"}) == Errc::malformed); // a bare DEALER
    CHECK(refused_by_broker({"MDPW02", "\x01"}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPW02", "\x01", ""}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPW02", "\x01", "echo", "x"}) == Errc::malformed);
    CHECK(refused_by_broker({"", "MDPW01", "\x01", "echo", "x"}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPW02", "\x04"}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPW02", "\x04", "peer"}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPW02", "\x05", "x"}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPW02", "\x06", ""}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPC02", "\x02", "echo", "x"}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPW02", "\x02", "peer", "", "x"}) == Errc::malformed);
    CHECK(refused_by_broker({"MDPC02", "\x07", "echo", "x"}) == Errc::unsupported);
    CHECK(refused_by_broker({"MDPC02", ByteView{"\0", 1}, "echo", "x"}) == Errc::unsupported);
    CHECK(refused_by_broker({"MDPC02", "", "echo", "x"}) == Errc::unsupported);
    CHECK(refused_by_broker({"MDPC02", "\x01\x01", "echo", "x"}) == Errc::unsupported);
    CHECK(refused_by_broker({"", "MDPW01", "\x06"}) == Errc::unsupported);
    CHECK(refused_by(read_at_worker, {"MDPW02", "\x02", "peer", "x"}).code == Errc::malformed);
    CHECK(refused_by(read_at_worker, {"MDPW02", "\x02", "", "", "x"}).code == Errc::malformed);
    CHECK(refused_by(read_at_worker, {"MDPW02", "\x01", "echo"}).code == Errc::malformed);
    CHECK(refused_by(read_at_worker, {"MDPC02", "\x03", "echo", "x"}).code == Errc::malformed);
    CHECK(refused_by(read_at_client, {"MDPC02", "\x01", "echo", "x"}).code == Errc::malformed);
    CHECK(refused_by(read_at_client, {"MDPW02", "\x05"}).code == Errc::malformed);
}

TEST_CASE("dialects that nobody here speaks are refused by name") {
    for (const ByteView header : {"MDPC0X", "MDPW0X", "MDPC03", "MDPW03", "FLQ1"}) {
        const Error error = refused_by(read_at_broker, {header, "\x01", "echo", "x"});
        CHECK(error.code == Errc::unsupported);
        CHECK(error.detail.find(header) != std::string::npos);
    }
    CHECK(refused_by(read_at_broker, {"C", "x"}).detail.find("pigato") != std::string::npos);
    CHECK(refused_by_broker({"W", "x"}) == Errc::unsupported);
    CHECK(refused_by_broker({"GET / HTTP/1.1"}) == Errc::unsupported);
    CHECK(refused_by_broker({"mdpc02", "\x01", "echo", "x"}) == Errc::unsupported);
    CHECK(refused_by_broker({ByteView{"MDPC02\0", 7}, "\x01", "echo", "x"}) == Errc::unsupported);
}

TEST_CASE("of a refused message is told who has to hear of it") {
    const auto worker = read_origin_at_broker({"", "MDPW02", "\x09"});
    REQUIRE(worker);
    CHECK(worker->side == Side::worker);
    CHECK(worker->dialect == Dialect::mdp_02);
    CHECK(worker->delimited);
    CHECK(read_origin_at_broker({"", "MDPC01"})->side == Side::client);
    CHECK_FALSE(read_origin_at_broker({"MDPC0X", "\x01"}));
    CHECK_FALSE(read_origin_at_broker({}));
    CHECK(error_code(Errc::too_many) == ErrorCode::too_large);
    CHECK(error_code(Errc::unsupported) == ErrorCode::unsupported);
    CHECK(error_code(Errc::bad_option) == ErrorCode::malformed);
}

TEST_CASE("each dialect says what it has words for") {
    for (const Dialect each : {Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla}) {
        CHECK(can_say(each, Verb::request));
        CHECK(can_say(each, Verb::final));
        CHECK(can_say(each, Verb::partial) == (each != Dialect::mdp_01));
        for (const Verb verb : {Verb::error, Verb::cancel, Verb::draining, Verb::ping, Verb::pong})
            CHECK(can_say(each, verb) == (each == Dialect::flotilla));
    }
    CHECK(header(Dialect::mdp_01, Side::worker) == "MDPW01");
    CHECK(header(Dialect::mdp_02, Side::client) == "MDPC02");
    CHECK(header(Dialect::flotilla, Side::worker) == "FLR1");
}
