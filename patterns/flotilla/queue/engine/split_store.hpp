// SPDX-License-Identifier: Apache-2.0
//
// SplitStore: one Store for queues on disk and queues in memory. What belongs to a queue whose id
// has memory_queue_bit lies in a MemoryStore, except its definition: after a restart it is there,
// and empty. A turn that touches only such queues syncs nothing.
//
// The disk's part is committed first; the memory's cannot fail. One thread at a time.
#pragma once

#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/engine/store.hpp>

#include <cstdint>
#include <memory>

namespace flotilla::queue {

class SplitStore final : public Store {
public:
    explicit SplitStore(std::unique_ptr<Store> disk, std::uint64_t memory_bytes_max = 1ULL << 30)
        : disk_(std::move(disk)), memory_(memory_bytes_max) {}

    Result<std::unique_ptr<Snapshot>> read() const override;
    std::uint64_t room() const override { return disk_->room(); }
    std::uint64_t memory_room() const { return memory_.room(); }
    void housekeep() override { disk_->housekeep(); }
    const TimeHistogram* commit_times() const noexcept override { return disk_->commit_times(); }

protected:
    Status write(const Mutations& mutations) override;

private:
    std::unique_ptr<Store> disk_;
    MemoryStore memory_;
    bool has_memory_ = false; // since something was put there
};

} // namespace flotilla::queue
