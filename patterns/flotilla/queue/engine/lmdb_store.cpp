// SPDX-License-Identifier: Apache-2.0
// A journal in front of a tree. What was committed is the tree's last commit with the overlay over
// it; journal and overlay hold the same turns.
//
// The tree's mark says in_use before the first turn goes to the journal, and at_rest once nothing
// is in it that the tree lacks: at the end, and while the journal is done without.
#include <flotilla/net/system.hpp>
#include <flotilla/queue/engine/journal.hpp>
#include <flotilla/queue/engine/lmdb_environment.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/engine/lmdb_tree.hpp>
#include <flotilla/queue/engine/lmdb_view.hpp>
#include <flotilla/queue/engine/overlay.hpp>

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

namespace flotilla::queue {
namespace {

// A turn that is larger would be written twice for little: its pages take longer than a sync.
constexpr std::uint64_t journalled_bytes_max = std::uint64_t{16} << 10;
// Reading goes through these, and the tree gets them in one turn.
constexpr std::uint64_t overlay_rows_max = 1024;
// The tree may touch a page for each.
constexpr std::uint64_t row_bytes = 4096;
// Journals whose worth of room the tree has to have besides.
constexpr std::uint64_t room_factor = 16;
// A generation costs a sync: of turns that are too large, and empty the journal, one in so many
// begins one, so that an older copy of the file is told soon.
constexpr std::uint64_t emptied_per_generation = 16;
// After a checkpoint, or a journal, that failed: tried again when so many calls were made.
constexpr std::uint64_t pause_calls = 256;

std::uint64_t random_number() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

std::uint64_t over(std::uint64_t a, std::uint64_t b) noexcept {
    return a > b ? a - b : 0;
}

} // namespace

struct LmdbStore::Rest {
    Rest(std::unique_ptr<lmdb::Tree> with, std::filesystem::path in, const LmdbOptions& options)
        : tree(std::move(with)), directory(std::move(in)),
          journal_bytes(std::min(options.journal_bytes, options.bytes_max / 256)) {}

    Status begin();
    Status write(const Mutations& mutations);
    Result<JournalMark> committed_mark() const;
    Status settle();
    Status commit(Mutations&& before, const Mutations& mutations, std::uint64_t turn);
    void has_all(const JournalMark& now);
    void begin_generation();
    void give_up_journal();
    bool belongs_in_journal(const Mutations& mutations) const;
    Status commit_large(const Mutations& mutations);
    Status checkpoint();
    void close();
    bool owes_checkpoint() const;
    void open_journal();
    bool look_for_files();
    // What the tree will need for what it does not have yet.
    std::uint64_t pending_bytes() const noexcept {
        return 2 * overlay.bytes() + overlay.rows() * row_bytes;
    }

