// SPDX-License-Identifier: Apache-2.0
//
// What a queue does with messages that it has no place for, or no more attempts.
#include "engine_rig.hpp"

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using leased::ErrorCode;

TEST_CASE("a full queue refuses, or drops its oldest, or buries it") {
    EngineRig rig;
    QueueProperties properties;
    properties.messages_max = 3;
    rig.create("reject", properties);
    const auto refused = rig.ask<PutRefused>("producer", EngineRig::many("reject", 5, "m"));
    CHECK(refused.accepted == 3);
    CHECK(refused.code == ErrorCode::full);
    properties.overflow = Overflow::drop_oldest;
    rig.create("drop", properties);
    rig.ask<PutOk>("producer", EngineRig::many("drop", 3, "m"));
    rig.ask<PutOk>("producer", EngineRig::many("drop", 2, "n"));
    rig.turns();
    CHECK(rig.stat("drop").levels.ready == 3);
    CHECK(rig.stat("drop").counters.dropped_total == 2);
    CHECK(rig.take("worker", "drop")[0].body == "m2");
    properties.overflow = Overflow::dead_letter;
    properties.dead_letter_queue = "dead";
    rig.create("bury", properties);
    rig.ask<PutOk>("producer", EngineRig::many("bury", 3, "m"));
    rig.ask<PutOk>("producer", EngineRig::many("bury", 1, "n"));
    rig.turns();
    CHECK(rig.take("worker", "dead")[0].body == "m0");
}

TEST_CASE("a message that is larger than its queue may ever be is refused for good") {
    EngineRig rig;
    QueueProperties properties;
    properties.bytes_max = 1'024;
    rig.create("small", properties);
    const std::string large(2'000, 'x');
    CHECK(rig.ask<leased::ErrorReply>("producer", EngineRig::one("small", large)).code ==
          ErrorCode::too_large);
    CHECK(rig.put("small", "fits").accepted == 1);
}

TEST_CASE("a full queue with nothing to drop refuses, whatever its policy") {
    EngineRig rig;
    QueueProperties properties;
    properties.messages_max = 2;
    properties.overflow = Overflow::drop_oldest;
    rig.create("later", properties);
    const auto put_later = [&] {
        Put put = EngineRig::one("later", "m");
        put.delay = 10min;
        return put;
    };
    rig.ask<PutOk>("producer", put_later());
    rig.ask<PutOk>("producer", put_later());
    CHECK(rig.ask<leased::ErrorReply>("producer", put_later()).code == ErrorCode::full);
    CHECK(rig.stat("later").levels.delayed == 2);
}

TEST_CASE("a dead letter that goes back has its level again") {
    EngineRig rig;
    QueueProperties properties;
    properties.attempts_max = 1;
    properties.dead_letter_queue = "dead";
    properties.priority_levels = 3;
    rig.create("orders", properties);
    Put put = EngineRig::one("orders", "last");
    put.priority = 2;
    rig.ask<PutOk>("producer", std::move(put));
    rig.nack("worker", rig.take("worker", "orders"));
    CHECK(rig.ask<Done>("operator", Redrive{"dead", 0}).done == 1);
    put = EngineRig::one("orders", "before it");
    put.priority = 1;
    rig.ask<PutOk>("producer", std::move(put));
    CHECK(rig.take("worker", "orders")[0].body == "before it");
    CHECK(rig.take("worker", "orders")[0].body == "last");
}

TEST_CASE("a message that dies where there is no queue for dead letters is told") {
    EngineRig rig;
    QueueProperties properties;
    properties.attempts_max = 1;
    rig.create("orders", properties);
    rig.put("orders", "poison");
    rig.nack("worker", rig.take("worker", "orders"));
    CHECK(rig.noticed("dead_letter_dropped"));
    CHECK(rig.stat("orders").counters.dead_total == 1);
}
