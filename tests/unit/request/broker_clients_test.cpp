// SPDX-License-Identifier: Apache-2.0
//
// What clients are told: MMI, ids and repeats, partial replies, cancellation, draining and the end.
#include "broker_desk.hpp"

#include <string>

using namespace flotilla;
using namespace flotilla::request;

namespace {

std::string mmi(Desk& desk, std::string_view service, std::string_view body = "",
                Dialect dialect = Dialect::mdp_02) {
    desk.say("c", Desk::ask(service, body, dialect, dialect == Dialect::flotilla ? "m" : ""));
    const auto reply = desk.next("c", Verb::final);
    CHECK(reply.message.service == service);
    CHECK(reply.message.dialect == dialect);
    std::string all;
    for (std::size_t i = 0; i < reply.message.body.size(); ++i)
        all.append(i == 0 ? "" : "|").append(reply.message.body[i].view());
    return all;
}

} // namespace

TEST_CASE("mmi.service says 200 while a service has a worker, and 404 otherwise") {
    Desk desk;
    CHECK(mmi(desk, "mmi.service", "echo") == "404");
    desk.say("w", Desk::ready("echo"));
    for (const Dialect each : {Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla})
        CHECK(mmi(desk, "mmi.service", "echo", each) == "200");
    CHECK(mmi(desk, "mmi.service", "ech") == "404");
    CHECK(mmi(desk, "mmi.service", "") == "404");
    desk.say("w", Desk::of_worker(Verb::disconnect));
    CHECK(mmi(desk, "mmi.service", "echo") == "404");
    CHECK(desk.counters().accepted_total == 0);
    CHECK(desk.counters().mmi_total == 7);
}

TEST_CASE("any other mmi.* is 501, and mmi.flotilla tells who speaks the dialect") {
    Desk desk;
    CHECK(mmi(desk, "mmi.weather") == "501");
    CHECK(mmi(desk, "mmi.") == "501");
    CHECK(mmi(desk, "mmi.flotilla") == "200");
    desk.say("c", Desk::ask("mmix"));
    CHECK(desk.levels().queued == 1);
}

TEST_CASE("mmi.services lists services by name, with counts, from any name on") {
    Desk desk;
    desk.say("w", Desk::ready("b\xff"));
    desk.say("c", Desk::ask("a b"));
    CHECK(mmi(desk, "mmi.services") == "200|name=a%20b\nworkers=0\nwaiting=0\nqueued=1\nrunning=0\n"
                                       "|name=b%FF\nworkers=1\nwaiting=1\nqueued=0\nrunning=0\n");
    CHECK(mmi(desk, "mmi.services", "b") ==
          "200|name=b%FF\nworkers=1\nwaiting=1\nqueued=0\nrunning=0\n");
    for (int i = 0; i < 1500; ++i)
        desk.say("c", Desk::ask("s" + std::to_string(i)));
    desk.say("c", Desk::ask("mmi.services", ""));
    CHECK(desk.next("c", Verb::final).message.body.size() == 1000);
}

