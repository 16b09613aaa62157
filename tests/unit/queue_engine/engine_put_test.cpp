// SPDX-License-Identifier: Apache-2.0
//
// Puts that repeat, or are refused in part; and what operators do with queues.
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

TEST_CASE("a message that its producer may have put before is delivered as maybe") {
    EngineRig rig;
    rig.create("orders");
    PutPacked put = numbered("orders", 2, 1);
    put.from.maybe_duplicate = true;
    rig.ask<PutOk>("producer", std::move(put));
    rig.put("orders", "other");
    rig.hello("worker", "orders", 10);
    const auto held = rig.seen("worker");
    REQUIRE(held.size() == 3);
    CHECK(held[0].redelivered == leased::Redelivered::maybe);
    CHECK(held[1].redelivered == leased::Redelivered::maybe);
    CHECK(held[2].redelivered == leased::Redelivered::no);
}

TEST_CASE("a purge takes what waits behind its key and what waits out a delay") {
    EngineRig rig;
    QueueProperties properties;
    properties.order = Order::key;
    properties.retry_delays = {1h};
    rig.create("orders", properties);
    for (int i = 0; i < 5; ++i)
        rig.put("orders", "x", "x");
    rig.put("orders", "y", "y");
    rig.hello("worker", "orders", 10);
    auto held = rig.seen("worker");
    REQUIRE(held.size() == 2);
    if (held[0].key == "x")
        std::swap(held[0], held[1]);
    rig.nack("worker", {held[0]}); // y, which now rests
    CHECK(rig.ask<Done>("operator", Purge{"orders"}).done == 5);
    CHECK(rig.stat("orders").levels.unfinished() == 1);
    rig.ack("worker", {held[1]});
    CHECK(rig.stat("orders").levels.unfinished() == 0);
    rig.put("orders", "x", "x");
    CHECK(rig.seen("worker").size() == 1);
}

TEST_CASE("leased_max holds deliveries of all queues back until leases end") {
    StoreLimits limits;
    limits.leased_max = 5;
    EngineRig rig{limits};
    for (const char* queue : {"one", "two"}) {
        rig.create(queue);
        rig.ask<PutOk>("producer", EngineRig::many(queue, 5, "m"));
    }
    rig.hello("first", "one", 10);
    const auto held = rig.seen("first");
    CHECK(held.size() == 5);
    rig.hello("second", "two", 10);
    CHECK(rig.seen("second").empty());
    rig.ack("first", held);
    CHECK(rig.seen("second").size() == 5);
}

TEST_CASE("a session that ends with nothing in hand is told so") {
    EngineRig rig;
    rig.create("orders");
    rig.hello("worker", "orders", 10);
    rig.ask<leased::Ok>("worker", leased::Command{leased::Bye{}});
}

TEST_CASE("a queue whose rows are damaged is refused, and the others are served") {
    EngineRig rig;
    rig.create("good");
    rig.create("bad");
    rig.put("good", "one");
    rig.stop();
    Mutations damage;
    const auto snapshot = rig.disk->rows.read();
    const auto id = *(*snapshot)->get(Table::name, "bad");
    std::string row(**(*snapshot)->get(Table::queue, *id));
    row[3] ^= 1;
    damage.put(Table::queue, std::string(*id), row);
    REQUIRE(rig.disk->rows.commit(damage));
    rig.is_damaged = true;
    rig.start();
    CHECK(rig.take("worker", "good").size() == 1);
    const auto refused = rig.ask<leased::ErrorReply>("p", EngineRig::one("bad", "one"));
    CHECK(refused.code == ErrorCode::no_queue);
    CHECK(refused.text.find("cannot be read") != std::string::npos);
    CHECK(rig.ask<leased::ErrorReply>("operator", Create{"bad", {}, true}).code ==
          ErrorCode::exists);
}

TEST_CASE("a damaged block is counted out once, and what is behind it is served") {
    EngineRig rig;
    rig.create("orders");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 10, "bad"));
    rig.ask<PutOk>("producer", EngineRig::many("orders", 10, "good"));
    rig.stop();
    const auto snapshot = rig.disk->rows.read();
    const auto first = **(*snapshot)->at_or_after(Table::block, "");
    std::string value(first.value);
    value[value.size() / 2] ^= 1;
    Mutations damage;
    damage.put(Table::block, std::string(first.key), value);
    REQUIRE(rig.disk->rows.commit(damage));
    rig.is_damaged = true;
    for (int start = 0; start < 2; ++start) {
        rig.start();
        rig.hello("worker", "orders", 100);
        CHECK(rig.seen("worker").size() == 10);
        rig.pass(1s);
        rig.turns(); // writes that it was counted out
        CHECK(rig.stat("orders").counters.damaged_total == 1);
        CHECK(rig.stat("orders").counters.dropped_total == 10);
        CHECK(rig.stat("orders").levels.unfinished() == 10);
    }
}

TEST_CASE("delayed messages that cannot be read are counted out when their time comes") {
    EngineRig rig;
    rig.create("orders");
    for (int i = 0; i < 5; ++i) {
        Put put = EngineRig::one("orders", "later");
        put.delay = 1h;
        rig.say("producer", std::move(put));
    }
    rig.turns();
    CHECK(rig.stat("orders").levels.delayed == 5);
    rig.stop();
    const auto snapshot = rig.disk->rows.read();
    const auto row = **(*snapshot)->at_or_after(Table::delayed, "");
    std::string value(row.value);
    value[value.size() - 20] ^= 1;
    Mutations damage;
    damage.put(Table::delayed, std::string(row.key), value);
    REQUIRE(rig.disk->rows.commit(damage));
    rig.start();
    rig.is_damaged = true;
    rig.hello("worker", "orders", 100);
    rig.is_damaged = false; // once the row was visited
    rig.pass(2h);
    rig.turns();
    CHECK(rig.stat("orders").levels.unfinished() == 0);
    CHECK(rig.stat("orders").counters.damaged_total == 1);
    CHECK(rig.stat("orders").counters.dropped_total == 5);
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

TEST_CASE("a store that drains gives nothing new to whoever finishes what it holds") {
    EngineRig rig;
    rig.create("orders");
    rig.create("empty");
    rig.ask<PutOk>("producer", EngineRig::many("orders", 6, "m"));
    rig.hello("worker", "orders", 2);
    const auto held = rig.seen("worker");
    REQUIRE(held.size() == 2);
    rig.say("waiting", Take{"empty", 1h});
    rig.turns();
    rig.engine->drain(rig.times);
    rig.turns();
    const std::string told = rig.errors();
    rig.engine->drain(rig.times); // as a server does in every turn of it
    CHECK(rig.engine->next_deadline() > rig.times.now);
    CHECK(told == "draining: this store delivers no more; go elsewhere; "); // to `waiting`
    CHECK(rig.ack("worker", {held[0]}).done == 1);
    CHECK(rig.seen("worker").empty());
    CHECK(rig.nack("worker", {held[1]}).done == 1);
    CHECK(rig.seen("worker").empty());
    CHECK(rig.ask<leased::ErrorReply>("other", Take{"orders", 1s}).code == ErrorCode::draining);
    CHECK(rig.engine->levels().leased == 0);
    CHECK(rig.stat("orders").levels.ready == 5);
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
