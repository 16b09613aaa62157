// SPDX-License-Identifier: Apache-2.0
//
// acknowledge=auto: at most once, which must not cost what nobody was given.
#include "engine_rig.hpp"

#include <support/catch.hpp>

#include <set>

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using leased::Redelivered;

namespace {

std::set<MessageId> all_taken(EngineRig& rig) {
    std::set<MessageId> ids;
    rig.hello("taker", "orders", 500, true);
    for (auto seen = rig.seen("taker"); !seen.empty(); seen = rig.seen("taker")) {
        for (const Seen& message : seen)
            ids.insert(message.id);
        rig.ack("taker", seen);
    }
    return ids;
}

void make_automatic(EngineRig& rig) {
    rig.ask<Done>("operator", Alter{"orders", {{"acknowledge", "auto"}}});
}

} // namespace

TEST_CASE("acknowledge=auto from now on: a crash costs nothing that was accepted before") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 100, "m"));
    CHECK(rig.take("worker", "orders").size() == 1); // the horizon is far beyond the others now
    make_automatic(rig);
    SECTION("nor what came since and was not delivered") {
        rig.ask<PutOk>("producer", EngineRig::many("orders", 10, "n"));
        rig.start();
        CHECK(all_taken(rig).size() == 110);
    }
    SECTION("nor in the second crash") {
        rig.start();
        rig.turns();
        rig.start();
        CHECK(all_taken(rig).size() == 100);
    }
    SECTION("nor after an end in order") {
        rig.stop();
        rig.start();
        CHECK(all_taken(rig).size() == 100);
    }
}

TEST_CASE("acknowledge=auto after a crash: what that left in doubt is delivered, and flagged") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 100, "m"));
    CHECK(rig.take("worker", "orders").size() == 1);
    rig.start();
    make_automatic(rig);
    const auto first = rig.take("other", "orders");
    REQUIRE(first.size() == 1);
    CHECK(first[0].redelivered == Redelivered::maybe);
    rig.start();
    CHECK(all_taken(rig).size() >= 99);
}

TEST_CASE("acknowledge=auto: what came after the change is delivered at most once") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "before");
    make_automatic(rig);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 5, "m"));
    CHECK(all_taken(rig).size() == 6);
    rig.start();
    for (const MessageId id : all_taken(rig))
        CHECK(id == 1);
}

TEST_CASE("acknowledge=auto: a message that may have been put before is delivered") {
    EngineRig rig;
    QueueProperties properties;
    properties.acknowledge = Acknowledge::automatic;
    rig.create("orders", properties);
    Put put = EngineRig::one("orders", "again");
    put.from = {"producer-1", 1, true};
    CHECK(rig.ask<PutOk>("producer", std::move(put)).accepted == 1);
    const auto taken = rig.take("worker", "orders");
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].redelivered == Redelivered::maybe);
}