TEST_CASE("mmi.workers counts the workers of one service and those that wait") {
    Desk desk;
    CHECK(mmi(desk, "mmi.workers", "echo") == "404");
    desk.say("w1", Desk::ready("echo"));
    desk.say("w2", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo"));
    desk.next("w1", Verb::request);
    CHECK(mmi(desk, "mmi.workers", "echo") == "200|2|1");
}

TEST_CASE("a repeat joins what waits or runs, and the newest asker gets the answer, once") {
    Desk desk;
    desk.say("a", Desk::ask_by_id("1"));
    desk.say("b", Desk::ask_by_id("1"));
    CHECK(desk.levels().queued == 1);
    desk.say("w", Desk::ready("echo"));
    const auto request = desk.next("w", Verb::request);
    desk.say("c", Desk::ask_by_id("1"));
    CHECK(desk.quiet());
    desk.say("w", Desk::answer(request));
    desk.next("c", Verb::final);
    CHECK(desk.quiet());
    CHECK(desk.counters().joined_total == 2);
    CHECK(desk.counters().accepted_total == 1);
}

TEST_CASE("an earlier attempt that arrives last does not take the answer to where nobody listens") {
    Desk desk;
    const auto attempt = [](std::uint32_t number) {
        Message message = Desk::ask_by_id("1");
        message.attempt = number;
        return message;
    };
    desk.say("a", attempt(1), 7);
    desk.say("c", attempt(3), 9);
    desk.say("b", attempt(2), 8);
    desk.say("w", Desk::ready("echo"));
    desk.say("w", Desk::answer(desk.next("w", Verb::request)));
    desk.next("c", Verb::final);
    CHECK(desk.quiet());
    // A client that was started anew counts from 1 again, over another connection.
    desk.say("a", Desk::ask_by_id("2"), 7);
    Message later = Desk::ask_by_id("2");
    later.attempt = 4;
    desk.say("a", std::move(later), 7);
    desk.wait(1s);
    desk.connection_lost(7, desk.now);
    desk.say("new", Desk::ask_by_id("2"), 10);
    desk.say("w", Desk::answer(desk.next("w", Verb::request)));
    desk.next("new", Verb::final);
}

TEST_CASE("a repeat asks for its own time") {
    Desk desk;
    Message first = Desk::ask_by_id("1");
    first.expires = 2s;
    desk.say("a", std::move(first));
    desk.wait(1s);
    Message again = Desk::ask_by_id("1");
    again.expires = 5s;
    desk.say("a", std::move(again));
    desk.wait(4s);
    CHECK(desk.quiet());
    desk.wait(1s);
    CHECK(desk.next("a", Verb::error).message.code == ErrorCode::expired);
}

TEST_CASE("repeats do not keep a request alive beyond the service's expiry") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    desk.say("a", Desk::ask_by_id("1"));
    desk.next("w", Verb::request);
    for (int i = 0; i < 59; ++i) {
        desk.wait(1s);
        desk.say("a", Desk::ask_by_id("1"));
    }
    CHECK(desk.quiet());
    desk.wait(1s);
    CHECK(desk.next("a", Verb::error).message.code == ErrorCode::expired);
}

TEST_CASE("ids of different users are different, and one id names one service") {
    Desk desk;
    desk.say("a", Desk::ask_by_id("1"), -1, "ann");
    desk.say("b", Desk::ask_by_id("1"), -1, "bob");
    CHECK(desk.levels().queued == 2);
    desk.say("a", Desk::ask_by_id("1", "other"), -1, "ann");
    CHECK(desk.next("a", Verb::error).message.code == ErrorCode::malformed);
}

TEST_CASE("kept answers are given again, and forgotten by time, count and bytes") {
    BrokerLimits limits;
    limits.kept_answers_max = 2;
    limits.kept_bytes_max = 1000;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo", Dialect::flotilla));
    const auto done = [&](const char* id, std::string_view body) {
        desk.say("c", Desk::ask_by_id(id));
        desk.say("w", Desk::answer(desk.next("w", Verb::request), body));
        desk.next("c", Verb::final);
    };
    done("1", "one");
    done("2", "two");
    done("3", "three");
    CHECK(desk.levels().kept_answers == 2);
    desk.say("c", Desk::ask_by_id("2"));
    const auto kept = desk.next("c", Verb::final);
    CHECK(Desk::body(kept) == "two");
    CHECK(kept.message.kept);
    CHECK(desk.counters().kept_total == 1);
    done("4", std::string(1001, 'x'));
    done("5", std::string(1000 - sizeof(Blob), 'x')); // fits, but for its frame and its names
    CHECK(desk.levels().kept_answers == 2);
    for (int i = 0; i < 13; ++i) {
        desk.wait(5s);
        desk.say("w", Desk::of_worker(Verb::heartbeat, Dialect::flotilla));
    }
    CHECK(desk.levels().kept_answers == 0);
    desk.say("c", Desk::ask_by_id("2"));
    desk.next("w", Verb::request);
}

TEST_CASE("an error is kept when a worker has seen the request, and not when none has") {
    Desk desk;
    Message hopeless = Desk::ask_by_id("1");
    hopeless.expires = 1s;
    desk.say("c", std::move(hopeless));
    desk.wait(1s);
    desk.next("c", Verb::error);
    desk.say("w", Desk::ready("echo", Dialect::flotilla));
    desk.say("c", Desk::ask_by_id("1"));
    const auto request = desk.next("w", Verb::request); // tried anew
    desk.say("w", Desk::error(request, ErrorCode::worker_failed));
    desk.next("c", Verb::error);
    desk.say("c", Desk::ask_by_id("1"));
    const auto kept = desk.next("c", Verb::error);
    CHECK(kept.message.kept);
    CHECK(kept.message.code == ErrorCode::worker_failed);
    CHECK(desk.quiet());
}

