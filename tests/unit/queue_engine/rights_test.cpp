// SPDX-License-Identifier: Apache-2.0
#include "engine_rig.hpp"

#include <support/catch.hpp>

#include <algorithm>

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using leased::ErrorCode;
using leased::ErrorReply;

namespace {

Rule rule(std::string who, std::vector<Operation> operations, std::string object) {
    Rule rule;
    rule.who = {std::move(who)};
    for (const Operation operation : operations)
        rule.operations[static_cast<std::size_t>(operation)] = true;
    rule.objects = {std::move(object)};
    return rule;
}

using Users = std::map<std::string, User, std::less<>>;

// Credentials are names in capitals: ALICE is alice's.
std::shared_ptr<const Permissions> allow(Users users, std::vector<Rule> rules) {
    auto made =
        Permissions::make(std::move(users), Permissions::Unlisted::nobody, std::move(rules));
    INFO((made ? std::string{} : to_string(made.error())));
    REQUIRE(made);
    return std::make_shared<const Permissions>(std::move(*made));
}

const Users everybody{{"ALICE", {"alice", {}}}, {"BOB", {"bob", {}}}, {"OLGA", {"olga", {}}}};

std::shared_ptr<const Permissions> usual() {
    return allow(everybody,
                 {rule("alice", {Operation::put}, "work*"), rule("bob", {Operation::take}, "work"),
                  rule("olga", {Operation::administer}, "*")});
}

struct World : EngineRig {
    World() {
        create("work");
        create("secret");
        permit(usual());
    }
    void permit(std::shared_ptr<const Permissions> permissions) {
        engine->set_permissions(std::move(permissions), times);
    }
    ErrorCode refused(std::string_view peer, Command command, std::string_view user) {
        return ask<ErrorReply>(peer, std::move(command), user).code;
    }
    leased::Command hello_to(std::string queue) {
        leased::Hello hello;
        hello.queue = std::move(queue);
        hello.credit = 10;
        return hello;
    }
    std::uint64_t not_allowed(Operation operation) const {
        return engine->counters().not_allowed[static_cast<std::size_t>(operation)];
    }
};

} // namespace

TEST_CASE("a queue takes messages of those who may put, and of nobody else") {
    World world;
    CHECK(world.ask<PutOk>("a", EngineRig::one("work", "1"), "ALICE").accepted == 1);
    CHECK(world.refused("b", EngineRig::one("work", "2"), "BOB") == ErrorCode::not_allowed);
    CHECK(world.refused("a", EngineRig::one("secret", "3"), "ALICE") == ErrorCode::not_allowed);
    CHECK(world.refused("b", EngineRig::many("work", 3, "m"), "BOB") == ErrorCode::not_allowed);
    CHECK(world.stat("work").counters.accepted_total == 1);
    CHECK(world.not_allowed(Operation::put) == 3);
}

TEST_CASE("a refused put uses no number of its producer up, and leaves no trace in the store") {
    World world;
    const auto commits = world.engine->counters().commits_total;
    Put put = EngineRig::one("work", "1");
    put.from = {"producer-1", 1, false};
    Put again = EngineRig::one("work", "1");
    again.from = put.from;
    CHECK(world.refused("b", std::move(put), "BOB") == ErrorCode::not_allowed);
    CHECK(world.engine->counters().commits_total == commits);
    const PutOk ok = world.ask<PutOk>("a", std::move(again), "ALICE");
    CHECK(ok.accepted == 1);
    CHECK(ok.duplicates == 0);
}

TEST_CASE("whoever may not take gets neither a session nor a message nor a look") {
    World world;
    world.ask<PutOk>("a", EngineRig::one("work", "1"), "ALICE");
    CHECK(world.refused("a", Command{world.hello_to("work")}, "ALICE") == ErrorCode::not_allowed);
    CHECK(world.refused("a", Take{"work", 0ms}, "ALICE") == ErrorCode::not_allowed);
    CHECK(world.refused("a", Peek{"work", false, "", 1}, "ALICE") == ErrorCode::not_allowed);
    CHECK(world.engine->levels().sessions == 0);
    const auto mine = world.ask<leased::Deliver>("b", Take{"work", 0ms}, "BOB");
    CHECK(mine.id == 1);
}

TEST_CASE("whoever names no queue needs the right to take from the default one") {
    World world;
    CHECK(world.refused("b", Take{"", 0ms}, "BOB") == ErrorCode::bad_option);
    CHECK(world.refused("b", Command{world.hello_to("")}, "BOB") == ErrorCode::bad_option);
    CHECK(world.refused("x", Take{"", 0ms}, "NOBODY") == ErrorCode::not_allowed);
    StoreLimits limits;
    limits.default_queue = "work";
    REQUIRE(world.engine->set_limits(limits));
    CHECK(world.refused("a", Take{"", 0ms}, "ALICE") == ErrorCode::not_allowed);
    CHECK(world.refused("a", Command{world.hello_to("")}, "ALICE") == ErrorCode::not_allowed);
    world.ask<leased::Ok>("b", Command{world.hello_to("")}, "BOB");
}

