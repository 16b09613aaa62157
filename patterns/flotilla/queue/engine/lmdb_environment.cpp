// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/wire/pack.hpp>

#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <type_traits>
#include <utility>

namespace flotilla::queue::lmdb {
namespace {

// Names in the file. Their order is that of Table.
constexpr std::array<const char*, queue::tables> table_names{
    "meta",    "queue",  "name",     "block",        "done",      "attempt",
    "delayed", "expiry", "producer", "producer_age", "duplicate", "duplicate_age"};
constexpr MDB_dbi free_table = 0; // LMDB's own list of free pages

Result<std::uint32_t> read_format_row(ByteView value) {
    const auto sealed = unseal(value);
    if (!sealed)
        return fail(sealed.error());
    wire::Reader row(*sealed);
    const std::uint8_t version = row.u8();
    const std::uint32_t format = row.u32();
    if (!row.ok() || version == 0)
        return fail(Errc::damaged, "the store's format row cannot be read");
    return format;
}

} // namespace

static_assert(std::is_same_v<TableHandle, MDB_dbi>);

std::string format_row(std::uint32_t format) {
    wire::Writer row;
    row.u8(1).u32(format);
    return seal(row.take());
}

MDB_val val(ByteView bytes) noexcept {
    return {bytes.size(), const_cast<char*>(bytes.data())};
}
ByteView view(const MDB_val& value) noexcept {
    return {static_cast<const char*>(value.mv_data), value.mv_size};
}
void Environment::Close::operator()(MDB_env* environment) const noexcept {
    mdb_env_close(environment);
}
void Reading::End::operator()(MDB_txn* transaction) const noexcept {
    mdb_txn_abort(transaction);
}

Error error_of(int code, std::string_view doing) {
    const std::string text = "cannot " + std::string(doing) + ": " + mdb_strerror(code);
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return {Errc::disk_full, text};
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_BAD_VALSIZE:
    case MDB_INCOMPATIBLE:
        return {Errc::damaged, text};
    case MDB_VERSION_MISMATCH:
        return {Errc::unsupported, text};
    case EMFILE:
    case ENFILE:
        return {Errc::out_of_files, text};
    default:
        return {Errc::io, text};
    }
}

Result<Environment> Environment::open(const std::filesystem::path& directory, Access access,
                                      std::uint64_t map_bytes, std::uint32_t format) {
    auto opened = open_file(directory, access, map_bytes);
    if (opened)
        if (const Status made = opened->open_tables(access, format); !made)
            return fail(made.error());
    return opened;
}

Result<Environment> Environment::open_file(const std::filesystem::path& directory, Access access,
                                           std::uint64_t map_bytes) {
    return open_path(directory, access == Access::read_only ? MDB_RDONLY : 0U, map_bytes);
}

Result<Environment> Environment::open_copy(const std::filesystem::path& file,
                                           std::uint64_t map_bytes) {
    return open_path(file, MDB_NOSUBDIR | MDB_NOLOCK, map_bytes);
}

Result<Environment> Environment::open_path(const std::filesystem::path& path, unsigned flags,
                                           std::uint64_t map_bytes) {
    const std::filesystem::path file_path = (flags & MDB_NOSUBDIR) != 0 ? path : path / data_name;
    Environment opened;
    MDB_env* environment = nullptr;
    if (const int code = mdb_env_create(&environment); code != 0)
        return fail(error_of(code, "begin with LMDB"));
    opened.environment_.reset(environment);
    mdb_env_set_maxdbs(environment, queue::tables + 4);
    mdb_env_set_mapsize(environment, map_bytes);
    // No readahead: who reads in order asks for what is ahead, who does not must not pay for it.
    // Read transactions are objects of ours, not of threads. Not MDB_NOMEMINIT, which would put
    // pieces of our heap, keys among them, into the file.
    flags |= MDB_NORDAHEAD | MDB_NOTLS;
    int code = mdb_env_open(environment, path.c_str(), flags, 0600);
    if (code == EACCES && (flags & MDB_RDONLY) != 0)
        code = mdb_env_open(environment, path.c_str(), flags | MDB_NOLOCK, 0600);
    if (code != 0)
        return fail(error_of(code, "open " + file_path.string()));
    MDB_stat root{};
    mdb_env_stat(environment, &root);
    opened.page_bytes_ = root.ms_psize;
    // LMDB would find out by SIGBUS.
    struct stat file {};
    if (::fstat(opened.descriptor(), &file) != 0)
        return fail(error_of(errno, "look at " + file_path.string()));
    if (static_cast<std::uint64_t>(file.st_size) < opened.end_bytes())
        return fail(Errc::damaged, file_path.string() + " is cut off: it has " +
                                       std::to_string(file.st_size) + " of " +
                                       std::to_string(opened.end_bytes()) + " bytes");
    return opened;
}

