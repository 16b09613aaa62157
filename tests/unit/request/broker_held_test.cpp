// SPDX-License-Identifier: Apache-2.0
// How much one worker holds at once.
#include "broker_desk.hpp"

#include <string>

using namespace flotilla;
using namespace flotilla::request;

TEST_CASE("a worker is given no more at once than it can be sent, whatever its capacity") {
    BrokerLimits limits;
    limits.service.prefetch = 10'000;
    limits.held_messages_max = 3;
    limits.held_bytes_max = 3'000;
    Desk desk(limits);
    desk.say("w", Desk::ready("echo"));
    for (int i = 0; i < 5; ++i)
        desk.say("c", Desk::ask("echo", std::to_string(i)));
    const auto first = desk.next("w", Verb::request);
    desk.next("w", Verb::request);
    desk.next("w", Verb::request);
    CHECK(desk.quiet());
    CHECK(desk.levels().queued == 2);
    desk.say("w", Desk::answer(first));
    desk.next("c", Verb::final);
    CHECK(Desk::body(desk.next("w", Verb::request)) == "3");
    CHECK(desk.quiet());

    // By bytes too, but one always; and an idle worker takes what the other has to leave.
    Desk large(limits);
    large.say("w1", Desk::ready("echo"));
    for (int i = 0; i < 3; ++i)
        large.say("c", Desk::ask("echo", std::string(5'000, 'x')));
    const auto one = large.next("w1", Verb::request);
    CHECK(large.quiet());
    large.say("w2", Desk::ready("echo"));
    large.next("w2", Verb::request);
    CHECK(large.quiet());
    large.say("w1", Desk::answer(one));
    large.next("c", Verb::final);
    large.next("w1", Verb::request);
    CHECK(large.levels().queued == 0);
}

TEST_CASE("what ends in front of the queue lets those behind it go on") {
    BrokerLimits limits;
    limits.service.prefetch = 10;
    limits.service.expiry = 10s;
    limits.held_bytes_max = 3'000;
    const std::string large(2'000, 'x');
    const auto fill = [&](Desk& desk) { // one is held, a second does not go with it, a third would
        desk.say("w", Desk::ready("echo"));
        desk.say("c", Desk::ask("echo", large));
        desk.next("w", Verb::request);
        desk.wait(1s);
        desk.say("b", Desk::ask("echo", large, Dialect::flotilla, "second"));
        desk.wait(1s);
        desk.say("c", Desk::ask("echo", "third"));
        CHECK(desk.quiet());
        CHECK(desk.levels().queued == 2);
    };
    Desk cancelled(limits);
    fill(cancelled);
    Message cancel;
    cancel.side = Side::client;
    cancel.verb = Verb::cancel;
    cancel.id = "second";
    cancelled.say("b", std::move(cancel));
    cancelled.next("b", Verb::error);
    CHECK(Desk::body(cancelled.next("w", Verb::request)) == "third");

    Desk expired(limits);
    fill(expired);
    expired.wait(9'500ms);
    expired.next("b", Verb::error);
    CHECK(Desk::body(expired.next("w", Verb::request)) == "third");

    // Not when it is due as well.
    Desk both(limits);
    both.say("w", Desk::ready("echo"));
    both.say("c", Desk::ask("echo", large));
    both.next("w", Verb::request);
    both.wait(1s);
    both.say("b", Desk::ask("echo", large, Dialect::flotilla, "second"));
    both.say("b", Desk::ask("echo", "third", Dialect::flotilla, "third"));
    both.wait(11s);
    both.next("b", Verb::error);
    both.next("b", Verb::error);
    CHECK(both.quiet());

    // A worker that goes: another takes what it would not have.
    Desk left(limits);
    left.say("w2", Desk::ready("echo", Dialect::flotilla, 10));
    left.say("c", Desk::ask("echo", "small"));
    left.say("c", Desk::ask("echo", "small"));
    left.next("w2", Verb::request);
    left.next("w2", Verb::request);
    left.say("w1", Desk::ready("echo", Dialect::flotilla, 10));
    left.say("c", Desk::ask("echo", large));
    left.next("w1", Verb::request);
    left.say("c", Desk::ask("echo", large)); // w1 holds less, and would hold too much
    CHECK(left.levels().queued == 1);
    left.say("w1", Desk::of_worker(Verb::draining, Dialect::flotilla));
    left.next("w2", Verb::request);

    Desk gone(limits);
    gone.say("w", Desk::ready("echo"));
    gone.say("c", Desk::ask("echo", large), 7);
    gone.next("w", Verb::request);
    gone.say("old", Desk::ask("echo", large), 8);
    gone.say("c", Desk::ask("echo", "third"), 7);
    CHECK(gone.quiet());
    gone.connection_lost(8, gone.now + 1s);
    CHECK(Desk::body(gone.next("w", Verb::request)) == "third");
}
