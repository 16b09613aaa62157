// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/codec.hpp>

#include <support/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace flotilla::queue;
using flotilla::wire::Frames;

namespace {

Put a_put() {
    Put put;
    put.queue = "orders";
    put.from = {"5f0c", 7, true};
    put.key = "customer 7";
    put.priority = 3;
    put.delay = 1500ms;
    put.ttl = 1h;
    put.message_id = "invoice/12";
    put.wait_acked = true;
    put.body = Frames{"one", "", ByteView{"\0two", 4}};
    return put;
}

Put plain_put() {
    Put put;
    put.queue = "q";
    put.body.add(ByteView{});
    return put;
}

Put told_put() {
    Put put = plain_put();
    put.tell_acked = true;
    put.acked_max = 1500ms;
    return put;
}

std::vector<Command> commands() {
    std::vector<Command> all;
    all.emplace_back(told_put());
    all.emplace_back(leased::Command{leased::Hello{"w1", "orders", 5, true, {true, true}, 9, 100}});
    all.emplace_back(leased::Command{leased::Credit{5}});
    all.emplace_back(leased::Command{leased::Ack{{7, {{12, 3}, {99, 1}}}}});
    all.emplace_back(leased::Command{leased::Nack{{7, {{12, 1}}}, 250ms, "no disk"}});
    all.emplace_back(leased::Command{leased::Touch{{7, {{12, 1}}}}});
    all.emplace_back(leased::Command{leased::Ping{}});
    all.emplace_back(leased::Command{leased::Bye{}});
    all.emplace_back(a_put());
    all.emplace_back(plain_put());
    all.emplace_back(PutPacked{"orders", {"5f0c", 1, false}, Blob::copy("not looked at here")});
    all.emplace_back(PutPacked{"orders", {}, Blob::copy("x")});
    all.emplace_back(Take{});
    all.emplace_back(Take{"orders", 1500ms});
    all.emplace_back(Create{"orders", {}, false});
    QueueProperties other;
    other.messages_max = 12;
    all.emplace_back(Create{"orders", other, true});
    all.emplace_back(Alter{"orders", {{"lease_ms", "500"}, {"attempts_max", "3"}}});
    all.emplace_back(Delete{"orders", true});
    all.emplace_back(Purge{"orders"});
    all.emplace_back(Stat{});
    all.emplace_back(Stat{"orders"});
    all.emplace_back(List{"or", "orders.1", 1000});
    all.emplace_back(Peek{"orders", true, "opaque", 20});
    all.emplace_back(Kick{"dead", 99});
    all.emplace_back(Redrive{"dead", 0});
    all.emplace_back(Redrive{"dead", 50});
    return all;
}

PutOutcome an_outcome() {
    return {40, 3, 2, 9, {{{4, leased::ErrorCode::too_large}}, {{2, 17}}}};
}

std::vector<std::pair<Asked, Event>> events() {
    std::vector<std::pair<Asked, Event>> all;
    all.emplace_back(Asked::leased, leased::Event{leased::Ok{std::nullopt, 5, 2}});
    all.emplace_back(Asked::leased, leased::Event{leased::Empty{}});
    all.emplace_back(Asked::put, leased::Event{leased::ErrorReply{leased::ErrorCode::no_queue,
                                                                  "create it", 0, 0, 0}});
    all.emplace_back(Asked::put, PutOk{});
    all.emplace_back(Asked::put, PutOk{an_outcome(), Acked::unsaid});
    all.emplace_back(Asked::put, PutOk{{7, 1, 0, 1, {}}, Acked::yes});
    all.emplace_back(Asked::put, PutOk{{7, 0, 0, 0, {}}, Acked::no});
    all.emplace_back(Asked::put, PutOk{{7, 0, 0, 0, {}}, Acked::unknown});
    all.emplace_back(Asked::put, PutOk{{7, 3, 0, 3, {}, 0}, Acked::unsaid});
    all.emplace_back(Asked::put, PutRefused{an_outcome(), leased::ErrorCode::full, "later"});
    all.emplace_back(Asked::put, PutRefused{{}, leased::ErrorCode::unknown_producer, ""});
    all.emplace_back(Asked::stat, StatReply{"name=orders\nready=5\n"});
    all.emplace_back(Asked::list, ListReply{});
    all.emplace_back(Asked::list, ListReply{{"name=a\nready=1\n", "name=b\n"}, "b"});
    PeekReply peek;
    peek.messages.push_back({7, "id=7\n", Frames{"one", ""}});
    peek.messages.push_back({8, "", Frames{ByteView{"\0", 1}}});
    peek.next = "8";
    all.emplace_back(Asked::peek, std::move(peek));
    all.emplace_back(Asked::other, Done{12});
    return all;
}

Result<Command> command_of(Frames message) {
    const auto head = leased::read_head(message, 0);
    REQUIRE(head);
    return queue::read_command(*head, message);
}

Result<Event> event_of(Asked asked, Frames message) {
    const auto head = leased::read_head(message, 0);
    REQUIRE(head);
    return read_event(*head, asked, message);
}

template <class Outcome>
Errc refusal(const Outcome& outcome) {
    REQUIRE_FALSE(outcome);
    CHECK_FALSE(outcome.error().detail.empty());
    return outcome.error().code;
}

} // namespace