int change_rows(MDB_txn* transaction, const Environment& environment, const Mutations& mutations) {
    for (const Mutations::Change& change : mutations.changes()) {
        MDB_val key = val(change.key);
        MDB_val value = val(change.value);
        const TableHandle table = environment.table(change.table);
        const int code = change.erase ? mdb_del(transaction, table, &key, nullptr)
                                      : mdb_put(transaction, table, &key, &value, 0);
        if (code != 0 && !(change.erase && code == MDB_NOTFOUND))
            return code;
    }
    return 0;
}

Status Environment::open_tables(Access access, std::uint32_t format) {
    MDB_stat root{};
    mdb_env_stat(get(), &root);
    if (root.ms_entries == 0) {
        if (access == Access::read_only)
            return fail(Errc::damaged, "the store is empty: it has no tables");
        return make_tables(format);
    }
    auto reading = Reading::begin(*this);
    if (!reading)
        return fail(reading.error());
    MDB_val key = val(format_key);
    MDB_val row{};
    int code = mdb_dbi_open(reading->get(), table_names[0], 0, tables_.data());
    if (code == 0)
        code = mdb_get(reading->get(), tables_[0], &key, &row);
    if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE)
        return fail(Errc::damaged, "this is an LMDB file, but not a Flotilla store");
    if (code != 0)
        return fail(error_of(code, "read the store's format"));
    const auto found = read_format_row(view(row));
    if (!found)
        return fail(found.error());
    if (*found > format)
        return fail(Errc::unsupported, "the store has format " + std::to_string(*found) +
                                           "; this program knows up to " + std::to_string(format) +
                                           ": use a newer one, or restore a backup that it made");
    for (std::size_t i = 0; i < queue::tables; ++i) {
        code = mdb_dbi_open(reading->get(), table_names[i], 0, &tables_[i]);
        if (code != 0)
            return fail(Errc::damaged, "the store has no table " + std::string(table_names[i]));
    }
    // Handles that a read transaction opened stay open only if it commits.
    if (code = mdb_txn_commit(reading->release()); code != 0)
        return fail(error_of(code, "open the store's tables"));
    return {};
}

Status Environment::make_tables(std::uint32_t format) {
    MDB_txn* transaction = nullptr;
    int code = mdb_txn_begin(get(), nullptr, 0, &transaction);
    if (code != 0)
        return fail(error_of(code, "begin the store's tables"));
    for (std::size_t i = 0; code == 0 && i < queue::tables; ++i)
        code = mdb_dbi_open(transaction, table_names[i], MDB_CREATE, &tables_[i]);
    const std::string value = format_row(format);
    MDB_val key = val(format_key);
    MDB_val row = val(value);
    if (code == 0)
        code = mdb_put(transaction, tables_[0], &key, &row, 0);
    if (code != 0) {
        mdb_txn_abort(transaction);
        return fail(error_of(code, "make the store's tables"));
    }
    if (code = mdb_txn_commit(transaction); code != 0)
        return fail(error_of(code, "make the store's tables"));
    return {};
}

std::uint64_t Environment::end_bytes() const noexcept {
    MDB_envinfo info{};
    mdb_env_info(get(), &info);
    return (static_cast<std::uint64_t>(info.me_last_pgno) + 1) * page_bytes_;
}

std::uint64_t Environment::map_bytes() const noexcept {
    MDB_envinfo info{};
    mdb_env_info(get(), &info);
    return info.me_mapsize;
}

Status Environment::grow_map(std::uint64_t bytes) {
    if (const int code = mdb_env_set_mapsize(get(), bytes); code != 0)
        return fail(error_of(code, "grow the map to " + std::to_string(bytes) + " bytes"));
    return {};
}

int Environment::descriptor() const noexcept {
    int descriptor = -1;
    mdb_env_get_fd(get(), &descriptor);
    return descriptor;
}

Result<std::uint64_t> Environment::free_bytes() const {
    const auto reading = Reading::begin(*this);
    if (!reading)
        return fail(reading.error());
    MDB_cursor* cursor = nullptr;
    if (const int code = mdb_cursor_open(reading->get(), free_table, &cursor); code != 0)
        return fail(error_of(code, "read the list of free pages"));
    std::uint64_t pages = 0;
    MDB_val key{};
    MDB_val value{};
    int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        std::size_t count = 0; // a list begins with its length
        if (value.mv_size >= sizeof count)
            std::memcpy(&count, value.mv_data, sizeof count);
        pages += count;
    }
    mdb_cursor_close(cursor);
    if (code != MDB_NOTFOUND)
        return fail(error_of(code, "read the list of free pages"));
    return pages * page_bytes_;
}

Result<Reading> Reading::begin(const Environment& environment) {
    MDB_txn* transaction = nullptr;
    int code = mdb_txn_begin(environment.get(), nullptr, MDB_RDONLY, &transaction);
    if (code == MDB_MAP_RESIZED) { // by the process that writes
        mdb_env_set_mapsize(environment.get(), 0);
        code = mdb_txn_begin(environment.get(), nullptr, MDB_RDONLY, &transaction);
    }
    if (code != 0)
        return fail(error_of(code, "begin to read"));
    return Reading(transaction);
}

} // namespace flotilla::queue::lmdb
