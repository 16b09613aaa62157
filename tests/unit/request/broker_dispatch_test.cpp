// SPDX-License-Identifier: Apache-2.0
//
// Who is given which request, in what order, and what becomes of it when its worker does not
// answer.
#include "broker_desk.hpp"

#include <set>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;

namespace {

BrokerLimits requeueing() {
    BrokerLimits limits;
    limits.service.requeue = true;
    return limits;
}

} // namespace

TEST_CASE("the worker that waits longest is given the next request") {
    Desk desk;
    for (const char* each : {"w1", "w2", "w3"})
        desk.say(each, Desk::ready("echo"));
    desk.say("c", Desk::ask("echo", "1"));
    const auto first = desk.next("w1", Verb::request);
    desk.say("c", Desk::ask("echo", "2"));
    desk.next("w2", Verb::request);
    desk.say("w1", Desk::answer(first));
    desk.next("c", Verb::final);
    desk.say("c", Desk::ask("echo", "3"));
    desk.next("w3", Verb::request);
    desk.say("c", Desk::ask("echo", "4"));
    desk.next("w1", Verb::request);
}

TEST_CASE("no worker starves") {
    Desk desk;
    std::set<std::string> served;
    for (int i = 0; i < 50; ++i)
        desk.say("w" + std::to_string(i), Desk::ready("echo"));
    for (int i = 0; i < 50; ++i) {
        desk.say("c", Desk::ask("echo"));
        const auto request = desk.next();
        served.insert(request.peer);
        desk.say(request.peer, Desk::answer(request));
        desk.next("c", Verb::final);
    }
    CHECK(served.size() == 50);
}

TEST_CASE("requests of one client to one service are given out in order") {
    Desk desk;
    for (int i = 0; i < 20; ++i)
        desk.say("c", Desk::ask("echo", std::to_string(i)));
    CHECK(desk.levels().queued == 20);
    desk.say("w", Desk::ready("echo"));
    for (int i = 0; i < 20; ++i) {
        const auto request = desk.next("w", Verb::request);
        CHECK(Desk::body(request) == std::to_string(i));
        desk.say("w", Desk::answer(request));
        desk.next("c", Verb::final);
    }
}

TEST_CASE("a busy service does not delay another") {
    Desk desk;
    desk.say("w1", Desk::ready("slow"));
    desk.say("w2", Desk::ready("fast"));
    for (int i = 0; i < 1000; ++i)
        desk.say("c", Desk::ask("slow"));
    desk.next("w1", Verb::request);
    CHECK(desk.quiet());
    desk.say("c", Desk::ask("fast"));
    desk.next("w2", Verb::request);
}

TEST_CASE("a full queue refuses the newcomer, by count and by bytes") {
    BrokerLimits limits;
    limits.service.queue_messages_max = 2;
    limits.service.queue_bytes_max = 1024;
    Desk desk(limits);
    desk.say("c", Desk::ask_by_id("1"));
    desk.say("c", Desk::ask_by_id("2"));
    desk.say("c", Desk::ask_by_id("3"));
    const auto refused = desk.next("c", Verb::error);
    CHECK(refused.message.code == ErrorCode::queue_full);
    CHECK(refused.message.id == "3");
    CHECK(desk.levels().queued == 2);
    desk.say("c", Desk::ask_by_id("4", "other", std::string(1025, 'x')));
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::queue_full);
    CHECK(desk.counters().refused_total == 2);
    desk.say("c", Desk::ask("echo")); // RFC: silence and a count
    CHECK(desk.quiet());
    CHECK(desk.counters().refused_total == 3);
}

TEST_CASE("a full queue that drops the oldest refuses that one in its place") {
    BrokerLimits limits;
    limits.service.queue_messages_max = 2;
    limits.service.when_full = WhenFull::drop_oldest;
    Desk desk(limits);
    for (const char* id : {"1", "2", "3"})
        desk.say("c", Desk::ask_by_id(id, "echo", id));
    const auto refused = desk.next("c", Verb::error);
    CHECK(refused.message.id == "1");
    CHECK(refused.message.code == ErrorCode::queue_full);
    CHECK(desk.counters().failed_total == 1);
    desk.say("w", Desk::ready("echo"));
    CHECK(Desk::body(desk.next("w", Verb::request)) == "2");
}

