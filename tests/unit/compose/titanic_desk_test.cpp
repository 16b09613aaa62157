// SPDX-License-Identifier: Apache-2.0
#include <flotilla/compose/titanic_desk.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::compose;
using State = TitanicDesk::State;
using Tried = TitanicDesk::Tried;

namespace {

queue::Message message(queue::MessageId id, wire::Frames body) {
    queue::Message out;
    out.id = id;
    out.body = std::move(body);
    out.lease = {1, id};
    return out;
}

struct Bench {
    TitanicDesk desk{{}, 7};
    Instant now{1h};
    std::string id = desk.new_id();

    void request(queue::MessageId number = 1) {
        REQUIRE(desk.add_request(message(number, {ByteView{id}, "echo", "hello"}), now));
    }
    void reply(queue::MessageId number = 1) {
        REQUIRE(desk.add_reply(message(number, {ByteView{id}, "HELLO"})));
    }
};

} // namespace

TEST_CASE("titanic: ids are 32 hexadecimal digits", "[unit][compose]") {
    CHECK(is_titanic_id("0123456789abcdef0123456789abcdef"));
    CHECK_FALSE(is_titanic_id("0123456789ABCDEF0123456789abcdef"));
    CHECK_FALSE(is_titanic_id("0123456789abcdef0123456789abcde"));
    CHECK_FALSE(is_titanic_id("../../../../../../../etc/passwd."));
    CHECK_FALSE(is_titanic_id(""));
    TitanicDesk desk({}, 1);
    CHECK(is_titanic_id(desk.new_id()));
    CHECK(desk.new_id() != desk.new_id());
}

TEST_CASE("titanic: a call is pending, tried by one, answered, kept and closed",
          "[unit][compose]") {
    Bench bench;
    TitanicDesk& desk = bench.desk;
    CHECK(desk.state(bench.id) == State::unknown);
    desk.asked(bench.id);
    CHECK(desk.state(bench.id) == State::pending);
    CHECK_FALSE(desk.next(bench.now)); // not in the queue yet
    bench.request();
    const auto call = desk.next(bench.now);
    REQUIRE(call);
    CHECK(call->service == "echo");
    CHECK(call->body == wire::Frames{"hello"});
    CHECK_FALSE(desk.next(bench.now));
    desk.tried(bench.id, Tried::answered, bench.now);
    CHECK(desk.take_done_requests().size() == 1);
    CHECK(desk.state(bench.id) == State::pending); // until the reply was seen in its queue
    bench.reply();
    CHECK(desk.state(bench.id) == State::done);
    CHECK(desk.reply(bench.id) == wire::Frames{"HELLO"});
    CHECK(desk.reply(bench.id) == wire::Frames{"HELLO"}); // asking deletes nothing
    CHECK(desk.take_done_replies().empty());
    desk.close(bench.id);
    desk.close(bench.id);
    CHECK(desk.state(bench.id) == State::unknown);
    CHECK(desk.take_done_replies().size() == 1);
    CHECK(desk.pending() + desk.kept() == 0);
}

TEST_CASE("titanic: a try that failed is made again after a pause", "[unit][compose]") {
    Bench bench;
    bench.request();
    Duration last{0};
    for (std::uint32_t i = 0; i < 4; ++i) {
        const auto call = bench.desk.next(bench.now);
        REQUIRE(call);
        CHECK(call->failures == i);
        bench.desk.tried(bench.id, Tried::failed, bench.now);
        CHECK_FALSE(bench.desk.next(bench.now));
        const Duration pause = bench.desk.next_deadline() - bench.now;
        CHECK(pause > last);
        last = pause;
        bench.now = bench.desk.next_deadline();
    }
    CHECK(bench.desk.take_done_requests().empty());
}

TEST_CASE("titanic: after a restart a reply that is there answers its request", "[unit][compose]") {
    for (const bool reply_first : {false, true}) {
        Bench bench;
        if (reply_first)
            bench.reply();
        bench.request();
        if (!reply_first)
            bench.reply();
        CHECK_FALSE(bench.desk.next(bench.now));
        CHECK(bench.desk.take_done_requests().size() == 1);
        CHECK(bench.desk.state(bench.id) == State::done);
    }
}

TEST_CASE("titanic: a delivery that comes again replaces the first, unacknowledged",
          "[unit][compose]") {
    Bench bench;
    bench.request();
    bench.request();
    CHECK(bench.desk.take_done_requests().empty());
    bench.reply(5);
    bench.reply(5);
    CHECK(bench.desk.take_done_replies().empty());
    CHECK(bench.desk.kept() == 1);
    // Another reply to the same call is one too many.
    CHECK_FALSE(bench.desk.add_reply(message(6, {ByteView{bench.id}, "again"})));
}

