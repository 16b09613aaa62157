// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/leased.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::wire;
using namespace flotilla::wire::leased;

namespace {

Leases leases(std::uint64_t epoch, std::vector<LeaseRange> ranges) {
    return {epoch, std::move(ranges)};
}

std::vector<Command> commands() {
    std::vector<Command> all;
    all.emplace_back(Hello{});
    all.emplace_back(Hello{"w1", "orders", 5, true, {true, true}, 0xfeed, 100});
    all.emplace_back(Hello{"", "", 1, false, {}, 9, {}, Held{0xfeed, {}}});
    all.emplace_back(Hello{"", "", 1, false, {}, 9, {}, Held{7, {{1, 1}, {3, 9}, {11, ~0ULL}}}});
    all.emplace_back(Credit{0});
    all.emplace_back(Credit{limits::credit_max});
    all.emplace_back(Take{});
    all.emplace_back(Take{1500ms});
    all.emplace_back(Take{0ms, "orders"});
    all.emplace_back(Ack{leases(7, {{12, 1}})});
    all.emplace_back(Ack{leases(7, {{12, 3}, {99, 1}})});
    all.emplace_back(Nack{leases(7, {{12, 1}}), 250ms, "no disk"});
    all.emplace_back(Nack{leases(7, {{12, 2}}), 0ms, ""});
    all.emplace_back(Touch{leases(~std::uint64_t{0}, {{~std::uint64_t{0}, 1}})});
    all.emplace_back(Ping{});
    all.emplace_back(Ping{9});
    all.emplace_back(Pong{});
    all.emplace_back(Bye{});
    return all;
}

Deliver a_deliver() {
    Deliver deliver;
    deliver.lease = {0xabc, 42};
    deliver.id = 1001;
    deliver.attempt = 3;
    deliver.redelivered = Redelivered::yes;
    deliver.lease_time = 30s;
    deliver.key = "customer 7";
    deliver.body = Frames{"one", "", ByteView{"\0two", 4}};
    return deliver;
}

std::vector<Event> events() {
    std::vector<Event> all;
    all.emplace_back(Ok{});
    all.emplace_back(Ok{Terms{1, 2, 1s, 30s, 1 << 20, 1000}, 0, 0});
    all.emplace_back(Ok{std::nullopt, 5, 2});
    all.emplace_back(a_deliver());
    all.emplace_back(DeliverPacked{30s, Blob::copy("not looked at here")});
    all.emplace_back(Empty{});
    all.emplace_back(ErrorReply{ErrorCode::lease_lost, "forget it", 1, 1, 2});
    all.emplace_back(Ping{});
    all.emplace_back(Pong{});
    all.emplace_back(Bye{});
    return all;
}

Result<Command> command_of(Frames message) {
    const auto head = read_head(message, 0);
    if (!head)
        return fail(head.error());
    return read_command(*head, message);
}

Result<Event> event_of(Frames message) {
    const auto head = read_head(message, 0);
    if (!head)
        return fail(head.error());
    return read_event(*head, message);
}

template <class Outcome>
Errc leased_refusal(const Outcome& outcome) {
    REQUIRE_FALSE(outcome);
    CHECK_FALSE(outcome.error().detail.empty());
    return outcome.error().code;
}

} // namespace

TEST_CASE("leased: every command is read back as written", "[unit][wire][leased]") {
    for (const Command& command : commands()) {
        for (const leased::Envelope& envelope :
             {leased::Envelope{}, leased::Envelope{true, "c-17"}, leased::Envelope{true, ""}}) {
            INFO(verb(command));
            Frames message{"routing id"};
            write(envelope, command, message);
            const auto head = read_head(message, 1);
            REQUIRE(head);
            CHECK(head->envelope == envelope);
            CHECK(head->verb == verb(command));
            const auto back = read_command(*head, message);
            REQUIRE(back);
            CHECK(*back == command);
        }
    }
}

TEST_CASE("leased: every event is read back as written", "[unit][wire][leased]") {
    const std::vector<Event> expected = events();
    std::vector<Event> sent = events();
    for (std::size_t i = 0; i < sent.size(); ++i) {
        INFO(verb(expected[i]));
        Frames message;
        write(leased::Envelope{false, "x"}, std::move(sent[i]), message);
        const auto head = read_head(message, 0);
        REQUIRE(head);
        CHECK(head->envelope.correlation == "x");
        const auto back = read_event(*head, message);
        REQUIRE(back);
        CHECK(*back == expected[i]);
    }
}

