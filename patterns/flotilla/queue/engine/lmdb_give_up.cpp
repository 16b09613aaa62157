// SPDX-License-Identifier: Apache-2.0
// Going on without a journal, said by an operator: what follows from it for what is left.
#include <flotilla/queue/engine/data_directory.hpp>
#include <flotilla/queue/engine/journal.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/lmdb_tree.hpp>
#include <flotilla/queue/engine/lmdb_view.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace flotilla::queue {
namespace {

namespace fs = std::filesystem;

constexpr int names_max = 1000; // of files that are kept
// Numbers that may have been given to messages: a journal holds millions (one row may be a block of
// 4,096), and an older data.mdb may lack any number of turns.
constexpr std::uint64_t numbers_skipped = std::uint64_t{1} << 32;

struct Finding {
    std::optional<JournalMark> mark{};
    JournalLook look{};
    Overlay kept{}; // what the file has all the same
};

// What keeps the store from being opened. Errors: refused, when nothing does.
Status find(const Snapshot& snapshot, const fs::path& directory, Finding& found) {
    const auto mark = lmdb::journal_mark_in(snapshot);
    if (!mark)
        return fail(mark.error());
    found.mark = *mark;
    auto look = look_at_journal(directory, found.mark, found.kept);
    if (!look)
        return fail(look.error());
    found.look = std::move(*look);
    if (!found.look.fault)
        return fail(Errc::refused, directory.string() + " can be opened as it is: there is nothing "
                                                        "to give up");
    return {};
}

// Any message may have been delivered, and numbers behind the last one that is known been given.
Status doubt_queues(const Snapshot& snapshot, Mutations& all) {
    std::string at;
    for (;;) {
        const auto entry = snapshot.at_or_after(Table::queue, at);
        if (!entry)
            return fail(entry.error());
        if (!*entry)
            return {};
        at.assign((*entry)->key);
        const auto id = read_queue_key(ByteView{at}.substr(0, queue_key(0).size()));
        Queue queue;
        if (id && at.size() > queue_key(0).size() && decode_state((*entry)->value, queue)) {
            const auto row = snapshot.get(Table::queue, queue_key(*id));
            const auto definition = row && *row ? decode_definition(**row)
                                                : Result<QueueDefinition>{fail(Errc::not_found)};
            // At most once: what lies below a horizon would not be delivered at all.
            const bool is_auto =
                definition && definition->properties.acknowledge == Acknowledge::automatic;
            queue.next += numbers_skipped;
            for (LaneState& lane : queue.lanes)
                if (!is_auto)
                    lane.horizon = queue.next;
            all.put(Table::queue, at, encode_state(queue, Horizons::bounds));
        }
        at.push_back('\0');
    }
}

// The file stays, under another name. Errors: io.
Result<fs::path> keep_file(const fs::path& directory) {
    const fs::path path = directory / journal_name;
    for (int i = 1; i <= names_max; ++i) {
        fs::path other = path.string() + ".given-up-" + std::to_string(i);
        if (::link(path.c_str(), other.c_str()) == 0)
            return other;
        if (errno == ENOENT)
            return fs::path{};
        if (errno != EEXIST)
            return fail(system_error(errno, "name", other));
    }
    return fail(Errc::io, directory.string() + " has too many journals that were given up");
}

// Nothing was changed: said, with what to do, and the second name of the file is not left behind.
Error undone(Error why, const fs::path& kept_as) {
    if (!kept_as.empty())
        ::unlink(kept_as.c_str());
    if (why.code == Errc::disk_full)
        why.detail += "; nothing was changed: make some room on this disk, 16 MiB is enough, and "
                      "say it again";
    return why;
}

} // namespace

Result<GivenUp> give_up_journal(const fs::path& directory, LmdbOptions options) {
    auto tree = lmdb::Tree::open(directory, options);
    if (!tree)
        return fail(tree.error());
    Finding found;
    Mutations all;
    {
        auto below = (*tree)->read();
        if (!below)
            return fail(below.error());
        if (const Status looked = find(**below, directory, found); !looked)
            return fail(looked.error());
        const auto told = lmdb::journal_given_up_in(**below);
        if (!told)
            return fail(told.error());
        all = found.kept.changes();
        const auto snapshot = found.kept.over(std::move(*below));
        if (const Status doubted = doubt_queues(*snapshot, all); !doubted)
            return fail(doubted.error());
        JournalGivenUp now = told->value_or(JournalGivenUp{});
        now.wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
        ++now.times;
        now.turn = found.look.turn;
        all.put(Table::meta, std::string(lmdb::given_up_key), lmdb::encode_given_up(now));
    }
    GivenUp done;
    done.fault = found.look.fault->detail;
    if (found.mark) {
        done.turns_kept = found.look.turn - found.mark->turn;
        JournalMark mark = *found.mark;
        mark.turn = found.look.turn + 1;
        // Beyond any that the file may have, so that it is not taken for this store's again.
        mark.generation = std::max(mark.generation, found.look.generation) + 2;
        mark.use = JournalMark::Use::at_rest;
        all.put(Table::meta, std::string(JournalMark::key), encode_journal_mark(mark));
        all.put(Table::meta, std::string(lmdb::format_key), lmdb::format_row(LmdbStore::format));
    }
    auto kept = keep_file(directory);
    if (!kept)
        return fail(undone(kept.error(), {}));
    done.kept_as = std::move(*kept);
    if (const auto committed = (*tree)->commit(all); !committed)
        return fail(undone(committed.error(), done.kept_as));
    if (!done.kept_as.empty() && ::unlink((directory / journal_name).c_str()) != 0)
        return fail(system_error(errno, "take the name from", directory / journal_name));
    if (const Status synced = DataDirectory::sync(directory); !synced)
        return fail(synced.error());
    return done;
}

} // namespace flotilla::queue