TEST_CASE("queues are made, changed and emptied only by those who may administer them") {
    World world;
    CHECK(world.refused("a", Create{"more", {}, false}, "ALICE") == ErrorCode::not_allowed);
    CHECK(world.refused("a", Alter{"work", {{"lease_ms", "100"}}}, "ALICE") ==
          ErrorCode::not_allowed);
    CHECK(world.refused("a", Purge{"work"}, "ALICE") == ErrorCode::not_allowed);
    CHECK(world.refused("a", Kick{"work", 1}, "ALICE") == ErrorCode::not_allowed);
    CHECK(world.refused("a", Redrive{"work", 0}, "ALICE") == ErrorCode::not_allowed);
    CHECK(world.refused("a", Delete{"work", false}, "ALICE") == ErrorCode::not_allowed);
    CHECK(world.not_allowed(Operation::administer) == 6);
    CHECK(world.ask<Done>("o", Create{"more", {}, false}, "OLGA").done == 1);
    CHECK(world.ask<Done>("o", Delete{"work", false}, "OLGA").done == 1);
}

TEST_CASE("what an administrator changed is told with his name, and what changed nothing is not") {
    World world;
    const auto told = [&](Command command) {
        world.ask<Done>("o", std::move(command), "OLGA");
        std::string all;
        for (const EngineOutputs::Change& each : world.out.changes)
            all += each.user + " " + std::string(each.verb) + " " + each.queue + ";";
        return all;
    };
    CHECK(told(Create{"more", {}, false}) == "olga create more;");
    CHECK(told(Create{"more", {}, true}).empty());
    CHECK(told(Alter{"more", {{"lease_ms", "1000"}}}) == "olga alter more;");
    CHECK(told(Purge{"work"}) == "olga purge work;");
    CHECK(told(Redrive{"work", 0}) == "olga redrive work;");
    CHECK(told(Delete{"work", false}) == "olga delete work;");
    world.refused("a", Delete{"more", false}, "ALICE");
    CHECK(world.out.changes.empty());
    world.refused("o", Delete{"work", false}, "OLGA"); // it is gone
    CHECK(world.out.changes.empty());
}

TEST_CASE("dead letters go only where their administrator may put") {
    World world;
    world.permit(allow(everybody, {rule("alice", {Operation::administer}, "work"),
                                   rule("olga", {Operation::put}, "*")}));
    CHECK(world.refused("a", Alter{"work", {{"dead_letter_queue", "secret"}}}, "ALICE") ==
          ErrorCode::not_allowed);
    CHECK(world.ask<Done>("a", Alter{"work", {{"lease_ms", "100"}}}, "ALICE").done == 1);
    CHECK(world.not_allowed(Operation::put) == 1);
}

TEST_CASE("a list shows the queues on which its reader has a right") {
    World world;
    const auto seen = [&](std::string_view user) {
        const auto reply = world.ask<ListReply>("x", List{"", "", 100}, user);
        return reply.rows.size();
    };
    CHECK(seen("ALICE") == 1);
    CHECK(seen("BOB") == 1);
    CHECK(seen("OLGA") == 2);
    // The refusal names the least that would do, not the most.
    const auto refusal = world.ask<ErrorReply>("x", Stat{"secret"}, "BOB");
    CHECK(refusal.code == ErrorCode::not_allowed);
    CHECK(refusal.text.find("bob may not take from 'secret'") == 0);
    CHECK(!world.ask<StatReply>("x", Stat{"work"}, "BOB").text.empty());
    CHECK(!world.ask<StatReply>("x", Stat{""}, "BOB").text.empty());
}

TEST_CASE("a session shows what its user is called, and only where he has a name") {
    World world;
    world.permit(allow(everybody, {}));
    world.say("a", Command{world.hello_to("work")}, "ALICE");
    world.turns();
    const auto users = [&] {
        std::vector<std::string> all;
        for (const SessionStat& each : world.engine->sessions(world.times.now))
            all.push_back(each.user);
        return all;
    };
    CHECK(users() == std::vector<std::string>{"alice"});
    world.permit(nullptr);
    CHECK(users() == std::vector<std::string>{"ALICE"});
}

TEST_CASE("without rules everybody who is let in may do everything, and nobody else anything") {
    World world;
    world.permit(allow(everybody, {}));
    CHECK(world.ask<Done>("a", Create{"more", {}, false}, "ALICE").done == 1);
    CHECK(world.ask<PutOk>("a", EngineRig::one("more", "1"), "ALICE").accepted == 1);
    CHECK(world.refused("m", EngineRig::one("more", "1"), "MALLORY") == ErrorCode::not_allowed);
    CHECK(world.refused("m", List{"", "", 100}, "MALLORY") == ErrorCode::not_allowed);
    CHECK(world.refused("m", leased::Command{leased::Ping{}}, "MALLORY") == ErrorCode::not_allowed);
}