TEST_CASE("partial replies are numbered within their attempt") {
    BrokerLimits limits;
    limits.service.requeue = true;
    Desk desk(limits);
    desk.say("w1", Desk::ready("echo"));
    desk.say("c", Desk::ask_by_id("1"));
    auto request = desk.next("w1", Verb::request);
    desk.say("w1", Desk::answer(request, "a", Verb::partial));
    desk.say("w1", Desk::answer(request, "b", Verb::partial));
    CHECK(desk.next("c", Verb::partial).message.part == 0);
    CHECK(desk.next("c", Verb::partial).message.part == 1);
    desk.gone("w1");
    desk.say("w2", Desk::ready("echo"));
    request = desk.next("w2", Verb::request);
    desk.say("w2", Desk::answer(request, "a", Verb::partial));
    const auto partial = desk.next("c", Verb::partial);
    CHECK(partial.message.part == 0);
    CHECK(partial.message.attempt == 2);
    desk.say("w2", Desk::answer(request, "end"));
    CHECK(desk.next("c", Verb::final).message.attempt == 2);
}

TEST_CASE("an 0.1 client gets the final only, and partials for it are counted") {
    Desk desk;
    desk.say("w", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo", "x", Dialect::mdp_01));
    const auto request = desk.next("w", Verb::request);
    desk.say("w", Desk::answer(request, "a", Verb::partial));
    CHECK(desk.quiet());
    CHECK(desk.counters().partials_dropped_total == 1);
    desk.say("w", Desk::answer(request, "end"));
    CHECK(Desk::body(desk.next("c", Verb::final)) == "end");
}

TEST_CASE("cancel ends a waiting request, and tells the worker of a running one") {
    Desk desk;
    const auto cancel = [](const char* id) {
        Message message = Desk::ask_by_id(id);
        message.verb = Verb::cancel;
        message.body.clear();
        return message;
    };
    desk.say("c", Desk::ask_by_id("1"));
    desk.say("c", cancel("1"));
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::cancelled);
    CHECK(desk.levels().queued == 0);
    desk.say("w", Desk::ready("echo", Dialect::flotilla));
    desk.say("c", Desk::ask_by_id("2"));
    const auto request = desk.next("w", Verb::request);
    desk.say("c", cancel("2"));
    desk.next("c", Verb::error);
    CHECK(desk.next("w", Verb::cancel).message.address == request.message.address);
    desk.say("w", Desk::error(request, ErrorCode::worker_failed));
    CHECK(desk.quiet());
    CHECK(desk.levels().workers_waiting == 1);
    CHECK(desk.counters().dropped_total == 2);
    desk.say("c", cancel("3"));
    CHECK(desk.quiet());
}

TEST_CASE("a ping is answered in its own words") {
    Desk desk;
    Message ping = Desk::ask_by_id("corr");
    ping.verb = Verb::ping;
    ping.body.clear();
    ping.delimited = true;
    desk.say("c", std::move(ping));
    const auto pong = desk.next("c", Verb::pong);
    CHECK(pong.message.id == "corr");
    CHECK(pong.message.delimited);
}

TEST_CASE("a draining broker accepts nothing more and serves what it has") {
    Desk desk;
    desk.say("c", Desk::ask_by_id("1"));
    desk.machine.drain();
    desk.say("c", Desk::ask_by_id("2"));
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::draining);
    desk.say("c", Desk::ask_by_id("1")); // a repeat of what was accepted
    CHECK(desk.counters().joined_total == 1);
    desk.say("w", Desk::ready("echo"));
    desk.say("w", Desk::answer(desk.next("w", Verb::request)));
    desk.next("c", Verb::final);
    CHECK(mmi(desk, "mmi.service", "echo") == "200");
}

TEST_CASE("a stop tells everybody who can be told, and leaves nothing") {
    Desk desk;
    desk.say("w1", Desk::ready("echo"));
    desk.say("w2", Desk::ready("other", Dialect::flotilla));
    desk.say("c1", Desk::ask_by_id("1"));
    desk.say("c2", Desk::ask_by_id("2"));
    desk.say("c3", Desk::ask("other"));
    desk.next("w1", Verb::request);
    desk.next("w2", Verb::request);
    desk.machine.stop(desk.out);
    desk.collect();
    int errors = 0;
    int disconnects = 0;
    while (!desk.quiet()) {
        const auto send = desk.next();
        errors += send.message.verb == Verb::error ? 1 : 0;
        disconnects += send.message.verb == Verb::disconnect ? 1 : 0;
    }
    CHECK(errors == 2);
    CHECK(disconnects == 2);
    CHECK(desk.levels().queued + desk.levels().running == 0);
    CHECK(desk.levels().workers == 0);
    desk.say("c", Desk::ask("echo"));
    CHECK(desk.quiet());
    CHECK(desk.machine.next_deadline() == never);
}
