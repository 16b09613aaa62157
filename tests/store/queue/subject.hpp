// SPDX-License-Identifier: Apache-2.0
// What the tests of stores need: rows, turns, and every store under one name.
#pragma once

#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/wire/pack.hpp>

#include <support/scratch.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::test {

using namespace flotilla::queue;

// Small, so that a test does not fill a disk; without zeros ahead unless it is about them.
inline LmdbOptions small_store() {
    LmdbOptions options;
    options.bytes_max = 64ULL << 20;
    options.write_ahead_bytes = 1ULL << 20;
    options.disk_reserve_bytes = 0;
    return options;
}

// One kind of store, made as often as asked for.
class Subject {
public:
    enum class Kind { memory, lmdb, lmdb_alone }; // alone: without a journal
    explicit Subject(Kind kind) : kind_(kind) {}
    std::unique_ptr<Store> make() {
        if (kind_ == Kind::memory)
            return std::make_unique<MemoryStore>();
        LmdbOptions options = small_store();
        if (kind_ == Kind::lmdb_alone)
            options.journal_bytes = 0;
        auto opened = LmdbStore::open(folder_.path() / std::to_string(++made_), options);
        if (!opened)
            throw std::runtime_error(to_string(opened.error()));
        return std::move(*opened);
    }
    static std::vector<Kind> kinds() {
        if (LmdbStore::is_available())
            return {Kind::memory, Kind::lmdb, Kind::lmdb_alone};
        return {Kind::memory};
    }

private:
    Kind kind_;
    ScratchFolder folder_{};
    int made_ = 0;
};

inline std::string block_of(std::size_t messages, std::size_t body_bytes, char fill = 'x') {
    BlockWriter writer;
    wire::Writer body;
    body.u16(1).long_bytes(std::string(body_bytes, fill));
    Record record;
    record.body = body.view();
    for (std::size_t i = 0; i < messages; ++i)
        writer.add(record);
    return writer.finish({.wall_ms = 1, .expiry_ms = 0});
}

// The definition of a queue, so that its rows belong to something.
inline void define(Mutations& turn, QueueId queue, const std::string& name) {
    turn.put(Table::queue, queue_key(queue), encode_definition({std::string(name), {}}));
    turn.put(Table::name, name, queue_key(queue));
}

inline std::optional<std::string> value_at(const Store& store, Table table, ByteView key) {
    const auto snapshot = store.read();
    if (!snapshot)
        throw std::runtime_error(to_string(snapshot.error()));
    const auto found = (*snapshot)->get(table, key);
    if (!found)
        throw std::runtime_error(to_string(found.error()));
    if (!*found)
        return std::nullopt;
    return std::string(**found);
}

inline std::size_t rows_in(const Store& store, Table table) {
    const auto snapshot = store.read();
    if (!snapshot)
        throw std::runtime_error(to_string(snapshot.error()));
    std::size_t rows = 0;
    std::string at;
    for (;;) {
        const auto entry = (*snapshot)->at_or_after(table, at);
        if (!entry)
            throw std::runtime_error(to_string(entry.error()));
        if (!*entry)
            return rows;
        ++rows;
        at = std::string((*entry)->key) + '\0';
    }
}

} // namespace flotilla::test