TEST_CASE("a request for whom a worker waits passes a queue that would be too small for it") {
    BrokerLimits limits;
    limits.service.queue_bytes_max = 1024;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo", std::string(5000, 'x')));
    desk.next("w", Verb::request);
}

TEST_CASE("the limits of all services together hold") {
    BrokerLimits limits;
    limits.requests_max = 3;
    Desk desk(limits);
    for (int i = 0; i < 4; ++i)
        desk.say("c", Desk::ask_by_id(std::to_string(i), "s" + std::to_string(i)));
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::queue_full);
    CHECK(desk.levels().services == 3); // the refused one left nothing behind
}

TEST_CASE("a body of empty frames is charged for them, and is not too large for it") {
    BrokerLimits limits;
    limits.message_bytes_max = 1;
    limits.requests_bytes_max = 2'500 * sizeof(Blob);
    Desk desk(limits);
    for (const char* id : {"1", "2", "3"}) {
        Message message = Desk::ask_by_id(id);
        message.body.clear();
        for (int i = 0; i < 1'000; ++i)
            message.body.add(ByteView{});
        desk.say("c", std::move(message));
    }
    const auto refused = desk.next("c", Verb::error);
    CHECK(refused.message.id == "3");
    CHECK(refused.message.code == ErrorCode::queue_full);
    CHECK(desk.levels().bytes == 2'000 * sizeof(Blob));
}

TEST_CASE("a body over the limit is refused as too large") {
    BrokerLimits limits;
    limits.message_bytes_max = 100;
    Desk desk(limits);
    desk.say("c", Desk::ask_by_id("big", "s1", std::string(101, 'x')));
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::too_large);
}

TEST_CASE("a request that nobody answers expires, waiting or running") {
    BrokerLimits limits;
    limits.service.expiry = 10s;
    Desk desk(limits);
    desk.say("c", Desk::ask_by_id("1"));
    Message sooner = Desk::ask_by_id("2");
    sooner.expires = 2s;
    desk.say("c", std::move(sooner));
    desk.wait(2s);
    CHECK(desk.next("c", Verb::error).message.id == "2");
    desk.wait(8s);
    const auto expired = desk.next("c", Verb::error);
    CHECK(expired.message.id == "1");
    CHECK(expired.message.code == ErrorCode::expired);
    CHECK(desk.counters().expired_total == 2);
    CHECK(desk.levels().services == 0);
}

TEST_CASE("a worker whose request expired has no room until it answers, and its answer is late") {
    BrokerLimits limits;
    limits.service.expiry = 10s;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo", Dialect::flotilla));
    desk.say("c", Desk::ask_by_id("1"));
    const auto request = desk.next("w", Verb::request);
    CHECK(request.message.expires == Duration{10s});
    desk.wait(10s);
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::expired);
    CHECK(desk.next("w", Verb::cancel).message.address == request.message.address);
    desk.say("c", Desk::ask_by_id("2"));
    CHECK(desk.quiet());
    desk.say("w", Desk::answer(request));
    CHECK(desk.counters().replies_late_total == 1);
    CHECK(desk.next("w", Verb::request).message.id == "2");
}

TEST_CASE("a dead worker's request goes to another, in front, its attempt counted") {
    Desk desk(requeueing());
    desk.say("w1", Desk::ready("echo", Dialect::flotilla, 2));
    for (const char* id : {"1", "2", "3"})
        desk.say("c", Desk::ask_by_id(id, "echo", id));
    CHECK(desk.next("w1", Verb::request).message.attempt == 1);
    desk.next("w1", Verb::request);
    desk.gone("w1");
    CHECK(desk.levels().queued == 3);
    desk.say("w2", Desk::ready("echo", Dialect::flotilla, 3));
    for (const char* id : {"1", "2", "3"}) {
        const auto request = desk.next("w2", Verb::request);
        CHECK(request.message.id == id);
        CHECK(Desk::body(request) == id);
        CHECK(request.message.attempt == (std::string_view{id} == "3" ? 1U : 2U));
    }
    CHECK(desk.counters().requeued_total == 2);
}