TEST_CASE("codec: every command is read back as written", "[unit][queue][codec]") {
    for (const Command& command : commands()) {
        for (const auto& envelope :
             {leased::Envelope{}, leased::Envelope{true, "c-17"}, leased::Envelope{true, ""}}) {
            INFO(verb(command));
            Frames message{"routing id"};
            write(envelope, command, message);
            const auto head = leased::read_head(message, 1);
            REQUIRE(head);
            CHECK(head->envelope == envelope);
            CHECK(head->verb == verb(command));
            const auto back = queue::read_command(*head, message);
            REQUIRE(back);
            CHECK(*back == command);
        }
    }
}

TEST_CASE("codec: every answer is read back as written", "[unit][queue][codec]") {
    const auto expected = events();
    auto sent = events();
    for (std::size_t i = 0; i < sent.size(); ++i) {
        INFO(verb(expected[i].second) << ' ' << i);
        Frames message;
        write({false, "x"}, std::move(sent[i].second), message);
        const auto head = leased::read_head(message, 0);
        REQUIRE(head);
        CHECK(head->envelope.correlation == "x");
        const auto back = read_event(*head, expected[i].first, message);
        REQUIRE(back);
        CHECK(*back == expected[i].second);
    }
}

TEST_CASE("codec: the frames on the wire are those of the specification", "[unit][queue][codec]") {
    Frames put;
    write({true, "1"}, a_put(), put);
    CHECK(put == Frames{"", "FLQ1", "put", "1",
                        "queue=orders\nproducer=5f0c\nsequence=7\nmaybe_duplicate=yes\n"
                        "key=customer 7\npriority=3\ndelay_ms=1500\nttl_ms=3600000\n"
                        "message_id=invoice/12\nwait=acked\n",
                        "one", "", ByteView{"\0two", 4}});
    Frames ok;
    write({false, "1"}, PutOk{an_outcome(), Acked::unsaid}, ok);
    CHECK(ok == Frames{"FLQ1", "ok", "1", "sequence=9\naccepted=3\nfirst_id=40\nduplicates=2\n",
                       ByteView{"\1\0\0\0\2\0\0\0\0\0\0\0\x11\2\0\0\0\4\x09too_large", 28}});
}

TEST_CASE("codec: a put that somebody types needs a queue and a body", "[unit][queue][codec]") {
    const auto put = command_of({"FLQ1", "put", "1", "queue=orders", "hello"});
    REQUIRE(put);
    CHECK(std::get<Put>(*put).queue == "orders");
    CHECK(std::get<Put>(*put).body == Frames{"hello"});
    CHECK(command_of({"FLQ1", "take"}) == Command{Take{}});
    CHECK(refusal(command_of({"FLQ1", "put", "1", "queue=orders"})) == Errc::malformed);
    CHECK(refusal(command_of({"FLQ1", "put", "1", "", "hello"})) == Errc::bad_option);
    CHECK(refusal(command_of({"FLQ1", "put"})) == Errc::malformed);
    CHECK(refusal(command_of({"FLQ1", "put", "1", "queue=q\nacked_ms=5", "x"})) ==
          Errc::bad_option);
    CHECK(refusal(command_of({"FLQ1", "put", "1", "queue=q\nwait=acked\ntell=acked", "x"})) ==
          Errc::bad_option);
}

