// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/data_directory.hpp>
#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/lmdb_reader.hpp>
#include <flotilla/queue/engine/lmdb_space.hpp>
#include <flotilla/queue/engine/lmdb_tree.hpp>

#include <lmdb.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace flotilla::queue::lmdb {
namespace {

constexpr std::uint64_t bytes_min = std::uint64_t{16} << 20;
constexpr std::uint64_t bytes_most = std::uint64_t{1} << 50;
// Readers that died are looked for this often, in calls of housekeep(): each pins pages.
constexpr std::uint64_t reader_check_calls = 256;

Status check(const LmdbOptions& options) {
    if (options.bytes_max < bytes_min || options.bytes_max > bytes_most)
        return fail(Errc::bad_option, "a store's bytes_max is 16 MiB to 1 PiB, not " +
                                          std::to_string(options.bytes_max));
    if (options.write_ahead_bytes > options.bytes_max)
        return fail(Errc::bad_option, "a store's write_ahead_bytes is at most its bytes_max");
    return {};
}

std::uint64_t size_of(const std::filesystem::path& file) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    return error ? 0 : size;
}

} // namespace

struct Tree::Rest {
    Rest(DataDirectory claimed, LmdbOptions given)
        : options(given), directory(std::move(claimed)), space(given) {}

    Status open_environment();
    // After a commit that LMDB says it cannot vouch for, only the file knows.
    Status recover();
    Status apply(const Mutations& first, const Mutations& second);
    void find_map();

    LmdbOptions options;
    DataDirectory directory;
    std::optional<Environment> environment{};
    std::vector<std::unique_ptr<Reader>> readers{}; // at rest; end before the environment
    PageWindow window{};
    Space space;
    std::size_t snapshots = 0;
    std::uint64_t calls = 0;
    bool is_in_doubt = false;
};

class TreeSnapshot final : public Snapshot {
public:
    TreeSnapshot(Tree::Rest& rest, std::unique_ptr<Reader> reader)
        : rest_(rest), reader_(std::move(reader)) {
        ++rest_.snapshots;
    }
    TreeSnapshot(const TreeSnapshot&) = delete;
    TreeSnapshot& operator=(const TreeSnapshot&) = delete;
    ~TreeSnapshot() override {
        reader_->end();
        rest_.readers.push_back(std::move(reader_));
        --rest_.snapshots;
        rest_.window.release();
    }

    Result<std::optional<ByteView>> get(Table table, ByteView key) const override {
        auto found = reader_->get(table, key);
        if (found && *found)
            looked_at(**found);
        return found;
    }
    Result<std::optional<Entry>> at_or_after(Table table, ByteView key) const override {
        return look(reader_->at_or_after(table, key));
    }
    Result<std::optional<Entry>> before(Table table, ByteView key) const override {
        return look(reader_->before(table, key));
    }

private:
    Result<std::optional<Entry>> look(Result<std::optional<Entry>> found) const {
        if (found && *found)
            looked_at((*found)->value);
        return found;
    }
    void looked_at(ByteView value) const noexcept {
        rest_.window.release();
        rest_.window.looked_at(value);
    }
    Tree::Rest& rest_;
    std::unique_ptr<Reader> reader_;
};

// ---- opening -----------------------------------------------------------------------------------

Tree::Tree(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}

Tree::~Tree() {
    FLOTILLA_CHECK(rest_->snapshots == 0, "a store is closed while a snapshot of it is open");
    rest_->readers.clear();
}

Result<std::unique_ptr<Tree>> Tree::open(const std::filesystem::path& directory,
                                         LmdbOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    auto claimed = DataDirectory::claim(directory);
    if (!claimed)
        return fail(claimed.error());
    auto rest = std::make_unique<Rest>(std::move(*claimed), options);
    const bool is_new = size_of(directory / data_name) == 0;
    if (is_new && std::filesystem::exists(directory / part_name))
        return fail(Errc::damaged, (directory / part_name).string() +
                                       " is half a copy, and there is no other store here: empty "
                                       "the directory, and back up or restore into it again");
    if (const Status opened = rest->open_environment(); !opened)
        return fail(opened.error());
    if (is_new)
        if (const Status synced = rest->directory.sync(); !synced)
            return fail(synced.error());
    rest->space.begin(*rest->environment);
    return std::unique_ptr<Tree>{new Tree(std::move(rest))};
}

Status Tree::Rest::open_environment() {
    readers.clear();
    environment.reset();
    window.forget_map();
    const std::uint64_t file_bytes = size_of(directory.path() / data_name);
    auto opened = Environment::open(directory.path(), Environment::Access::read_write,
                                    Space::first_map_bytes(options, file_bytes), LmdbStore::format);
    if (!opened)
        return fail(opened.error());
    environment.emplace(std::move(*opened));
    find_map();
    return {};
}

