// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/memory_store.hpp>

#include <cstddef>

namespace flotilla::queue {

class MemorySnapshot final : public Snapshot {
public:
    explicit MemorySnapshot(const MemoryStore& store) : store_(store) {}

    Result<std::optional<ByteView>> get(Table table, ByteView key) const override {
        const auto& rows = store_.tables_[static_cast<std::size_t>(table)];
        const auto at = rows.find(key);
        if (at == rows.end())
            return std::optional<ByteView>{};
        return std::optional<ByteView>{at->second};
    }
    Result<std::optional<Entry>> at_or_after(Table table, ByteView key) const override {
        const auto& rows = store_.tables_[static_cast<std::size_t>(table)];
        const auto at = rows.lower_bound(key);
        if (at == rows.end())
            return std::optional<Entry>{};
        return std::optional<Entry>{Entry{at->first, at->second}};
    }
    Result<std::optional<Entry>> before(Table table, ByteView key) const override {
        const auto& rows = store_.tables_[static_cast<std::size_t>(table)];
        auto at = rows.lower_bound(key);
        if (at == rows.begin())
            return std::optional<Entry>{};
        --at;
        return std::optional<Entry>{Entry{at->first, at->second}};
    }

private:
    const MemoryStore& store_;
};

Result<std::unique_ptr<Snapshot>> MemoryStore::read() const {
    return std::unique_ptr<Snapshot>{std::make_unique<MemorySnapshot>(*this)};
}

std::uint64_t MemoryStore::room() const {
    // An eighth stays for what finishing messages writes.
    const std::uint64_t usable = bytes_max_ - bytes_max_ / 8;
    return bytes_ < usable ? usable - bytes_ : 0;
}

Status MemoryStore::write(const Mutations& mutations) {
    for (const Mutations::Change& change : mutations.changes()) {
        auto& rows = tables_[static_cast<std::size_t>(change.table)];
        const auto at = rows.find(change.key);
        if (at != rows.end())
            bytes_ -= at->first.size() + at->second.size();
        if (change.erase) {
            if (at != rows.end())
                rows.erase(at);
            continue;
        }
        bytes_ += change.key.size() + change.value.size();
        if (at != rows.end())
            at->second = change.value;
        else
            rows.emplace(change.key, change.value);
    }
    return {};
}

} // namespace flotilla::queue
