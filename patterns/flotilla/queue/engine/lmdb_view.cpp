// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/journal.hpp>
#include <flotilla/queue/engine/lmdb_reader.hpp>
#include <flotilla/queue/engine/lmdb_view.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/wire/pack.hpp>

#include <utility>

namespace flotilla::queue::lmdb {
namespace {

class ReaderSnapshot final : public Snapshot {
public:
    explicit ReaderSnapshot(std::unique_ptr<Reader> reader) : reader_(std::move(reader)) {}
    Result<std::optional<ByteView>> get(Table table, ByteView key) const override {
        return reader_->get(table, key);
    }
    Result<std::optional<Entry>> at_or_after(Table table, ByteView key) const override {
        return reader_->at_or_after(table, key);
    }
    Result<std::optional<Entry>> before(Table table, ByteView key) const override {
        return reader_->before(table, key);
    }

private:
    std::unique_ptr<Reader> reader_;
};

constexpr std::uint8_t given_up_version = 1;

} // namespace

Result<std::optional<JournalMark>> journal_mark_in(const Snapshot& snapshot) {
    const auto row = snapshot.get(Table::meta, JournalMark::key);
    if (!row)
        return fail(row.error());
    if (!*row)
        return std::optional<JournalMark>{};
    const auto mark = decode_journal_mark(**row);
    if (!mark)
        return fail(mark.error());
    return std::optional{*mark};
}

Result<std::optional<JournalGivenUp>> journal_given_up_in(const Snapshot& snapshot) {
    const auto row = snapshot.get(Table::meta, given_up_key);
    if (!row)
        return fail(row.error());
    if (!*row)
        return std::optional<JournalGivenUp>{};
    const auto sealed = unseal(**row);
    if (!sealed)
        return fail(Errc::damaged, "the row about a journal that was given up is damaged");
    wire::Reader in(*sealed);
    (void)in.u8();
    JournalGivenUp told;
    told.wall_ms = static_cast<std::int64_t>(in.u64());
    told.times = in.u32();
    told.turn = in.u64();
    if (!in.ok_at_end())
        return fail(Errc::damaged, "the row about a journal that was given up is not whole");
    return std::optional{told};
}

std::string encode_given_up(const JournalGivenUp& given_up) {
    wire::Writer out;
    out.u8(given_up_version).u64(static_cast<std::uint64_t>(given_up.wall_ms));
    out.u32(given_up.times).u64(given_up.turn);
    return seal(out.take());
}

Result<std::unique_ptr<Snapshot>> snapshot_of(const Environment& environment) {
    auto reader = Reader::open(environment);
    if (!reader)
        return fail(reader.error());
    return std::unique_ptr<Snapshot>{std::make_unique<ReaderSnapshot>(std::move(*reader))};
}

Result<View> View::open(const Environment& environment, const std::filesystem::path& directory) {
    constexpr int attempts_max = 1000; // each lost to a checkpoint between two looks
    std::optional<std::uint64_t> looked_at;
    for (int attempts = 0;; ++attempts) {
        auto below = snapshot_of(environment);
        if (!below)
            return fail(below.error());
        View view;
        view.snapshot_ = std::move(*below);
        const auto mark = journal_mark_in(*view.snapshot_);
        if (!mark)
            return fail(mark.error());
        auto look = look_at_journal(directory, *mark, *view.overlay_);
        if (!look)
            return fail(look.error());
        // Who writes may have given the tree everything between the two looks, and begun the
        // journal again. With the same mark as the last time, nobody has.
        const std::uint64_t turn = *mark ? (*mark)->turn : 0;
        if (look->fault && looked_at != turn && attempts < attempts_max) {
            looked_at = turn;
            continue;
        }
        if (look->fault) {
            view.journal_error_ = with_advice(*look->fault, directory);
            view.overlay_->clear();
            return view;
        }
        view.turns_ = std::move(look->turns);
        view.snapshot_ = view.overlay_->over(std::move(view.snapshot_));
        return view;
    }
}

} // namespace flotilla::queue::lmdb
