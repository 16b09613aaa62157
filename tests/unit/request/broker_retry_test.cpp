// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a request that its worker gives back with `retry`.
#include "broker_desk.hpp"

#include <string>

using namespace flotilla;
using namespace flotilla::request;

namespace {

Message retry(const Desk::Send& request) {
    return Desk::error(request, ErrorCode::retry);
}

} // namespace

TEST_CASE("a lone worker that says retry is given the request again after pauses that double") {
    BrokerLimits limits;
    limits.heartbeat = 1h; // so that it may be silent
    Desk desk(limits);
    desk.say("w", Desk::ready("echo", Dialect::flotilla));
    desk.say("c", Desk::ask_by_id("1"));
    for (const Duration pause : {1s, 2s, 4s, 8s}) {
        desk.say("w", retry(desk.next("w", Verb::request)));
        CHECK(desk.levels().queued == 1);
        CHECK(desk.machine.services()[0].queued == 1);
        desk.wait(pause - 1ms);
        CHECK(desk.quiet());
        desk.wait(1ms);
    }
    desk.say("w", retry(desk.next("w", Verb::request)));
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::worker_failed);
    CHECK(desk.levels().queued == 0);
}

TEST_CASE("a worker that said retry is given other requests during the pause") {
    Desk desk;
    desk.say("w", Desk::ready("echo", Dialect::flotilla));
    desk.say("c", Desk::ask_by_id("1"));
    desk.say("c", Desk::ask_by_id("2"));
    desk.say("w", retry(desk.next("w", Verb::request)));
    const auto second = desk.next("w", Verb::request);
    CHECK(second.message.id == "2");
    desk.wait(1s);
    desk.say("c", Desk::ask_by_id("3"));
    desk.say("w", Desk::answer(second));
    desk.next("c", Verb::final);
    CHECK(desk.next("w", Verb::request).message.id == "1"); // in front
}

TEST_CASE("another worker is better than the one that said retry, however busy it is") {
    Desk desk;
    desk.say("w1", Desk::ready("echo", Dialect::flotilla, 2));
    desk.say("w2", Desk::ready("echo", Dialect::flotilla, 4));
    for (const char* id : {"1", "2", "3", "4"})
        desk.say("c", Desk::ask_by_id(id));
    const auto first = desk.next("w1", Verb::request);
    desk.next("w2", Verb::request);
    desk.next("w1", Verb::request);
    desk.next("w2", Verb::request);
    desk.say("w1", retry(first)); // holds less than the other now
    CHECK(desk.next("w2", Verb::request).message.id == "1");
}

TEST_CASE("requests whose pauses end together are given out in the order of their acceptance") {
    Desk desk;
    desk.say("w", Desk::ready("echo", Dialect::flotilla, 3));
    for (const char* id : {"1", "2", "3"}) {
        desk.say("c", Desk::ask_by_id(id));
        desk.now += 1ms;
    }
    const auto first = desk.next("w", Verb::request);
    const auto second = desk.next("w", Verb::request);
    desk.say("w", retry(second));
    desk.say("w", retry(desk.next("w", Verb::request)));
    desk.say("w", retry(first));
    desk.wait(1s);
    for (const char* id : {"1", "2", "3"})
        CHECK(desk.next("w", Verb::request).message.id == id);
}

TEST_CASE("a paused request expires, is cancelled and is ended by a stop like any other") {
    BrokerLimits limits;
    limits.service.expiry = 500ms;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo", Dialect::flotilla, 3));
    desk.say("c", Desk::ask_by_id("1"));
    desk.say("w", retry(desk.next("w", Verb::request)));
    desk.wait(500ms);
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::expired);
    desk.say("c", Desk::ask_by_id("2"));
    desk.say("w", retry(desk.next("w", Verb::request)));
    Message cancel;
    cancel.dialect = Dialect::flotilla;
    cancel.side = Side::client;
    cancel.verb = Verb::cancel;
    cancel.id = "2";
    desk.say("c", std::move(cancel));
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::cancelled);
    desk.say("c", Desk::ask_by_id("3"));
    desk.say("w", retry(desk.next("w", Verb::request)));
    desk.say("w", Desk::of_worker(Verb::disconnect, Dialect::flotilla));
    CHECK(desk.levels().services == 1); // what is paused needs it
    desk.machine.stop(desk.out);
    CHECK(desk.levels().queued == 0);
}
