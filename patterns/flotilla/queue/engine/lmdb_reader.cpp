// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/lmdb_reader.hpp>

#include <lmdb.h>
#include <sys/mman.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace flotilla::queue::lmdb {

// ---- pages -------------------------------------------------------------------------------------

void PageWindow::find_map(const void* inside) {
    forget_map();
    std::FILE* const maps = std::fopen("/proc/self/maps", "re");
    if (!maps)
        return;
    const auto address = reinterpret_cast<std::uintptr_t>(inside);
    char line[512];
    while (std::fgets(line, sizeof line, maps)) {
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) != 2)
            continue;
        if (begin <= address && address < end) {
            base_ = reinterpret_cast<char*>(begin);
            bytes_ = end - begin;
            break;
        }
    }
    std::fclose(maps);
    asked_until_ = 0;
    last_ = 0;
}

void PageWindow::release() noexcept {
    if (touched_bytes_ < touched_bytes_max || !base_)
        return;
    touched_bytes_ = 0;
    ::madvise(base_, bytes_, MADV_DONTNEED);
}

void PageWindow::ask_ahead(ByteView value) noexcept {
    if (!base_ || value.data() < base_ || value.data() >= base_ + bytes_)
        return;
    const auto at = static_cast<std::uint64_t>(value.data() - base_);
    const bool in_order = at > last_ && at - last_ < ahead_bytes;
    last_ = at;
    if (!in_order || at >= asked_until_)
        asked_until_ = 0;
    // Half of it is asked for each time, while the other half is read.
    if (!in_order || at + ahead_bytes / 2 < asked_until_)
        return;
    const std::uint64_t from = std::max(asked_until_, at) & ~std::uint64_t{4095};
    const std::uint64_t until = std::min(at + ahead_bytes, bytes_);
    asked_until_ = until;
    if (from < until)
        ::madvise(base_ + from, until - from, MADV_WILLNEED);
}

// ---- reading -----------------------------------------------------------------------------------

Result<std::unique_ptr<Reader>> Reader::open(const Environment& environment) {
    std::unique_ptr<Reader> reader{new Reader(environment)};
    auto reading = Reading::begin(environment);
    if (!reading)
        return fail(reading.error());
    reader->transaction_ = reading->release();
    return reader;
}

Reader::~Reader() {
    for (MDB_cursor* const cursor : cursors_)
        if (cursor)
            mdb_cursor_close(cursor);
    mdb_txn_abort(transaction_);
}

void Reader::end() noexcept {
    mdb_txn_reset(transaction_);
    is_renewed_ = {};
}

Status Reader::begin_again(const Environment& environment) {
    environment_ = &environment;
    if (const int code = mdb_txn_renew(transaction_); code != 0)
        return fail(error_of(code, "begin to read"));
    return {};
}

Result<MDB_cursor*> Reader::cursor(Table table) {
    const auto index = static_cast<std::size_t>(table);
    MDB_cursor*& cursor = cursors_[index];
    int code = 0;
    if (!cursor)
        code = mdb_cursor_open(transaction_, environment_->table(table), &cursor);
    else if (!is_renewed_[index])
        code = mdb_cursor_renew(transaction_, cursor);
    if (code != 0)
        return fail(error_of(code, "read a table"));
    is_renewed_[index] = true;
    return cursor;
}

Result<std::optional<ByteView>> Reader::get(Table table, ByteView key) const {
    if (key.empty()) // LMDB has none, and calls the question an error
        return std::optional<ByteView>{};
    MDB_val wanted = val(key);
    MDB_val found{};
    const int code = mdb_get(transaction_, environment_->table(table), &wanted, &found);
    if (code == MDB_NOTFOUND)
        return std::optional<ByteView>{};
    if (code != 0)
        return fail(error_of(code, "read a row"));
    return std::optional<ByteView>{view(found)};
}

Result<std::optional<Entry>> Reader::at_or_after(Table table, ByteView key) {
    const auto at = cursor(table);
    if (!at)
        return fail(at.error());
    MDB_val found_key = val(key);
    MDB_val found{};
    const int code =
        mdb_cursor_get(*at, &found_key, &found, key.empty() ? MDB_FIRST : MDB_SET_RANGE);
    if (code == MDB_NOTFOUND)
        return std::optional<Entry>{};
    if (code != 0)
        return fail(error_of(code, "read a row"));
    return std::optional<Entry>{Entry{view(found_key), view(found)}};
}

Result<std::optional<Entry>> Reader::before(Table table, ByteView key) {
    if (key.empty())
        return std::optional<Entry>{};
    const auto at = cursor(table);
    if (!at)
        return fail(at.error());
    MDB_val found_key = val(key);
    MDB_val found{};
    int code = mdb_cursor_get(*at, &found_key, &found, MDB_SET_RANGE);
    if (code == 0 || code == MDB_NOTFOUND)
        code = mdb_cursor_get(*at, &found_key, &found, code == 0 ? MDB_PREV : MDB_LAST);
    if (code == MDB_NOTFOUND)
        return std::optional<Entry>{};
    if (code != 0)
        return fail(error_of(code, "read a row"));
    return std::optional<Entry>{Entry{view(found_key), view(found)}};
}

} // namespace flotilla::queue::lmdb