void Tree::Rest::find_map() {
    window.forget_map();
    const auto reading = Reading::begin(*environment);
    if (!reading)
        return;
    MDB_val key = val("format");
    MDB_val row{};
    if (mdb_get(reading->get(), environment->table(Table::meta), &key, &row) == 0)
        window.find_map(row.mv_data);
}

Status Tree::Rest::recover() {
    if (!is_in_doubt)
        return {};
    if (const Status opened = open_environment(); !opened)
        return opened;
    is_in_doubt = false;
    space.refresh(*environment);
    return {};
}

// ---- a turn ------------------------------------------------------------------------------------

Result<std::unique_ptr<Snapshot>> Tree::read() const {
    Rest& rest = *rest_;
    if (const Status recovered = rest.recover(); !recovered)
        return fail(recovered.error());
    std::unique_ptr<Reader> reader;
    if (rest.readers.empty()) {
        auto opened = Reader::open(*rest.environment);
        if (!opened)
            return fail(opened.error());
        reader = std::move(*opened);
    } else {
        reader = std::move(rest.readers.back());
        rest.readers.pop_back();
        if (const Status begun = reader->begin_again(*rest.environment); !begun)
            return fail(begun.error());
    }
    return std::unique_ptr<Snapshot>{std::make_unique<TreeSnapshot>(rest, std::move(reader))};
}

Status Tree::write(const Mutations& mutations) {
    return write_both(mutations, {});
}

Status Tree::write_both(const Mutations& first, const Mutations& second) {
    const std::uint64_t bytes = first.bytes() + second.bytes();
    const std::size_t rows = first.changes().size() + second.changes().size();
    Rest& rest = *rest_;
    FLOTILLA_CHECK(rest.snapshots == 0, "a commit while a snapshot is open");
    if (const Status recovered = rest.recover(); !recovered)
        return recovered;
    const std::uint64_t mapped = rest.environment->map_bytes();
    const Status prepared = rest.space.prepare(*rest.environment, bytes, rows);
    if (!prepared) {
        rest.is_in_doubt = true; // the map is gone
        return prepared;
    }
    if (rest.environment->map_bytes() != mapped)
        rest.find_map();
    if (const Status applied = rest.apply(first, second); !applied) {
        if (applied.error().code == Errc::disk_full &&
            (!rest.is_in_doubt || rest.space.is_disk_full(*rest.environment)))
            rest.space.overflowed(*rest.environment);
        return applied;
    }
    rest.space.committed(*rest.environment, bytes);
    rest.window.changed(rows);
    rest.window.release();
    return {};
}

Status Tree::Rest::apply(const Mutations& first, const Mutations& second) {
    MDB_txn* transaction = nullptr;
    int code = mdb_txn_begin(environment->get(), nullptr, 0, &transaction);
    if (code != 0) {
        is_in_doubt = true;
        return fail(error_of(code, "begin a commit"));
    }
    code = change_rows(transaction, *environment, first);
    if (code == 0)
        code = change_rows(transaction, *environment, second);
    if (code != 0) {
        mdb_txn_abort(transaction);
        return fail(error_of(code, "change a row"));
    }
    code = mdb_txn_commit(transaction);
    if (code == 0)
        return {};
    // A short write is what LMDB sees of a disk that becomes full.
    if (code == EIO && space.is_disk_full(*environment))
        code = ENOSPC;
    // It may have been the last of the two syncs that failed; LMDB will say no more.
    is_in_doubt = code != MDB_MAP_FULL && code != MDB_TXN_FULL;
    return fail(error_of(code, "commit"));
}

// ---- room --------------------------------------------------------------------------------------

bool Tree::is_deleted() const noexcept {
    return rest_->environment && queue::is_deleted(rest_->environment->descriptor());
}

std::uint64_t Tree::room() const {
    Rest& rest = *rest_;
    if (rest.is_in_doubt)
        return 0;
    if (rest.space.room() == 0)
        rest.space.refused(*rest.environment);
    return rest.space.room();
}

void Tree::housekeep() {
    Rest& rest = *rest_;
    if (rest.is_in_doubt)
        return;
    if (rest.calls++ % reader_check_calls == 0) {
        int dead = 0;
        mdb_reader_check(rest.environment->get(), &dead);
    }
    rest.space.between_turns(*rest.environment);
    rest.window.release();
}

LmdbLevels Tree::levels() const {
    LmdbLevels levels;
    const Rest& rest = *rest_;
    if (rest.is_in_doubt)
        return levels;
    levels.file_bytes = rest.space.file_bytes();
    levels.map_bytes = rest.environment->map_bytes();
    levels.used_bytes = rest.environment->end_bytes();
    if (const auto unused = rest.environment->free_bytes(); unused)
        levels.used_bytes -= std::min(*unused, levels.used_bytes);
    levels.disk_free_bytes = rest.space.disk_free_bytes();
    levels.finish_bytes = rest.space.finish_bytes();
    return levels;
}

} // namespace flotilla::queue::lmdb