    std::unique_ptr<lmdb::Tree> tree;
    std::filesystem::path directory;
    std::uint64_t journal_bytes;
    std::optional<Journal> journal{}; // none: every turn goes to the tree
    Overlay overlay{};
    JournalMark mark{};       // the tree's, but `turn`: the last one, in the journal or in the tree
    bool is_marked = false;   // the tree has a mark, or gets one with the first commit
    bool owes_mark = false;   // a turn that failed may be in the journal
    bool is_in_doubt = false; // a commit of the tree with what the overlay holds
    bool is_deleted = false;
    std::uint64_t pause = 0;
    std::uint64_t emptied = 0; // times, by turns that were too large
    std::optional<JournalGivenUp> given_up{};
    TimeHistogram commit_times{};
};

// ---- opening -----------------------------------------------------------------------------------

bool LmdbStore::is_available() noexcept {
    return true;
}

LmdbStore::LmdbStore(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}

LmdbStore::~LmdbStore() {
    rest_->close();
}

// For a start that has nothing to replay, and needs no journal; if it fails, that start does it.
void LmdbStore::Rest::close() {
    if (is_in_doubt || (overlay.empty() && mark.use == JournalMark::Use::at_rest))
        return;
    journal.reset();
    (void)checkpoint();
}

Result<std::unique_ptr<LmdbStore>> LmdbStore::open(const std::filesystem::path& directory,
                                                   LmdbOptions options) {
    auto tree = lmdb::Tree::open(directory, options);
    if (!tree)
        return fail(tree.error());
    auto rest = std::make_unique<Rest>(std::move(*tree), directory, options);
    if (const Status begun = rest->begin(); !begun)
        return fail(begun.error());
    rest->open_journal();
    return std::unique_ptr<LmdbStore>{new LmdbStore(std::move(rest))};
}

// Gives the tree what the journal has beyond it: read from the system's cache, it need not be on
// disk yet, and what is confirmed from now on builds upon it.
Status LmdbStore::Rest::begin() {
    bool is_newest = false;
    {
        const auto snapshot = tree->read();
        if (!snapshot)
            return fail(snapshot.error());
        const auto format_row = (*snapshot)->get(Table::meta, lmdb::format_key);
        if (!format_row)
            return fail(format_row.error());
        is_newest = *format_row && **format_row == lmdb::format_row(format);
        const auto found = lmdb::journal_mark_in(**snapshot);
        const auto told = lmdb::journal_given_up_in(**snapshot);
        if (!found || !told)
            return fail(found ? told.error() : found.error());
        is_marked = found->has_value();
        mark = found->value_or(JournalMark{});
        given_up = *told;
    }
    const auto look =
        look_at_journal(directory, is_marked ? std::optional{mark} : std::nullopt, overlay);
    if (!look)
        return fail(look.error());
    if (look->fault)
        return fail(with_advice(*look->fault, directory));
    if (is_marked) {
        mark.turn = look->turn;
        owes_mark = mark.use != JournalMark::Use::at_rest && journal_bytes == 0;
    } else if (journal_bytes > 0) {
        mark.store = random_number();
        is_marked = owes_mark = true;
    }
    if (!is_newest)
        overlay.apply(
            {Table::meta, false, std::string(lmdb::format_key), lmdb::format_row(format)});
    return overlay.empty() && !owes_mark ? Status{} : checkpoint();
}

// Nothing goes into the journal before the tree says that it is in use.
void LmdbStore::Rest::open_journal() {
    if (journal_bytes == 0)
        return;
    auto opened = Journal::open(directory, journal_bytes, mark);
    if (!opened) // every turn goes to the tree: a disk that has no room for it, most likely
        return;
    journal.emplace(std::move(*opened));
    if (!checkpoint())
        journal.reset();
}

// ---- the tree ----------------------------------------------------------------------------------

Result<JournalMark> LmdbStore::Rest::committed_mark() const {
    const auto snapshot = tree->read();
    if (!snapshot)
        return fail(snapshot.error());
    const auto found = lmdb::journal_mark_in(**snapshot);
    if (!found)
        return fail(found.error());
    return found->value_or(JournalMark{});
}

void LmdbStore::Rest::give_up_journal() {
    journal.reset();
    owes_mark = true;
    pause = pause_calls;
}

// The journal's head goes first: the tree's mark is never ahead of it.
void LmdbStore::Rest::begin_generation() {
    if (journal && journal->generation() == mark.generation &&
        !journal->begin_generation(mark.generation + 1))
        give_up_journal();
}

// Everything that the tree lacks, and then these, as turn number `turn`.
Status LmdbStore::Rest::commit(Mutations&& before, const Mutations& mutations, std::uint64_t turn) {
    JournalMark next{mark.store, turn, mark.generation, JournalMark::Use::at_rest};
    if (journal) {
        next.use = JournalMark::Use::in_use;
        next.generation = journal->generation();
    }
    if (is_marked)
        before.put(Table::meta, std::string(JournalMark::key), encode_journal_mark(next));
    if (Status written = tree->write_both(before, mutations); !written) {
        is_in_doubt = true;
        pause = pause_calls;
        return written;
    }
    has_all(next);
    return {};
}

void LmdbStore::Rest::has_all(const JournalMark& now) {
    mark = now;
    owes_mark = false;
    overlay.clear();
    if (journal)
        journal->begin_again();
}

Status LmdbStore::Rest::checkpoint() {
    begin_generation();
    return commit(overlay.changes(), {}, mark.turn + 1);
}

// Whether the tree has the commit whose outcome was unknown: its mark says so.
Status LmdbStore::Rest::settle() {
    if (!is_in_doubt)
        return {};
    const auto found = committed_mark();
    if (!found)
        return fail(found.error());
    if (found->turn > mark.turn)
        has_all(*found);
    is_in_doubt = false;
    return {};
}

bool LmdbStore::Rest::belongs_in_journal(const Mutations& mutations) const {
    // Where room is short, each turn that finishes messages has to make room by itself: LMDB uses
    // what a commit freed from the next but one on.
    return mutations.bytes() <= journalled_bytes_max && journal && journal->has_room(mutations) &&
           tree->room() > room_factor * journal->bytes();
}

// While a journal is in use each has its number: an older tree is told by the gap.
Status LmdbStore::Rest::commit_large(const Mutations& mutations) {
    if (overlay.empty() && !owes_mark && !journal) {
        const auto committed = tree->commit(mutations);
        return committed ? Status{} : Status{fail(committed.error())};
    }
    if (!overlay.empty() && ++emptied % emptied_per_generation == 0)
        begin_generation();
    return commit(overlay.changes(), mutations, mark.turn + 1);
}

// ---- a turn ------------------------------------------------------------------------------------

Status LmdbStore::write(const Mutations& mutations) {
    const Instant begun = net::now();
    const Status written = rest_->write(mutations);
    rest_->commit_times.add(net::now() - begun);
    return written;
}

Status LmdbStore::Rest::write(const Mutations& mutations) {
    if (const Status settled = settle(); !settled)
        return settled;
    if (!belongs_in_journal(mutations))
        return commit_large(mutations);
    if (journal->append(mark.turn + 1, mutations)) {
        ++mark.turn;
        overlay.apply(mutations);
        return {};
    }
    // The turn may be in the journal or not. A commit of the tree that says it has a turn of this
    // number settles that, whichever comes first; until then the journal is not used.
    give_up_journal();
    return commit_large(mutations);
}

Result<std::unique_ptr<Snapshot>> LmdbStore::read() const {
    if (const Status settled = rest_->settle(); !settled)
        return fail(settled.error());
    auto below = rest_->tree->read();
    if (!below)
        return below;
    return rest_->overlay.over(std::move(*below));
}

// ---- room --------------------------------------------------------------------------------------

// In files that were deleted all goes on as ever, until the process ends: what is there can be
// finished, but nothing is to be confirmed that the next start will not find.
bool LmdbStore::Rest::look_for_files() {
    is_deleted = is_deleted || tree->is_deleted() || (journal && journal->is_deleted());
    return !is_deleted;
}

std::uint64_t LmdbStore::room() const {
    if (rest_->is_in_doubt || !rest_->look_for_files())
        return 0;
    return over(rest_->tree->room(), rest_->pending_bytes());
}

bool LmdbStore::is_deleted() const noexcept {
    return rest_->is_deleted;
}

bool LmdbStore::Rest::owes_checkpoint() const {
    return overlay.rows() > overlay_rows_max ||
           (journal && journal->used_bytes() > journal->bytes() / 4 * 3) ||
           pending_bytes() > tree->room() / 4;
}

void LmdbStore::housekeep() {
    Rest& rest = *rest_;
    if (!rest.settle())
        return;
    if (rest.pause > 0)
        --rest.pause;
    else if (!rest.overlay.empty() && rest.owes_checkpoint())
        (void)rest.checkpoint(); // what it has is on disk in any case
    else if (!rest.journal && !rest.owes_mark && rest.overlay.empty()) {
        rest.pause = pause_calls;
        rest.open_journal();
    }
    rest.tree->housekeep();
}

const TimeHistogram* LmdbStore::commit_times() const noexcept {
    return &rest_->commit_times;
}

std::optional<JournalGivenUp> LmdbStore::given_up() const {
    return rest_->given_up;
}

LmdbLevels LmdbStore::levels() const {
    LmdbLevels levels = rest_->tree->levels();
    if (rest_->journal) {
        levels.journal_bytes = rest_->journal->bytes();
        levels.journal_used_bytes = rest_->journal->used_bytes();
    }
    levels.is_deleted = rest_->is_deleted;
    return levels;
}

} // namespace flotilla::queue
