// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the put side and of the jobs share: a store whose turns are committed by hand,
// messages in it, and a host that keeps book of what leaves.
#pragma once

#include <flotilla/queue/engine/jobs.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/wire/pack.hpp>

#include <support/catch.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace flotilla::queue::desk {

// A body of one frame, as it is stored.
inline std::string body_of(ByteView frame) {
    wire::Writer out;
    out.u16(1).long_bytes(frame);
    return out.take();
}

struct Desk {
    MemoryStore store{};
    Mutations mutations{};

    std::unique_ptr<Snapshot> read() const {
        auto snapshot = store.read();
        REQUIRE(snapshot);
        return std::move(*snapshot);
    }
    void commit() {
        REQUIRE(store.commit(mutations));
        mutations.clear();
    }
    std::size_t rows(Table table) const {
        const auto snapshot = read();
        std::size_t count = 0;
        std::string at;
        while (true) {
            const auto row = snapshot->at_or_after(table, at);
            REQUIRE(row);
            if (!*row)
                return count;
            ++count;
            at.assign((*row)->key).push_back('\0');
        }
    }
    // A block of `count` plain messages, bodies "first", "first + 1", ...
    void put_block(QueueId queue, Lane lane, Position first, std::size_t count,
                   std::int64_t wall_ms = 1000, std::int64_t expiry_ms = 0) {
        BlockWriter writer;
        for (std::size_t i = 0; i < count; ++i) {
            const std::string body = body_of(std::to_string(first + i));
            Record record;
            record.body = body;
            writer.add(record);
        }
        mutations.put(Table::block, block_key(queue, lane, first),
                      writer.finish({wall_ms, expiry_ms}));
    }
};

class BookHost : public JobHost {
public:
    std::set<Position> gone{}; // finished or leased
    std::set<Position> left{};
    std::map<Leaving, int> reasons{};
    std::vector<MessageId> delayed_left{};
    std::vector<MessageId> put_backs{};
    std::function<Status(const Waiting&)> on_put_back{};
    int damaged_blocks = 0;

    Result<std::vector<bool>> ready_in(const Snapshot&, const BlockPlace& place,
                                       std::size_t count) override {
        std::vector<bool> ready(count, true);
        for (std::size_t i = 0; i < count; ++i)
            ready[i] = gone.count(place.first + i) == 0;
        return ready;
    }
    void damaged(const BlockPlace&) override { ++damaged_blocks; }
    Status leave(const Snapshot&, const Waiting& message, Leaving why) override {
        CHECK(gone.insert(message.position()).second);
        left.insert(message.position());
        ++reasons[why];
        return {};
    }
    void leave_delayed(const Delayed& message, Leaving) override {
        delayed_left.push_back(message.record.id);
    }
    Status put_back(const Snapshot&, const Waiting& message) override {
        if (on_put_back)
            if (Status refused = on_put_back(message); !refused)
                return refused;
        put_backs.push_back(message.record.id);
        return {};
    }
};

// A desk with jobs that run turn by turn.
struct Bench : Desk {
    BookHost host{};
    Jobs jobs{};
    std::vector<JobDone> done{};
    std::int64_t wall = 10'000;
    int turns = 0;

    void turn(TurnBudget budget = {}) {
        const auto snapshot = read();
        REQUIRE(jobs.run(*snapshot, mutations, host, wall, budget, done));
        commit();
        jobs.committed();
        ++turns;
    }
    void finish(TurnBudget budget = {}) {
        for (int i = 0; i < 10'000 && !jobs.empty(); ++i)
            turn(budget);
        REQUIRE(jobs.empty());
    }
    std::vector<Position> sweep(std::size_t lanes, Position from, TurnBudget budget) {
        std::vector<Position> found;
        while (true) {
            const auto snapshot = read();
            WaitingSweep sweep(*snapshot, host, 1, lanes, from);
            TurnBudget some = budget;
            while (true) {
                const auto next = sweep.next(some);
                REQUIRE(next);
                if (!*next)
                    break;
                found.push_back((*next)->position());
                CHECK((*next)->record.id == (*next)->position());
                CHECK((*next)->record.body == body_of(std::to_string((*next)->position())));
            }
            if (sweep.is_at_end())
                return found;
            CHECK(sweep.position() >= from);
            from = sweep.position();
        }
    }
    MessageId delay(std::int64_t due_ms, MessageId id, QueueId queue = 1) {
        DelayWheel wheel;
        const std::string body = body_of("d");
        Delayed message{queue, 0, due_ms, wall, {}};
        message.record.id = id;
        message.record.body = body;
        wheel.add(message, wall);
        wheel.flush(mutations, wall);
        commit();
        return id;
    }
};

} // namespace flotilla::queue::desk
