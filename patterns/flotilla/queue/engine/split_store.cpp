// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/split_store.hpp>

#include <cstddef>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::size_t id_bytes = 4;

bool has_bit(ByteView key, std::size_t at) noexcept {
    return key.size() > at && (static_cast<unsigned char>(key[at]) & 0x80) != 0;
}

// Whether a row belongs to a queue in memory: by the queue's id in its key (keys.hpp).
bool is_in_memory(Table table, ByteView key) noexcept {
    switch (table) {
    case Table::meta:
    case Table::name:
        return false;
    case Table::queue: // its definition stays on disk
        return key.size() > id_bytes && has_bit(key, 0);
    case Table::block:
    case Table::done:
    case Table::attempt:
    case Table::duplicate:
    case Table::duplicate_age:
        return has_bit(key, 0);
    case Table::delayed:
    case Table::expiry:
        return has_bit(key, 8);
    case Table::producer:
    case Table::producer_age:
        return key.size() >= id_bytes && has_bit(key, key.size() - id_bytes);
    }
    return false;
}

class SplitSnapshot final : public Snapshot {
public:
    SplitSnapshot(std::unique_ptr<Snapshot> disk, std::unique_ptr<Snapshot> memory)
        : disk_(std::move(disk)), memory_(std::move(memory)) {}

    Result<std::optional<ByteView>> get(Table table, ByteView key) const override {
        return (is_in_memory(table, key) ? memory_ : disk_)->get(table, key);
    }
    Result<std::optional<Entry>> at_or_after(Table table, ByteView key) const override {
        return nearer(disk_->at_or_after(table, key), memory_->at_or_after(table, key),
                      [](ByteView a, ByteView b) { return a < b; });
    }
    Result<std::optional<Entry>> before(Table table, ByteView key) const override {
        return nearer(disk_->before(table, key), memory_->before(table, key),
                      [](ByteView a, ByteView b) { return a > b; });
    }

private:
    template <class Nearer>
    static Result<std::optional<Entry>> nearer(Result<std::optional<Entry>> one,
                                               Result<std::optional<Entry>> other,
                                               Nearer&& is_nearer) {
        if (!one || (other && !*other))
            return one;
        if (!other || !*one)
            return other;
        return is_nearer((*one)->key, (*other)->key) ? one : other;
    }
    std::unique_ptr<Snapshot> disk_;
    std::unique_ptr<Snapshot> memory_;
};

} // namespace

Result<std::unique_ptr<Snapshot>> SplitStore::read() const {
    auto disk = disk_->read();
    if (!disk || !has_memory_)
        return disk;
    auto memory = memory_.read();
    if (!memory)
        return memory;
    return std::unique_ptr<Snapshot>{
        std::make_unique<SplitSnapshot>(std::move(*disk), std::move(*memory))};
}

Status SplitStore::write(const Mutations& mutations) {
    bool is_split = false;
    for (const Mutations::Change& change : mutations.changes())
        is_split = is_split || is_in_memory(change.table, change.key);
    const auto commit = [](Store& store, const Mutations& part) -> Status {
        const auto committed = store.commit(part);
        return committed ? Status{} : Status{fail(committed.error())};
    };
    if (!is_split)
        return commit(*disk_, mutations);
    Mutations disk;
    Mutations memory;
    for (const Mutations::Change& change : mutations.changes()) {
        Mutations& part = is_in_memory(change.table, change.key) ? memory : disk;
        if (change.erase)
            part.erase(change.table, change.key);
        else
            part.put(change.table, change.key, change.value);
    }
    if (const Status written = commit(*disk_, disk); !written)
        return written;
    has_memory_ = true;
    return commit(memory_, memory);
}

} // namespace flotilla::queue