TEST_CASE("codec: what a put says must hang together", "[unit][queue][codec]") {
    const auto put = [](std::string options) {
        return command_of({"FLQ1", "put", "1", ByteView{options}, "body"});
    };
    CHECK(refusal(put("queue=q\nproducer=p")) == Errc::bad_option);
    CHECK(refusal(put("queue=q\nsequence=1")) == Errc::bad_option);
    CHECK(refusal(put("queue=q\nproducer=p\nsequence=0")) == Errc::bad_option);
    CHECK(refusal(put("queue=q\nproducer=" + std::string(65, 'p') + "\nsequence=1")) ==
          Errc::too_large);
    CHECK(refusal(put("queue=" + std::string(201, 'q'))) == Errc::too_large);
    CHECK(refusal(put("queue=q\nkey=" + std::string(256, 'k'))) == Errc::too_large);
    CHECK(refusal(put("queue=q\nmessage_id=" + std::string(256, 'i'))) == Errc::too_large);
    CHECK(refusal(put("queue=q\ndelay_ms=999999999999999")) == Errc::bad_option);
    CHECK(refusal(put("queue=q\nwait=delivered")) == Errc::bad_option);
    CHECK(refusal(put("queue=q\npacked=yes\nkey=k")) == Errc::bad_option);
    CHECK(refusal(put("queue=q\nqueue=r")) == Errc::malformed);
    CHECK(refusal(command_of({"FLQ1", "put", "1", "queue=q\npacked=yes", "a", "b"})) ==
          Errc::malformed);
    Frames many{"FLQ1", "put", "1", "queue=q"};
    for (std::size_t i = 0; i <= leased::limits::body_frames_max; ++i)
        many.add(ByteView{"f"});
    CHECK(refusal(command_of(std::move(many))) == Errc::too_many);
}

TEST_CASE("codec: operators' commands are refused with a reason", "[unit][queue][codec]") {
    CHECK(refusal(command_of({"FLQ1", "enqueue"})) == Errc::unsupported);
    CHECK(refusal(command_of({"FLQ1", "purge"})) == Errc::bad_option);
    CHECK(refusal(command_of({"FLQ1", "purge", "", "queue=q", "body"})) == Errc::malformed);
    CHECK(refusal(command_of({"FLQ1", "ls", "", "page=1001"})) == Errc::bad_option);
    CHECK(refusal(command_of({"FLQ1", "ls", "", "page=0"})) == Errc::bad_option);
    CHECK(refusal(command_of({"FLQ1", "kick", "", "queue=q"})) == Errc::bad_option);
    CHECK(refusal(command_of({"FLQ1", "delete", "", "queue=q\nif=full"})) == Errc::bad_option);
    CHECK(refusal(command_of({"FLQ1", "create", "", "queue=q\nmessages_max=0"})) ==
          Errc::bad_option);
    // A property that the store does not know would be a promise that nobody keeps.
    CHECK(refusal(command_of({"FLQ1", "create", "", "queue=q\nreplicas=3"})) == Errc::bad_option);
    // Elsewhere a newer peer's option is passed over.
    CHECK(command_of({"FLQ1", "purge", "", "queue=q\nreplicas=3"}) == Command{Purge{"q"}});
}

TEST_CASE("codec: answers that do not follow the format are refused", "[unit][queue][codec]") {
    CHECK(refusal(event_of(Asked::put, {"FLQ1", "ok", "", "", "\3\1\1\1\1"})) == Errc::malformed);
    CHECK(refusal(event_of(Asked::put, {"FLQ1", "ok", "", "", ByteView{"\1\0\0", 3}})) ==
          Errc::malformed);
    CHECK(refusal(event_of(Asked::put, {"FLQ1", "error", "", "sequence=1"})) == Errc::bad_option);
    CHECK(refusal(event_of(Asked::stat, {"FLQ1", "ok"})) == Errc::malformed);
    CHECK(refusal(event_of(Asked::peek, {"FLQ1", "ok", "", "", "short"})) == Errc::malformed);
    CHECK(refusal(event_of(Asked::other, {"FLQ1", "ok", "", "done=some"})) == Errc::bad_option);
    CHECK(refusal(event_of(Asked::other, {"FLQ1", "yes"})) == Errc::unsupported);
}

TEST_CASE("codec: what a refused put may do depends on the code", "[unit][queue][codec]") {
    using Code = leased::ErrorCode;
    for (const Code code :
         {Code::full, Code::draining, Code::out_of_order, Code::unknown_producer, Code::busy})
        CHECK(is_passing(code));
    for (const Code code : {Code::too_large, Code::not_allowed, Code::bad_option, Code::no_queue,
                            Code::malformed, Code::unknown_code})
        CHECK_FALSE(is_passing(code));
}