TEST_CASE("a dead worker's request fails where the service allows no second try") {
    Desk desk;
    desk.say("w1", Desk::ready("echo"));
    desk.say("w2", Desk::ready("echo"));
    desk.say("c", Desk::ask_by_id("1"));
    desk.say("rfc", Desk::ask("echo"));
    desk.next("w1", Verb::request);
    desk.next("w2", Verb::request);
    desk.gone("w1");
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::worker_gone);
    desk.gone("w2");
    CHECK(desk.quiet());
    CHECK(desk.counters().failed_total == 2);
}

TEST_CASE("a worker that answered before it went is believed, and is given nothing more") {
    Desk desk;
    desk.say("w", Desk::ready("echo", Dialect::flotilla, 4));
    desk.say("c", Desk::ask_by_id("1"));
    const auto first = desk.next("w", Verb::request);
    desk.machine.unreachable("w", Side::worker, BrokerMachine::Unreachable::gone, desk.now,
                             desk.out);
    desk.collect();
    desk.say("c", Desk::ask_by_id("2"));
    CHECK(desk.levels().queued == 1);
    desk.say("w", Desk::answer(first)); // was on its way
    CHECK(desk.next("c", Verb::final).message.id == "1");
    desk.machine.settle(desk.now, desk.out);
    desk.collect();
    CHECK(desk.levels().workers == 0);
    CHECK(desk.counters().failed_total == 0);
}

TEST_CASE("a request that reached no worker goes to another, whatever the service says") {
    Desk desk;
    desk.say("ghost", Desk::ready("echo"));
    desk.say("w", Desk::ready("echo", Dialect::flotilla));
    desk.say("c", Desk::ask("echo", "body"));
    const auto lost = desk.next("ghost", Verb::request);
    desk.machine.unreachable("ghost", Side::worker, BrokerMachine::Unreachable::gone, desk.now,
                             desk.out);
    desk.machine.undelivered({&lost.message.address, 1}, desk.now, desk.out);
    desk.collect();
    const auto again = desk.next("w", Verb::request);
    CHECK(Desk::body(again) == "body");
    CHECK(again.message.attempt == 1); // nobody saw it before
}

TEST_CASE("of a worker that does not read, only what it may have seen fails, the rest in order") {
    Desk desk;
    desk.say("slow", Desk::ready("echo", Dialect::flotilla, 4));
    for (const char* id : {"1", "2", "3", "4", "5"})
        desk.say("c", Desk::ask_by_id(id));
    std::vector<Blob> unseen;
    for (const char* id : {"1", "2", "3", "4"}) {
        const auto given = desk.next("slow", Verb::request);
        if (given.message.id != "1")
            unseen.push_back(given.message.address.share());
        CHECK(given.message.id == id);
    }
    desk.machine.unreachable("slow", Side::worker, BrokerMachine::Unreachable::too_slow, desk.now,
                             desk.out);
    desk.machine.undelivered(unseen, desk.now, desk.out);
    desk.collect();
    CHECK(desk.levels().queued == 4);
    desk.machine.settle(desk.now, desk.out);
    desk.collect();
    const auto failed = desk.next("c", Verb::error);
    CHECK(failed.message.id == "1");
    CHECK(failed.message.code == ErrorCode::worker_gone);
    CHECK(desk.counters().workers_gone_total == 1);
    desk.say("w", Desk::ready("echo", Dialect::flotilla, 4));
    for (const char* id : {"2", "3", "4", "5"}) {
        const auto given = desk.next("w", Verb::request);
        CHECK(given.message.id == id);
        CHECK(given.message.attempt == 1);
    }
}

TEST_CASE("a request that kills every worker is given up after attempts_max") {
    BrokerLimits limits = requeueing();
    limits.service.attempts_max = 3;
    Desk desk(limits);
    desk.say("c", Desk::ask_by_id("1"));
    for (int i = 0; i < 3; ++i) {
        const std::string worker = "w" + std::to_string(i);
        desk.say(worker, Desk::ready("echo"));
        desk.next(worker, Verb::request);
        desk.gone(worker);
    }
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::worker_failed);
    CHECK(desk.levels().queued == 0);
}