TEST_CASE("leased: empty last frames may be left out", "[unit][wire][leased]") {
    CHECK(command_of({"FLQ1", "take"}) == Command{Take{}});
    CHECK(command_of({"FLQ1", "take", "7"}) == Command{Take{}});
    CHECK(command_of({"", "FLQ1", "take", "7", "wait_ms=10"}) == Command{Take{10ms}});
    CHECK(event_of({"FLQ1", "ok"}) == Event{Ok{}});
}

TEST_CASE("leased: unknown options are ignored", "[unit][wire][leased]") {
    CHECK(command_of({"FLQ1", "take", "", "future=1\nwait_ms=10"}) == Command{Take{10ms}});
    CHECK(command_of({"FLQ1", "hello", "", "compress=brotli,lz4"}) ==
          Command{Hello{"", "", 1, false, {true, false}, 0, {}}});
}

TEST_CASE("leased: the frames on the wire are those of the specification", "[unit][wire][leased]") {
    Frames message;
    write(leased::Envelope{true, "1"}, Command{Ack{leases(0x1f, {{7, 1}})}}, message);
    CHECK(message == Frames{"", "FLQ1", "ack", "1", "lease=000000000000001f-7\n"});
    Frames packed;
    write(leased::Envelope{}, Command{Ack{leases(0x1f, {{7, 2}})}}, packed);
    CHECK(packed == Frames{"FLQ1", "ack", "", "",
                           ByteView{"\0\0\0\0\0\0\0\x1f\0\0\0\0\0\0\0\7\0\0\0\2", 20}});
    Frames deliver;
    write(leased::Envelope{}, Event{a_deliver()}, deliver);
    CHECK(deliver == Frames{"FLQ1", "deliver", "",
                            "lease=0000000000000abc-42\nid=1001\nattempt=3\nredelivered=yes\n"
                            "lease_ms=30000\nkey=customer 7\n",
                            "one", "", ByteView{"\0two", 4}});
}

TEST_CASE("leased: what is not this protocol is refused with a reason", "[unit][wire][leased]") {
    CHECK(leased_refusal(command_of({})) == Errc::malformed);
    CHECK(leased_refusal(command_of({""})) == Errc::malformed);
    CHECK(leased_refusal(command_of({"", ""})) == Errc::malformed);
    CHECK(leased_refusal(command_of({"GET / HTTP/1.1"})) == Errc::malformed);
    CHECK(leased_refusal(command_of({"FLQ1"})) == Errc::malformed);
    CHECK(leased_refusal(command_of({"", "FLQ1"})) == Errc::malformed);
    CHECK(leased_refusal(command_of({"FLQ2", "take"})) == Errc::unsupported);
    CHECK(leased_refusal(command_of({"FLQ1", "steal"})) == Errc::unsupported);
    CHECK(leased_refusal(command_of({"FLQ1", "TAKE"})) == Errc::unsupported);
    CHECK(leased_refusal(command_of({"FLQ1", std::string(17, 'v')})) == Errc::unsupported);
    CHECK(leased_refusal(command_of({"FLQ1", "take", std::string(65, 'c')})) == Errc::too_large);
    CHECK(command_of({"FLQ1", "take", std::string(64, 'c')}));
    CHECK(leased_refusal(command_of({"FLQ1", "ok"})) == Errc::unsupported);
    CHECK(leased_refusal(event_of({"FLQ1", "ack"})) == Errc::unsupported);
}

