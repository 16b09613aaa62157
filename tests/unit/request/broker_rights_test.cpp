// SPDX-License-Identifier: Apache-2.0
//
// Who may call and serve, how each dialect is refused, and what ends when a right is taken away.
#include "broker_desk.hpp"

#include <initializer_list>

using namespace flotilla;
using namespace flotilla::request;

namespace {

using Users = std::map<std::string, User, std::less<>>;

Rule rule(std::string who, std::initializer_list<Operation> operations, std::string object) {
    Rule rule;
    rule.who = {std::move(who)};
    for (const Operation operation : operations)
        rule.operations[static_cast<std::size_t>(operation)] = true;
    rule.objects = {std::move(object)};
    return rule;
}

std::shared_ptr<const Permissions> allow(Users users, std::vector<Rule> rules) {
    auto made =
        Permissions::make(std::move(users), Permissions::Unlisted::nobody, std::move(rules));
    REQUIRE(made);
    return std::make_shared<const Permissions>(std::move(*made));
}

// Credentials are names in capitals.
const Users users{{"ALICE", {"alice", {}}}, {"BOB", {"bob", {}}}};

std::shared_ptr<const Permissions> usual() {
    return allow(
        users, {rule("alice", {Operation::call}, "echo"), rule("bob", {Operation::serve}, "echo")});
}

std::uint64_t refused(const Desk& desk, Operation operation) {
    return desk.counters().not_allowed[static_cast<std::size_t>(operation)];
}

} // namespace

TEST_CASE("a client that may not call is told so where its dialect has a word for it") {
    Desk desk;
    desk.permit(usual());
    desk.say("c", Desk::ask_by_id("1", "secret"), 5, "ALICE");
    const auto error = desk.next("c", Verb::error);
    CHECK(error.message.code == ErrorCode::not_allowed);
    CHECK(error.message.text.find("alice may not call 'secret'") == 0);
    for (const Dialect each : {Dialect::mdp_01, Dialect::mdp_02})
        desk.say("c", Desk::ask("secret", "x", each), 5, "ALICE");
    CHECK(desk.quiet());
    CHECK(refused(desk, Operation::call) == 3);
    CHECK(desk.counters().refused_total == 3);
    CHECK(desk.counters().accepted_total == 0);
    CHECK(desk.refusals == 3);
    CHECK(desk.cuts.empty());
    desk.say("c", Desk::ask_by_id("2"), 5, "ALICE");
    CHECK(desk.counters().accepted_total == 1);
}

TEST_CASE("a worker that may not serve is disconnected in every dialect") {
    Desk desk;
    desk.permit(usual());
    for (const Dialect each : {Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla}) {
        desk.say("w", Desk::ready("echo", each), 6, "ALICE");
        const auto told = desk.next("w", Verb::disconnect);
        CHECK(told.message.code == ErrorCode::not_allowed);
        desk.wait(2s);
    }
    CHECK(refused(desk, Operation::serve) == 3);
    CHECK(desk.counters().workers_refused_total == 3);
    desk.say("w", Desk::ready("echo"), 6, "BOB");
    CHECK(desk.levels().workers == 1);
}

TEST_CASE("a worker shows what its user is called, and only where he has a name") {
    Desk desk;
    desk.permit(usual());
    desk.say("w", Desk::ready("echo"), 6, "BOB");
    REQUIRE(desk.machine.workers(desk.now).size() == 1);
    CHECK(desk.machine.workers(desk.now)[0].user == "bob");
    desk.permit(nullptr);
    CHECK(desk.machine.workers(desk.now)[0].user == "BOB");
}

