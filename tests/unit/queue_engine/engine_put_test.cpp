// SPDX-License-Identifier: Apache-2.0
//
// Puts that repeat, wait, or are refused in part; and what operators do with queues.
#include "engine_rig.hpp"

using namespace flotilla;
using namespace flotilla::queue;
using namespace flotilla::queue::test;
using leased::ErrorCode;

namespace {

PutPacked numbered(std::string_view queue, std::size_t messages, std::uint64_t sequence) {
    PutPacked put = EngineRig::many(queue, messages, "m");
    put.from = {"p", sequence, false};
    return put;
}

} // namespace

TEST_CASE("a put that is repeated is stored once, also after a crash and after it was taken") {
    EngineRig rig;
    rig.create("orders");
    CHECK(rig.ask<PutOk>("producer", numbered("orders", 3, 1)).accepted == 3);
    const PutOk again = rig.ask<PutOk>("producer", numbered("orders", 5, 1));
    CHECK(again.duplicates == 3);
    CHECK(again.accepted == 2);
    CHECK(again.sequence == 5);
    rig.hello("worker", "orders", 10);
    rig.ack("worker", rig.seen("worker"));
    rig.start();
    const PutOk third = rig.ask<PutOk>("producer", numbered("orders", 5, 1));
    CHECK(third.duplicates == 5);
    CHECK(third.accepted == 0);
    const auto gap = rig.ask<PutRefused>("producer", numbered("orders", 1, 9));
    CHECK(gap.code == ErrorCode::out_of_order);
    CHECK(gap.sequence == 5);
}

TEST_CASE("a message that is too large is refused for good, and uses its number up") {
    EngineRig rig;
    QueueProperties properties;
    properties.message_bytes_max = 10;
    rig.create("orders", properties);
    PutWriter writer;
    for (const char* body : {"one", "this is too long", "two"}) {
        writer.begin({}, 1);
        writer.add_frame(body);
    }
    wire::Compressor none{wire::Compression::none};
    PutPacked put;
    put.queue = "orders";
    put.from = {"p", 1, false};
    put.packed = Blob::copy(writer.finish(none));
    const PutOk ok = rig.ask<PutOk>("producer", std::move(put));
    CHECK(ok.accepted == 2);
    CHECK(ok.sequence == 3);
    REQUIRE(ok.exceptions.refused.size() == 1);
    CHECK(ok.exceptions.refused[0].index == 1);
    CHECK(ok.exceptions.refused[0].code == ErrorCode::too_large);
    CHECK(rig.ask<leased::ErrorReply>("producer", EngineRig::one("orders", "12345678901")).code ==
          ErrorCode::too_large);
}

TEST_CASE("an application's message id is recognised within the queue's window") {
    EngineRig rig;
    QueueProperties properties;
    properties.duplicate_window = 10s;
    properties.duplicate_messages_max = 100;
    rig.create("orders", properties);
    Put put = EngineRig::one("orders", "one");
    put.message_id = "a";
    CHECK(
        rig.ask<PutOk>("producer", Put{put.queue, {}, {}, 0, {}, {}, "a", false, put.body.share()})
            .first_id == 1);
    const PutOk again =
        rig.ask<PutOk>("producer", Put{put.queue, {}, {}, 0, {}, {}, "a", false, put.body.share()});
    CHECK(again.duplicates == 1);
    CHECK(again.accepted == 0);
    CHECK(again.first_id == 1);
    rig.pass(11s);
    CHECK(
        rig.ask<PutOk>("producer", Put{put.queue, {}, {}, 0, {}, {}, "a", false, put.body.share()})
            .accepted == 1);
}

TEST_CASE("a put may wait until its message is acknowledged") {
    EngineRig rig;
    rig.create("orders");
    Put put = EngineRig::one("orders", "one");
    put.wait_acked = true;
    rig.say("producer", std::move(put));
    rig.turns();
    CHECK(rig.out.sends.empty());
    const auto taken = rig.take("worker", "orders");
    REQUIRE(taken.size() == 1);
    rig.nack("worker", taken);
    rig.hello("other", "orders", 1);
    rig.say("other", leased::Command{leased::Ack{EngineRig::leases_of(rig.seen("other"))}});
    rig.turns();
    bool answered = false;
    for (auto& send : rig.out.sends)
        if (const auto* ok = EngineRig::find<PutOk>(send.event)) {
            CHECK(send.peer == "producer");
            CHECK(ok->acked);
            answered = true;
        }
    CHECK(answered);
}

