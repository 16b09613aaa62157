// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/journal.hpp>
#include <flotilla/queue/engine/lmdb_reader.hpp>
#include <flotilla/queue/engine/lmdb_view.hpp>

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

Result<std::optional<JournalMark>> mark_in(const Snapshot& snapshot) {
    const auto row = snapshot.get(Table::meta, JournalMark::key);
    if (!row)
        return fail(row.error());
    if (!*row)
        return std::optional<JournalMark>{};
    const auto mark = decode_journal_mark(**row);
    if (!mark)
        return fail(mark.error());
    return std::optional<JournalMark>{*mark};
}

} // namespace

Result<View> View::open(const Environment& environment, const std::filesystem::path& directory) {
    constexpr int attempts_max = 1000; // each lost to a checkpoint between two looks
    std::optional<std::uint64_t> looked_at;
    for (int attempts = 0;; ++attempts) {
        auto reader = Reader::open(environment);
        if (!reader)
            return fail(reader.error());
        View view;
        view.snapshot_ = std::make_unique<ReaderSnapshot>(std::move(*reader));
        const auto mark = mark_in(*view.snapshot_);
        if (!mark)
            return fail(mark.error());
        if (!*mark)
            return view;
        auto bytes = read_journal(directory);
        if (!bytes)
            return fail(bytes.error());
        const auto replayed = replay_journal(*bytes, **mark, *view.overlay_);
        // Who writes may have given the tree everything between the two looks, and begun the
        // journal again. With the same mark as the last time, nobody has.
        if (!replayed && looked_at != (*mark)->turn && attempts < attempts_max) {
            looked_at = (*mark)->turn;
            continue;
        }
        if (!replayed) {
            view.journal_error_ = replayed.error();
            view.overlay_->clear();
            return view;
        }
        bytes->resize(replayed->bytes);
        view.journal_ = std::move(*bytes);
        view.snapshot_ = view.overlay_->over(std::move(view.snapshot_));
        return view;
    }
}

} // namespace flotilla::queue::lmdb
