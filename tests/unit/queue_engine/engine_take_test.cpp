// SPDX-License-Identifier: Apache-2.0
// Queue engine: taking one by one, looking at what waits, and what a restart knows.
#include "engine_rig.hpp"

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using leased::Redelivered;

TEST_CASE("one message after the other is taken from a block, and none of a queue that is gone") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 6, "old"));
    for (int i = 0; i < 3; ++i) {
        const auto taken = rig.take("worker", "orders");
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].body == "old" + std::to_string(i));
        rig.ack("worker", taken);
    }
    rig.ask<Done>("operator", Delete{"orders", false});
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 6, "new"));
    for (int i = 0; i < 6; ++i) {
        const auto taken = rig.take("worker", "orders");
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].body == "new" + std::to_string(i));
    }
}

TEST_CASE("a look at what waits says how often it was given out, after a restart as well") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "one");
    for (const char* const attempts : {"attempts=1\n", "attempts=2\n"}) {
        const auto taken = rig.take("worker", "orders");
        REQUIRE(taken.size() == 1);
        rig.nack("worker", taken);
        for (int restart = 0; restart < 2; ++restart) {
            const auto seen = rig.ask<PeekReply>("operator", Peek{"orders", false, "", 10});
            REQUIRE(seen.messages.size() == 1);
            CHECK((seen.messages[0].info + "\n").find(attempts) != std::string::npos);
            rig.start();
        }
    }
}

TEST_CASE("a clean stop does not forget what was in doubt when it started") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 3, "m"));
    REQUIRE(rig.take("worker", "orders").size() == 1);
    rig.start(); // as after a crash
    REQUIRE(rig.stat("orders").name.empty());
    CHECK(rig.ask<PeekReply>("operator", Peek{"orders", false, "", 10}).messages.size() == 3);
    rig.put("orders", "new"); // so that the queue's state is written
    rig.stop();
    rig.start();
    const auto taken = rig.take("worker", "orders");
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].redelivered == Redelivered::maybe);
}

TEST_CASE("a turn reads a few pages and no more, for their answers wait in memory") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "one");
    const std::uint64_t commits = rig.disk->commits;
    std::size_t asked = 0;
    for (; !rig.engine->is_turn_full() && asked < 1'000; ++asked) {
        Peek peek;
        peek.queue = "orders";
        rig.say("browser", std::move(peek));
    }
    CHECK(asked == 16);
    rig.turn();
    CHECK(rig.out.sends.size() == asked);
    CHECK_FALSE(rig.engine->is_turn_full());
    CHECK(rig.disk->commits == commits); // there was nothing to write
}

TEST_CASE("who names no queue takes from the default one, and is refused where there is none") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "one");
    rig.put("orders", "two");
    CHECK(rig.ask<leased::ErrorReply>("worker", Take{"", Duration::zero()}).code ==
          leased::ErrorCode::bad_option);
    StoreLimits limits;
    limits.default_queue = "or ders";
    CHECK_FALSE(rig.engine->set_limits(limits));
    limits.default_queue = "orders";
    REQUIRE(rig.engine->set_limits(limits));
    const auto taken = rig.take("worker", "");
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].body == "one");
    rig.hello("other", "", 10);
    const auto given = rig.seen("other");
    REQUIRE(given.size() == 1);
    CHECK(given[0].body == "two");
    limits.default_queue = "gone";
    REQUIRE(rig.engine->set_limits(limits));
    CHECK(rig.ask<leased::ErrorReply>("worker", Take{"", Duration::zero()}).code ==
          leased::ErrorCode::no_queue);
}