TEST_CASE("a take waits for a message, and is answered empty when its wait is over") {
    EngineRig rig;
    rig.create("orders");
    rig.say("worker", Take{"orders", 1s});
    rig.turns();
    CHECK(rig.out.sends.empty());
    rig.put("orders", "one");
    CHECK(rig.seen("worker").size() == 1);
    rig.say("worker", Take{"orders", 1s});
    rig.turns();
    rig.pass(1s);
    rig.turns();
    REQUIRE(rig.out.sends.size() == 1);
    CHECK(EngineRig::find<leased::Empty>(rig.out.sends[0].event) != nullptr);
}

TEST_CASE("queues are made, looked at, changed and deleted") {
    EngineRig rig;
    CHECK(rig.ask<leased::ErrorReply>("p", EngineRig::one("orders", "one")).code ==
          ErrorCode::no_queue);
    rig.create("orders");
    CHECK(rig.ask<leased::ErrorReply>("operator", Create{"orders", {}, false}).code ==
          ErrorCode::exists);
    CHECK(rig.ask<Done>("operator", Create{"orders", {}, true}).done == 0);
    CHECK(rig.ask<Done>("operator", Alter{"orders", {{"attempts_max", "2"}}}).done == 1);
    CHECK(rig.ask<leased::ErrorReply>("operator", Alter{"orders", {{"attempts_max", "0"}}}).code ==
          ErrorCode::bad_option);
    rig.ask<PutOk>("producer", EngineRig::many("orders", 10, "m"));
    CHECK(rig.ask<StatReply>("operator", Stat{"orders"}).text.find("ready=10\n") !=
          std::string::npos);
    const ListReply list = rig.ask<ListReply>("operator", List{"", "", 100});
    REQUIRE(list.rows.size() == 1);
    CHECK(list.rows[0].find("name=orders\n") == 0);
    rig.hello("worker", "orders", 3);
    CHECK(rig.ask<leased::ErrorReply>("operator", Delete{"orders", true}).code ==
          ErrorCode::not_empty);
    CHECK(rig.ask<Done>("operator", Purge{"orders"}).done == 7);
    CHECK(rig.stat("orders").levels.leased == 3);
    rig.start();
    rig.hello("worker", "orders", 2);
    CHECK(rig.stat("orders").properties.attempts_max == 2);
    CHECK(rig.ask<Done>("operator", Delete{"orders", false}).done == 1);
    CHECK(rig.ask<leased::ErrorReply>("worker", leased::Command{leased::Ping{}}).code ==
          ErrorCode::no_session);
    rig.turns();
    const auto snapshot = rig.disk->rows.read();
    CHECK(!(*(*snapshot)->at_or_after(Table::block, "")).has_value());
    CHECK(!(*(*snapshot)->at_or_after(Table::queue, "")).has_value());
    rig.create("orders");
    CHECK(rig.take("worker", "orders").empty());
}

TEST_CASE("delayed messages are purged too, and a purge counts everything once") {
    EngineRig rig;
    rig.create("orders");
    for (int i = 0; i < 5; ++i) {
        Put put = EngineRig::one("orders", "later");
        put.delay = 1h;
        rig.say("producer", std::move(put));
    }
    rig.ask<PutOk>("producer", EngineRig::many("orders", 9'000, "m"));
    CHECK(rig.ask<Done>("operator", Purge{"orders"}).done == 9'005);
    CHECK(rig.stat("orders").levels.unfinished() == 0);
    CHECK(rig.stat("orders").levels.bytes == 0);
}

TEST_CASE("queues that a pattern allows are made by the first put") {
    StoreLimits limits;
    limits.auto_create.push_back({"auto.*", {}});
    EngineRig rig{limits};
    CHECK(rig.put("auto.one", "x").accepted == 1);
    CHECK(rig.ask<leased::ErrorReply>("p", EngineRig::one("other", "one")).code ==
          ErrorCode::no_queue);
    CHECK(rig.take("worker", "auto.one").size() == 1);
}

TEST_CASE("a store that drains takes nothing more, and lets leases in hand end") {
    EngineRig rig;
    rig.create("orders");
    rig.put("orders", "one");
    const auto taken = rig.take("worker", "orders");
    rig.engine->drain(rig.times);
    CHECK(rig.ask<leased::ErrorReply>("p", EngineRig::one("orders", "two")).code ==
          ErrorCode::draining);
    CHECK(rig.ack("worker", taken).done == 1);
    CHECK(rig.engine->levels().leased == 0);
}

TEST_CASE("a held peer gets answers and no deliveries until it is released") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 3, "m"));
    rig.engine->hold("worker");
    rig.hello("worker", "orders", 10);
    CHECK(rig.seen("worker").empty());
    rig.engine->release("worker");
    rig.turns();
    CHECK(rig.seen("worker").size() == 3);
}
