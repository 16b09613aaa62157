// SPDX-License-Identifier: Apache-2.0
//
// LmdbEnvironment: LMDB as the store and its tools use it: one file, twelve tables, and every error
// of LMDB or the system as one of ours.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/engine/store.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

// Of lmdb.h, which only sources include.
struct MDB_env;
struct MDB_txn;
struct MDB_cursor;
struct MDB_val;

namespace flotilla::queue::lmdb {

using TableHandle = unsigned int; // MDB_dbi

inline constexpr const char* data_name = "data.mdb";
// A copy has this name until it is whole, so that half of one is never taken for a store.
inline constexpr const char* part_name = "data.mdb.part";

// The row of table meta that says which format a store has.
inline constexpr ByteView format_key = "format";
std::string format_row(std::uint32_t format);

// disk_full: no room on the disk or in the map, or a transaction too large; damaged; unsupported;
// out_of_files; io: everything else.
Error error_of(int code, std::string_view doing);

MDB_val val(ByteView bytes) noexcept;
ByteView view(const MDB_val& value) noexcept;

class Environment {
public:
    enum class Access : std::uint8_t { read_write, read_only };

    // Makes the file when there is none and Access allows it. Errors: damaged (not LMDB's, cut
    // off, or without our format row); unsupported (a newer format); disk_full; io.
    static Result<Environment> open(const std::filesystem::path& directory, Access access,
                                    std::uint64_t map_bytes, std::uint32_t format);
    // The same in two steps: without looking at a page but the head, then the tables.
    static Result<Environment> open_file(const std::filesystem::path& directory, Access access,
                                         std::uint64_t map_bytes);
    // The file of a copy, whatever its name, by the only one who has it.
    static Result<Environment> open_copy(const std::filesystem::path& file,
                                         std::uint64_t map_bytes);
    Status open_tables(Access access, std::uint32_t format);

    MDB_env* get() const noexcept { return environment_.get(); }
    TableHandle table(Table table) const noexcept {
        return tables_[static_cast<std::size_t>(table)];
    }
    std::uint64_t page_bytes() const noexcept { return page_bytes_; }
    // Pages from the beginning of the file to the last one that was ever used, in bytes.
    std::uint64_t end_bytes() const noexcept;
    std::uint64_t map_bytes() const noexcept;
    // No transaction may be open. Moves what is mapped.
    Status grow_map(std::uint64_t bytes);
    int descriptor() const noexcept; // of data.mdb
    // Pages that LMDB will use again, in bytes; O(what is free).
    Result<std::uint64_t> free_bytes() const;

private:
    struct Close {
        void operator()(MDB_env* environment) const noexcept;
    };
    Environment() = default;
    static Result<Environment> open_path(const std::filesystem::path& path, unsigned flags,
                                         std::uint64_t map_bytes);
    Status make_tables(std::uint32_t format);
    std::unique_ptr<MDB_env, Close> environment_{};
    std::array<TableHandle, queue::tables> tables_{};
    std::uint64_t page_bytes_ = 4096; // what the file was made with
};

// Within a transaction; LMDB's code, 0: done.
int change_rows(MDB_txn* transaction, const Environment& environment, const Mutations& mutations);

// A read transaction that ends with its owner.
class Reading {
public:
    static Result<Reading> begin(const Environment& environment);
    MDB_txn* get() const noexcept { return transaction_.get(); }
    MDB_txn* release() noexcept { return transaction_.release(); }

private:
    struct End {
        void operator()(MDB_txn* transaction) const noexcept;
    };
    explicit Reading(MDB_txn* transaction) noexcept : transaction_(transaction) {}
    std::unique_ptr<MDB_txn, End> transaction_;
};

} // namespace flotilla::queue::lmdb
