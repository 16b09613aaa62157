// SPDX-License-Identifier: Apache-2.0
// How much of a store is read when somebody looks at queues that nobody used.
#include "engine_rig.hpp"

#include <flotilla/queue/engine/queue_census.hpp>
#include <flotilla/queue/engine/record.hpp>

using namespace flotilla;
using namespace flotilla::queue;
using flotilla::queue::test::EngineRig;

namespace {

// Counts ranges that are begun: names, and blocks of lanes.
class CountedSnapshot final : public Snapshot {
public:
    explicit CountedSnapshot(const Snapshot& below) : below_(below) {}
    Result<std::optional<ByteView>> get(Table table, ByteView key) const override {
        return below_.get(table, key);
    }
    Result<std::optional<Entry>> at_or_after(Table table, ByteView key) const override {
        ++looks;
        return below_.at_or_after(table, key);
    }
    Result<std::optional<Entry>> before(Table table, ByteView key) const override {
        return below_.before(table, key);
    }
    mutable std::size_t looks = 0;

private:
    const Snapshot& below_;
};

} // namespace

TEST_CASE("a look at queues with many lanes reads so many lanes at most, and ends",
          "[unit][queue_engine]") {
    EngineRig rig;
    QueueProperties properties;
    properties.order = Order::key;
    constexpr int queues = 40;
    constexpr int keys = 200; // of 64 lanes nearly every one
    for (int i = 0; i < queues; ++i) {
        const std::string queue = "queue" + std::to_string(i);
        rig.create(queue, properties);
        for (int key = 0; key < keys; ++key)
            rig.say("producer", EngineRig::one(queue, "x", std::to_string(key)));
        rig.turns();
    }
    const auto snapshot = rig.disk->rows.read();
    REQUIRE(snapshot);
    const CountedSnapshot counted(**snapshot);
    QueueCensus census;
    int rounds = 0;
    for (; !census.is_whole(); ++rounds) {
        REQUIRE(rounds < queues);
        counted.looks = 0;
        census.go_on(counted, [](std::string_view) { return false; });
        CHECK(counted.looks <= QueueCensus::reads_max + key_lanes + 1);
    }
    CHECK(rounds > 1);
    CHECK(census.sum().ready == queues * keys);
    CHECK(census.sum().oldest_ms ==
          std::chrono::duration_cast<std::chrono::milliseconds>(rig.times.wall.time_since_epoch())
              .count());
}

TEST_CASE("the head of a block is read without the rest of it", "[unit][queue_engine]") {
    BlockWriter writer;
    Record record;
    const std::string body("\0\1\0\0\0\1x", 7);
    record.body = body;
    record.body_bytes = 1;
    writer.add(record);
    const std::string block = writer.finish({1234, 5678});
    const auto head = peek_block_head(ByteView{block}.substr(0, 24));
    REQUIRE(head);
    CHECK(head->wall_ms == 1234);
    CHECK(head->expiry_ms == 5678);
    CHECK_FALSE(peek_block_head(ByteView{block}.substr(0, 8)));
    CHECK_FALSE(peek_block_head("\x02" + block.substr(1)));
}