TEST_CASE("a revoked consumer's session ends at once and what it holds goes to others") {
    World world;
    world.permit(allow(everybody, {rule("*", {Operation::take, Operation::put}, "*")}));
    world.ask<PutOk>("a", EngineRig::one("work", "1"), "ALICE");
    world.ask<leased::Ok>("b", Command{world.hello_to("work")}, "BOB");
    world.turns();
    REQUIRE(world.stat("work").levels.leased == 1);

    Users left = everybody;
    left.erase("BOB");
    world.permit(allow(left, {rule("*", {Operation::take, Operation::put}, "*")}));
    world.turns();
    CHECK(world.errors().find("not_allowed") != std::string::npos);
    CHECK(world.engine->levels().sessions == 0);
    CHECK(world.engine->counters().revoked_total == 1);
    CHECK(world.stat("work").levels.ready == 1);
    const auto again = world.ask<leased::Deliver>("a", Take{"work", 0ms}, "ALICE");
    CHECK(again.redelivered == leased::Redelivered::yes);
}

TEST_CASE("an acknowledgement that comes after the right was lost does not count") {
    World world;
    world.ask<PutOk>("a", EngineRig::one("work", "1"), "ALICE");
    const auto mine = world.ask<leased::Deliver>("b", Take{"work", 0ms}, "BOB");
    world.permit(allow(everybody, {rule("bob", {Operation::put}, "*")}));
    world.turns();
    const leased::Leases leases{mine.lease.epoch, {{mine.lease.number, 1}}};
    const auto reply = world.ask<ErrorReply>("b", leased::Command{leased::Ack{leases}}, "BOB");
    CHECK(reply.code == ErrorCode::lease_lost);
    CHECK(world.stat("work").levels.ready == 1);
    CHECK(world.stat("work").counters.finished_total == 0);
}

TEST_CASE("a take that waits is answered when its right is lost") {
    World world;
    world.say("b", Take{"work", 10s}, "BOB");
    world.turns();
    CHECK(world.out.sends.empty());
    world.permit(allow(everybody, {}));
    world.turns();
    CHECK(world.out.sends.empty());
    world.permit(allow(everybody, {rule("olga", {Operation::take}, "*")}));
    world.turns();
    CHECK(world.errors().find("not_allowed") != std::string::npos);
    CHECK(world.engine->levels().takes == 0);
}

TEST_CASE("connections of revoked users are to be cut, those of the merely refused are not") {
    World world;
    const leased::Envelope envelope{false, "c"};
    world.engine->apply({"b", "BOB", 7}, envelope, EngineRig::one("work", "x"), world.times);
    world.turn();
    CHECK(world.out.cuts.empty());
    world.engine->apply({"m", "MALLORY", 8}, envelope, EngineRig::one("work", "x"), world.times);
    world.turn();
    CHECK(world.out.cuts == std::vector<int>{8});
    REQUIRE(world.out.refusals.size() == 1);
    CHECK(world.out.refusals[0].user.empty());
    CHECK(world.out.refusals[0].user_id == "MALLORY");
    CHECK(world.out.refusals[0].object == "work");
    CHECK(world.out.refusals[0].descriptor == 8);
}

TEST_CASE("a turn notes its first refusals and counts them all") {
    World world;
    for (int i = 0; i < 200; ++i)
        world.say("b", EngineRig::one("work", "x"), "BOB");
    world.turn();
    CHECK(world.out.refusals.size() == Judge::noted_max);
    CHECK(world.not_allowed(Operation::put) == 200);
}

TEST_CASE("rights hold after the store was read again") {
    World world;
    world.disk->next_commit_fails = Errc::io;
    world.say("a", EngineRig::one("work", "1"), "ALICE");
    world.turns();
    REQUIRE(world.engine->counters().reloads_total == 1);
    CHECK(world.refused("b", EngineRig::one("work", "2"), "BOB") == ErrorCode::not_allowed);
}

TEST_CASE("whoever takes over an address does not take over the session of another user") {
    World world;
    world.permit(allow(everybody, {rule("*", {Operation::take, Operation::put}, "*")}));
    world.ask<PutOk>("a", EngineRig::one("work", "1"), "ALICE");
    world.ask<leased::Ok>("b", Command{world.hello_to("work")}, "BOB");
    world.turns();
    const auto leased_now = world.stat("work").levels.leased;
    REQUIRE(leased_now == 1);
    CHECK(world.refused("b", leased::Command{leased::Ping{}}, "ALICE") == ErrorCode::no_session);
    CHECK(world.engine->levels().sessions == 0);
    CHECK(world.stat("work").levels.ready == 1);
}