TEST_CASE("leased: commands out of their limits are refused", "[unit][wire][leased]") {
    const std::string long_name(limits::name_bytes_max + 1, 'n');
    CHECK(leased_refusal(command_of({"FLQ1", "hello", "", "weight=0"})) == Errc::bad_option);
    CHECK(leased_refusal(command_of({"FLQ1", "hello", "", "weight=1001"})) == Errc::bad_option);
    CHECK(leased_refusal(command_of({"FLQ1", "hello", "", "packed=maybe"})) == Errc::bad_option);
    CHECK(leased_refusal(command_of({"FLQ1", "hello", "", "worker=" + long_name})) ==
          Errc::too_large);
    CHECK(leased_refusal(command_of({"FLQ1", "hello", "", "resume=xx"})) == Errc::bad_option);
    for (const std::string held :
         {"", "x", "7,", "7,x", "7;1", "7,2,1", "7,1,1", "7,5-4", "7,5-5", "7,1-3,3", "7,-1",
          "7,1-", "7,18446744073709551616", "10000000000000000"})
        CHECK(leased_refusal(command_of({"FLQ1", "hello", "", "held=" + held})) ==
              Errc::bad_option);
    CHECK(leased_refusal(command_of({"FLQ1", "credit"})) == Errc::bad_option);
    CHECK(leased_refusal(command_of({"FLQ1", "credit", "", "credit=1000001"})) == Errc::bad_option);
    CHECK(leased_refusal(command_of({"FLQ1", "credit", "", "credit=18446744073709551616"})) ==
          Errc::bad_option);
    CHECK(leased_refusal(command_of({"FLQ1", "take", "", "wait_ms=3600001"})) == Errc::bad_option);
    CHECK(leased_refusal(command_of({"FLQ1", "take", "", "", "a body"})) == Errc::malformed);
    CHECK(leased_refusal(
              command_of({"FLQ1", "nack", "", "lease=0000000000000001-1\ndelay_ms=3600001"})) ==
          Errc::bad_option);
    CHECK(leased_refusal(
              command_of({"FLQ1", "nack", "", "lease=0000000000000001-1\nreason=" + long_name})) ==
          Errc::too_large);
}

TEST_CASE("leased: what is held may be named by more than it is, never by less",
          "[unit][wire][leased]") {
    const Held few = held_of(7, {9, 3, 4, 12, 3});
    CHECK(few == Held{7, {{3, 4}, {9, 9}, {12, 12}}});
    CHECK(to_text(few) == "0000000000000007,3-4,9,12");
    for (const std::uint64_t number : {2U, 5U, 8U, 10U, 11U, 13U})
        CHECK_FALSE(few.has(number));
    CHECK_FALSE(Held{}.has(0));

    std::vector<std::uint64_t> numbers;
    for (std::uint64_t i = 0; i < 2 * limits::held_ranges_max; ++i)
        numbers.push_back(~std::uint64_t{0} - 3 * i);
    const Held many = held_of(~std::uint64_t{0}, numbers);
    CHECK(many.ranges.size() == limits::held_ranges_max);
    for (const std::uint64_t number : numbers)
        CHECK(many.has(number));
    const std::string longest(limits::name_bytes_max, 'n');
    Frames message;
    write({},
          Command{Hello{longest,
                        longest,
                        limits::weight_max,
                        true,
                        {true, true},
                        ~0ULL,
                        limits::credit_max,
                        many}},
          message);
    CHECK(message[3].size() <= limits::options_bytes_max);
}

TEST_CASE("leased: leases given wrongly are refused", "[unit][wire][leased]") {
    CHECK(leased_refusal(command_of({"FLQ1", "ack"})) == Errc::bad_option);
    for (const char* token :
         {"", "1-1", "000000000000000g-1", "0000000000000001-", "0000000000000001-x",
          "0000000000000001x1", "0000000000000001-99999999999999999999", "0000000000000001-1 "}) {
        INFO(token);
        const std::string option = std::string("lease=") + token;
        CHECK(leased_refusal(command_of({"FLQ1", "ack", "", option})) == Errc::malformed);
    }
    CHECK(leased_refusal(
              command_of({"FLQ1", "ack", "", "lease=0000000000000001-1,0000000000000002-2"})) ==
          Errc::malformed);
    std::string list = "lease=0000000000000001-0";
    for (std::size_t i = 1; i < limits::lease_texts_max; ++i)
        list += ",0000000000000001-" + std::to_string(i);
    const auto most = command_of({"FLQ1", "ack", "", list});
    REQUIRE(most);
    CHECK(std::get<Ack>(*most).leases == leases(1, {{0, 64}}));
    CHECK(leased_refusal(command_of({"FLQ1", "ack", "", list + ",0000000000000001-64"})) ==
          Errc::too_many);
    CHECK(leased_refusal(command_of({"FLQ1", "ack", "", "lease=0000000000000001-1", "body"})) ==
          Errc::malformed);
    const std::string two = pack_leases(leases(1, {{1, 1}}));
    CHECK(leased_refusal(command_of({"FLQ1", "ack", "", "", two, "more"})) == Errc::malformed);
}