TEST_CASE("mmi shows a user the services on which it has a right") {
    Desk desk;
    desk.say("w", Desk::ready("echo"), 6, "BOB");
    desk.say("v", Desk::ready("secret"), 7, "BOB");
    desk.permit(allow(
        users, {rule("alice", {Operation::call}, "echo"), rule("bob", {Operation::serve}, "*")}));
    const auto mmi = [&](std::string_view about, std::string_view body, const char* user) {
        desk.say("c", Desk::ask(about, body), 5, user);
        auto reply = desk.next("c", Verb::final);
        return std::pair{std::string(reply.message.body[0].view()), reply.message.body.size()};
    };
    CHECK(mmi("mmi.service", "echo", "ALICE").first == "200");
    CHECK(mmi("mmi.service", "secret", "ALICE").first == "404");
    CHECK(mmi("mmi.workers", "secret", "ALICE").first == "404");
    CHECK(mmi("mmi.workers", "secret", "BOB").first == "200");
    CHECK(mmi("mmi.services", "", "ALICE").second == 2);
    CHECK(mmi("mmi.services", "", "BOB").second == 3);
    CHECK(mmi("mmi.flotilla", "", "ALICE").first == "200");
}

TEST_CASE("requests of a revoked client end, and its connection is to be cut") {
    Desk desk;
    desk.permit(allow(users, {}));
    desk.say("w", Desk::ready("echo", Dialect::flotilla), 6, "BOB");
    desk.say("c", Desk::ask_by_id("1"), 5, "ALICE");
    desk.say("c", Desk::ask_by_id("2"), 5, "ALICE");
    const auto running = desk.next("w", Verb::request);
    REQUIRE(desk.levels().queued == 1);

    desk.permit(allow({{"BOB", {"bob", {}}}}, {}));
    CHECK(desk.levels().queued == 0);
    CHECK(desk.levels().running == 0);
    CHECK(desk.counters().dropped_total == 2);
    CHECK(desk.counters().requests_revoked_total == 2);
    CHECK(desk.cuts == std::vector<int>{5, 5});
    desk.say("w", Desk::answer(running), 6, "BOB");
    std::size_t answers = 0;
    while (!desk.quiet())
        answers += desk.next().message.verb == Verb::final ? 1 : 0;
    CHECK(answers == 0);
    CHECK(desk.counters().replies_late_total == 1);

    desk.say("c", Desk::ask_by_id("1"), 5, "ALICE"); // not even what was kept
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::not_allowed);
}

TEST_CASE("what a revoked worker held goes to another, and to no other that is revoked") {
    BrokerLimits limits;
    limits.service.requeue = true;
    Desk desk(limits);
    desk.permit(allow(users, {}));
    desk.say("w1", Desk::ready("echo"), 6, "BOB");
    desk.say("c", Desk::ask("echo", "work"), 5, "ALICE");
    desk.next("w1", Verb::request);
    desk.say("w2", Desk::ready("echo"), 7, "BOB");
    desk.say("w3", Desk::ready("echo"), 8, "ALICE");

    desk.permit(allow(users, {rule("alice", {Operation::call, Operation::serve}, "*"),
                              rule("bob", {Operation::call}, "*")}));
    CHECK(desk.levels().workers == 1);
    CHECK(desk.counters().workers_revoked_total == 2);
    std::string given;
    while (!desk.quiet()) {
        const auto send = desk.next();
        if (send.message.verb == Verb::request)
            given += send.peer;
        else
            CHECK(send.message.verb == Verb::disconnect);
    }
    CHECK(given == "w3");
    CHECK(desk.cuts.empty()); // they may still call
}

TEST_CASE("an address that another user takes over is no worker any more") {
    Desk desk;
    desk.say("w", Desk::ready("echo"), 6, "BOB");
    desk.say("w", Desk::of_worker(Verb::heartbeat), 7, "ALICE");
    CHECK(desk.levels().workers == 0);
    CHECK(desk.next("w", Verb::disconnect).message.code == ErrorCode::not_allowed);
}

TEST_CASE("a peer that nobody knows any more gets no answer to a ping but a refusal") {
    Desk desk;
    desk.permit(usual());
    Message ping;
    ping.verb = Verb::ping;
    desk.say("c", std::move(ping), 9, "GONE");
    CHECK(desk.next("c", Verb::error).message.code == ErrorCode::not_allowed);
    CHECK(desk.cuts == std::vector<int>{9});
}