TEST_CASE("titanic: what is closed while it is tried is dropped at its end", "[unit][compose]") {
    for (const Tried how : {Tried::failed, Tried::answered, Tried::dropped}) {
        Bench bench;
        bench.request();
        REQUIRE(bench.desk.next(bench.now));
        bench.desk.close(bench.id);
        CHECK(bench.desk.take_done_requests().size() == 1);
        CHECK_FALSE(bench.desk.is_wanted(bench.id));
        bench.desk.tried(bench.id, how, bench.now);
        if (how == Tried::answered) {
            bench.reply();
            CHECK(bench.desk.take_done_replies().size() == 1);
        }
        CHECK(bench.desk.state(bench.id) == State::unknown);
        CHECK(bench.desk.pending() + bench.desk.kept() == 0);
        CHECK_FALSE(bench.desk.next(bench.now + 1h));
    }
}

TEST_CASE("titanic: what is closed while it is on its way is dropped when it comes",
          "[unit][compose]") {
    Bench bench;
    bench.desk.asked(bench.id); // answered 200, and not delivered from its queue yet
    bench.desk.close(bench.id);
    CHECK(bench.desk.state(bench.id) == State::unknown);
    bench.request();
    CHECK(bench.desk.take_done_requests().size() == 1);
    CHECK_FALSE(bench.desk.next(bench.now));
    CHECK(bench.desk.pending() == 0);

    Bench answered;
    answered.request();
    REQUIRE(answered.desk.next(answered.now));
    answered.desk.tried(answered.id, Tried::answered, answered.now);
    answered.desk.close(answered.id);
    answered.reply();
    CHECK(answered.desk.take_done_replies().size() == 1);
    CHECK(answered.desk.state(answered.id) == State::unknown);
    CHECK(answered.desk.pending() + answered.desk.kept() == 0);
}

TEST_CASE("titanic: a request that comes again is not tried again while its reply is coming",
          "[unit][compose]") {
    Bench bench;
    bench.request();
    REQUIRE(bench.desk.next(bench.now));
    bench.desk.tried(bench.id, Tried::answered, bench.now);
    CHECK(bench.desk.take_done_requests().size() == 1);
    bench.request(); // that acknowledgement was lost with the store
    CHECK_FALSE(bench.desk.next(bench.now));
    CHECK(bench.desk.take_done_requests().size() == 1);
    bench.reply();
    CHECK(bench.desk.state(bench.id) == State::done);
}

TEST_CASE("titanic: a request that was given up is dropped when it arrives", "[unit][compose]") {
    Bench bench;
    bench.desk.asked(bench.id);
    bench.desk.given_up(bench.id);
    CHECK(bench.desk.state(bench.id) == State::unknown);
    CHECK(bench.desk.pending() == 1); // remembered until it comes
    bench.request();
    CHECK(bench.desk.take_done_requests().size() == 1);
    CHECK_FALSE(bench.desk.next(bench.now));
    CHECK(bench.desk.pending() == 0);
}

TEST_CASE("titanic: of a request that the store refused nothing is left", "[unit][compose]") {
    Bench bench;
    bench.desk.asked(bench.id);
    bench.desk.not_asked(bench.id);
    CHECK(bench.desk.pending() == 0);
    bench.desk.given_up(bench.id); // its asker learns of it too
    CHECK(bench.desk.pending() == 0);
    CHECK(bench.desk.state(bench.id) == State::unknown);
}

TEST_CASE("titanic: a request that was given up is forgotten when it is refused at last",
          "[unit][compose]") {
    Bench bench;
    bench.desk.asked(bench.id);
    bench.desk.given_up(bench.id);
    CHECK(bench.desk.pending() == 1); // it may still come
    bench.desk.not_asked(bench.id);
    CHECK(bench.desk.pending() == 0);
    CHECK(bench.desk.state(bench.id) == State::unknown);
}

TEST_CASE("titanic: a reply put twice, closed before the second was confirmed, leaves nothing",
          "[unit][compose]") {
    Bench bench;
    bench.request();
    REQUIRE(bench.desk.next(bench.now));
    bench.desk.tried(bench.id, Tried::failed, bench.now); // its confirm did not come in time
    bench.now = bench.desk.next_deadline();
    REQUIRE(bench.desk.next(bench.now));
    bench.reply(); // that of the first try
    bench.desk.close(bench.id);
    CHECK(bench.desk.take_done_replies().size() == 1);
    bench.desk.tried(bench.id, Tried::answered, bench.now); // a duplicate of the first
    CHECK(bench.desk.pending() + bench.desk.kept() == 0);
}

TEST_CASE("titanic: messages that are no calls are handed back", "[unit][compose]") {
    Bench bench;
    CHECK_FALSE(bench.desk.add_request(message(1, {"short", "echo"}), bench.now));
    CHECK_FALSE(bench.desk.add_request(message(1, {ByteView{bench.id}}), bench.now));
    CHECK_FALSE(bench.desk.add_reply(message(1, {"short", "echo"})));
    bench.desk.tried("nobody", Tried::failed, bench.now);
    bench.desk.close("nobody");
}