TEST_CASE("a worker's word retry gives the request to another, whatever the service says") {
    Desk desk;
    desk.say("w1", Desk::ready("echo", Dialect::flotilla));
    desk.say("w2", Desk::ready("echo", Dialect::flotilla));
    desk.say("c", Desk::ask_by_id("1", "echo", "body"));
    const auto request = desk.next("w1", Verb::request);
    desk.say("w1", Desk::error(request, ErrorCode::retry));
    const auto again = desk.next("w2", Verb::request);
    CHECK(Desk::body(again) == "body");
    CHECK(again.message.attempt == 2);
    desk.say("w1", Desk::answer(request)); // its token is not good any more
    CHECK(desk.quiet());
    desk.say("w2", Desk::error(again, ErrorCode::worker_failed));
    const auto failed = desk.next("c", Verb::error);
    CHECK(failed.message.code == ErrorCode::worker_failed);
    CHECK(failed.message.text == "because");
    CHECK(desk.levels().workers_waiting == 2);
}

TEST_CASE("idle workers are filled first, then those that hold least") {
    BrokerLimits limits;
    limits.service.prefetch = 4;
    Desk desk(limits);
    desk.say("w1", Desk::ready("echo"));
    desk.say("w2", Desk::ready("echo"));
    for (const char* expected : {"w1", "w2", "w1", "w2"}) {
        desk.say("c", Desk::ask("echo"));
        desk.next(expected, Verb::request);
    }
    desk.say("w3", Desk::ready("echo"));
    for (const char* expected : {"w3", "w3", "w1", "w2", "w3", "w1", "w2", "w3"}) {
        desk.say("c", Desk::ask("echo"));
        desk.next(expected, Verb::request);
    }
    desk.say("c", Desk::ask("echo"));
    CHECK(desk.levels().queued == 1);
}

TEST_CASE("a worker of the flotilla dialect is given as many as it announces") {
    Desk desk;
    desk.say("w", Desk::ready("echo", Dialect::flotilla, 64));
    for (int i = 0; i < 65; ++i)
        desk.say("c", Desk::ask("echo"));
    CHECK(desk.levels().running == 64);
    CHECK(desk.levels().queued == 1);
}

TEST_CASE("a draining worker finishes what it holds and is given no more") {
    Desk desk;
    desk.say("w", Desk::ready("echo", Dialect::flotilla, 2));
    desk.say("c", Desk::ask("echo"));
    const auto request = desk.next("w", Verb::request);
    desk.say("w", Desk::of_worker(Verb::draining, Dialect::flotilla));
    desk.say("c", Desk::ask("echo"));
    desk.say("w", Desk::answer(request));
    desk.next("c", Verb::final);
    CHECK(desk.quiet());
    CHECK(desk.levels().queued == 1);
}

TEST_CASE("a worker that stops cleanly is given nothing more, and what it held goes on") {
    Desk desk(requeueing());
    desk.say("w1", Desk::ready("echo"));
    desk.say("c", Desk::ask("echo"));
    desk.next("w1", Verb::request);
    desk.say("w1", Desk::of_worker(Verb::disconnect));
    CHECK(desk.levels().workers == 0);
    CHECK(desk.levels().queued == 1);
    desk.say("w2", Desk::ready("echo"));
    desk.next("w2", Verb::request);
}

TEST_CASE("many services and workers: each request finds its own") {
    Desk desk;
    for (int i = 0; i < 100; ++i)
        desk.say("w" + std::to_string(i), Desk::ready("s" + std::to_string(i)));
    for (int i = 0; i < 100; ++i) {
        desk.say("c", Desk::ask("s" + std::to_string(i)));
        desk.next("w" + std::to_string(i), Verb::request);
    }
    CHECK(desk.machine.services().size() == 100);
    CHECK(desk.machine.services()[0].running == 1);
}