TEST_CASE("leased: packed leases are bounded", "[unit][wire][leased]") {
    CHECK(leased_refusal(read_leases("")) == Errc::malformed);
    CHECK(leased_refusal(read_leases(ByteView{"\0\0\0\0\0\0\0\1", 8})) == Errc::malformed);
    const std::string good = pack_leases(leases(1, {{5, 2}}));
    CHECK(read_leases(good) == leases(1, {{5, 2}}));
    CHECK(leased_refusal(read_leases(ByteView{good}.substr(0, 19))) == Errc::malformed);
    CHECK(leased_refusal(read_leases(pack_leases(leases(1, {{5, 0}})))) == Errc::malformed);
    CHECK(leased_refusal(read_leases(pack_leases(leases(1, {{~std::uint64_t{0}, 2}})))) ==
          Errc::malformed);
    CHECK(read_leases(pack_leases(leases(1, {{0, 1'000'000}}))));
    CHECK(leased_refusal(read_leases(pack_leases(leases(1, {{0, 1'000'001}})))) == Errc::too_many);
    CHECK(leased_refusal(read_leases(pack_leases(leases(1, {{0, 0xffffffff}, {0, 0xffffffff}})))) ==
          Errc::too_many);
    std::vector<LeaseRange> many(limits::lease_ranges_max, LeaseRange{3, 1});
    std::string bytes = pack_leases(leases(1, many));
    CHECK(read_leases(bytes));
    bytes.append(bytes.end() - 12, bytes.end());
    CHECK(leased_refusal(read_leases(bytes)) == Errc::too_many);
}

TEST_CASE("leased: events out of their limits are refused", "[unit][wire][leased]") {
    const std::string token = "lease=0000000000000001-1\n";
    CHECK(event_of({"FLQ1", "deliver", "", token + "id=1\nredelivered=no", "x"}));
    CHECK(leased_refusal(event_of({"FLQ1", "deliver", "", token + "id=1\nredelivered=no"})) ==
          Errc::malformed);
    CHECK(leased_refusal(event_of({"FLQ1", "deliver", "", token + "redelivered=no", "x"})) ==
          Errc::bad_option);
    CHECK(leased_refusal(event_of({"FLQ1", "deliver", "", "id=1\nredelivered=no", "x"})) ==
          Errc::malformed);
    CHECK(leased_refusal(event_of({"FLQ1", "deliver", "", token + "id=1", "x"})) ==
          Errc::bad_option);
    CHECK(leased_refusal(event_of({"FLQ1", "deliver", "", token + "id=1\nredelivered=no\nattempt=0",
                                   "x"})) == Errc::bad_option);
    CHECK(leased_refusal(event_of({"FLQ1", "deliver", "", "packed=yes", "a", "b"})) ==
          Errc::malformed);
    CHECK(leased_refusal(event_of({"FLQ1", "error"})) == Errc::bad_option);
    CHECK(leased_refusal(event_of({"FLQ1", "pong", "", "", "body"})) == Errc::malformed);
    Frames many{"FLQ1", "deliver", "", token + "id=1\nredelivered=no"};
    for (std::size_t i = 0; i <= limits::body_frames_max; ++i)
        many.add(ByteView{"f"});
    CHECK(leased_refusal(event_of(std::move(many))) == Errc::too_many);
}

TEST_CASE("leased: error codes have stable names, newer ones are unknown", "[unit][wire][leased]") {
    for (const ErrorCode code :
         {ErrorCode::malformed, ErrorCode::unsupported, ErrorCode::bad_option, ErrorCode::too_large,
          ErrorCode::too_many, ErrorCode::no_session, ErrorCode::lease_lost, ErrorCode::busy,
          ErrorCode::draining, ErrorCode::not_allowed, ErrorCode::full, ErrorCode::out_of_order,
          ErrorCode::unknown_producer, ErrorCode::no_queue, ErrorCode::exists, ErrorCode::not_empty,
          ErrorCode::not_found})
        CHECK(error_code_named(name(code)) == code);
    CHECK(error_code_named("out_of_bounds") == ErrorCode::unknown_code);
    const auto newer = event_of({"FLQ1", "error", "", "code=out_of_bounds\ntext=resend"});
    REQUIRE(newer);
    CHECK(std::get<ErrorReply>(*newer).text == "resend");
}

TEST_CASE("leased: a long error text is cut to fit", "[unit][wire][leased]") {
    Frames message;
    write({}, Event{ErrorReply{ErrorCode::malformed, std::string(9000, 'x'), 0, 0, 0}}, message);
    CHECK(event_of(std::move(message)));
}
