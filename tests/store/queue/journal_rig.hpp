// SPDX-License-Identifier: Apache-2.0
// Stores with turns in their journal, and processes that end without closing them.
#pragma once

#include <flotilla/queue/engine/journal.hpp>

#include <store/queue/lmdb_faults.hpp>
#include <store/queue/subject.hpp>
#include <support/catch.hpp>

#include <fstream>
#include <functional>
#include <string>

namespace flotilla::test {

inline std::string row_of(std::uint64_t number, std::size_t bytes = 100) {
    return std::string(bytes, static_cast<char>('a' + number % 26));
}

inline Status put(Store& store, Position number, std::size_t bytes = 100) {
    Mutations turn;
    turn.put(Table::block, block_key(1, 0, number), row_of(number, bytes));
    const auto committed = store.commit(turn);
    return committed ? Status{} : Status{fail(committed.error())};
}

// A process that commits and ends without closing its store. 0: everything went as it should.
inline int dies_after(const std::filesystem::path& path,
                      const std::function<bool(LmdbStore&)>& work) {
    return in_child([&] {
        auto store = LmdbStore::open(path, small_store());
        if (!store)
            return false;
        const bool is_right = work(**store);
        (void)store->release();
        return is_right;
    });
}

inline bool put_many(LmdbStore& store, Position from, Position until, std::size_t bytes = 100) {
    for (Position number = from; number < until; ++number)
        if (!put(store, number, bytes))
            return false;
    return true;
}

inline std::size_t rows_after_restart(const std::filesystem::path& path) {
    const auto store = LmdbStore::open(path, small_store());
    REQUIRE(store);
    return rows_in(**store, Table::block);
}

inline std::string bytes_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_at(const std::filesystem::path& file, std::uint64_t at,
                     const std::string& bytes) {
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(at)).write(bytes.data(), std::streamsize(bytes.size()));
    REQUIRE(out.flush().good());
}

} // namespace flotilla::test
