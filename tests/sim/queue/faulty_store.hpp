// SPDX-License-Identifier: Apache-2.0
//
// FaultyStore: a store whose commits fail, or are in doubt (applied, and reported as failed), over
// a Disk that outlives it. And, to prove that the simulator would notice, stores that lie: they say
// yes without having written, lose what they said was safe, or forget a table.
#pragma once

#include <flotilla/base/check.hpp>
#include <flotilla/base/random.hpp>
#include <flotilla/queue/engine/memory_store.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace flotilla::sim {

struct Faults {
    std::uint32_t failed_percent = 0;   // nothing is applied, and it says so
    std::uint32_t in_doubt_percent = 0; // all is applied, and it says that it failed
    std::uint32_t full_percent = 0;     // disk_full
    // ---- lies
    std::uint32_t lie_percent = 0; // nothing is applied, and it says that it was
    bool loses_last = false;       // a crash takes the last commit with it
    bool forgets_producers = false;
    bool forgets_done = false; // which messages of a block are finished
    bool any() const { return failed_percent + in_doubt_percent + full_percent > 0; }
};

// What is on it stays when the process goes.
struct Disk {
    explicit Disk(std::uint64_t seed) : random(seed) {}
    queue::MemoryStore store{};
    queue::MemoryStore before{}; // the last commit but one, for loses_last
    Faults faults{};
    Random random;
    bool is_full = false; // room() is 0
    std::uint32_t readers = 0;
    std::uint64_t failed_total = 0;
    std::uint64_t in_doubt_total = 0;
    std::uint64_t commits_total = 0;

    void crash() {
        if (faults.loses_last)
            store = before;
    }
};

class FaultyStore final : public queue::Store {
public:
    explicit FaultyStore(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}

    Result<std::unique_ptr<queue::Snapshot>> read() const override {
        auto inner = disk_->store.read();
        if (!inner)
            return inner;
        return std::unique_ptr<queue::Snapshot>{
            std::make_unique<CountedSnapshot>(disk_, std::move(*inner))};
    }
    std::uint64_t room() const override { return disk_->is_full ? 0 : disk_->store.room(); }

protected:
    Status write(const queue::Mutations& mutations) override {
        FLOTILLA_CHECK(disk_->readers == 0, "a snapshot is open while the turn is committed");
        const Faults& faults = disk_->faults;
        const std::uint64_t fate = disk_->random.below(100);
        if (fate < faults.failed_percent) {
            ++disk_->failed_total;
            return fail(Errc::io, "the disk said no");
        }
        if (fate < faults.failed_percent + faults.full_percent) {
            ++disk_->failed_total;
            return fail(Errc::disk_full, "the disk is full");
        }
        if (disk_->random.below(100) < faults.lie_percent)
            return {};
        if (faults.loses_last)
            disk_->before = disk_->store;
        if (const auto applied = disk_->store.commit(filtered(mutations)); !applied)
            return fail(applied.error());
        ++disk_->commits_total;
        if (disk_->random.below(100) < faults.in_doubt_percent) {
            ++disk_->in_doubt_total;
            return fail(Errc::io, "the disk did not answer");
        }
        return {};
    }

private:
    class CountedSnapshot final : public queue::Snapshot {
    public:
        CountedSnapshot(std::shared_ptr<Disk> disk, std::unique_ptr<queue::Snapshot> inner)
            : disk_(std::move(disk)), inner_(std::move(inner)) {
            ++disk_->readers;
        }
        ~CountedSnapshot() override { --disk_->readers; }
        CountedSnapshot(const CountedSnapshot&) = delete;
        CountedSnapshot& operator=(const CountedSnapshot&) = delete;
        Result<std::optional<ByteView>> get(queue::Table table, ByteView key) const override {
            return inner_->get(table, key);
        }
        Result<std::optional<queue::Entry>> at_or_after(queue::Table table,
                                                        ByteView key) const override {
            return inner_->at_or_after(table, key);
        }
        Result<std::optional<queue::Entry>> before(queue::Table table,
                                                   ByteView key) const override {
            return inner_->before(table, key);
        }

    private:
        std::shared_ptr<Disk> disk_;
        std::unique_ptr<queue::Snapshot> inner_;
    };

    queue::Mutations filtered(const queue::Mutations& mutations) const {
        queue::Mutations kept;
        for (const auto& change : mutations.changes()) {
            if (disk_->faults.forgets_producers && (change.table == queue::Table::producer ||
                                                    change.table == queue::Table::producer_age))
                continue;
            if (disk_->faults.forgets_done && change.table == queue::Table::done && !change.erase)
                continue;
            if (change.erase)
                kept.erase(change.table, change.key);
            else
                kept.put(change.table, change.key, change.value);
        }
        return kept;
    }

    std::shared_ptr<Disk> disk_;
};

} // namespace flotilla::sim
