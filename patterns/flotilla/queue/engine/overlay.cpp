// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/overlay.hpp>

#include <utility>

namespace flotilla::queue {
namespace {

std::uint64_t size_of(const Overlay::Rows::value_type& row) noexcept {
    return row.first.size() + (row.second ? row.second->size() : 0);
}

std::optional<Entry> entry_of(const Overlay::Rows::value_type& row) {
    return Entry{row.first, *row.second};
}

class OverlaySnapshot final : public Snapshot {
public:
    OverlaySnapshot(const Overlay& overlay, std::unique_ptr<Snapshot> below)
        : overlay_(overlay), below_(std::move(below)) {}

    Result<std::optional<ByteView>> get(Table table, ByteView key) const override {
        const Overlay::Rows& rows = overlay_.rows(table);
        const auto at = rows.find(key);
        if (at == rows.end())
            return below_->get(table, key);
        return at->second ? std::optional<ByteView>{*at->second} : std::nullopt;
    }

    Result<std::optional<Entry>> at_or_after(Table table, ByteView key) const override {
        const Overlay::Rows& rows = overlay_.rows(table);
        auto mine = rows.lower_bound(key);
        auto under = below_->at_or_after(table, key);
        for (; under && mine != rows.end(); ++mine) {
            const bool is_hidden = *under && (*under)->key == mine->first;
            if (*under && (*under)->key < mine->first)
                return under;
            if (mine->second)
                return entry_of(*mine);
            if (is_hidden)
                under = below_->at_or_after(table, mine->first + '\0');
        }
        return under;
    }

    Result<std::optional<Entry>> before(Table table, ByteView key) const override {
        const Overlay::Rows& rows = overlay_.rows(table);
        auto mine = rows.lower_bound(key);
        auto under = below_->before(table, key);
        while (under && mine != rows.begin()) {
            --mine;
            const bool is_hidden = *under && (*under)->key == mine->first;
            if (*under && (*under)->key > mine->first)
                return under;
            if (mine->second)
                return entry_of(*mine);
            if (is_hidden)
                under = below_->before(table, mine->first);
        }
        return under;
    }

private:
    const Overlay& overlay_;
    std::unique_ptr<Snapshot> below_;
};

} // namespace

void Overlay::apply(const Mutations::Change& change) {
    Rows& rows = rows_[static_cast<std::size_t>(change.table)];
    const auto [at, is_new] = rows.try_emplace(change.key);
    if (is_new)
        ++rows_count_;
    else
        bytes_ -= size_of(*at);
    if (change.erase)
        at->second.reset();
    else
        at->second = change.value;
    bytes_ += size_of(*at);
}

void Overlay::apply(const Mutations& mutations) {
    for (const Mutations::Change& change : mutations.changes())
        apply(change);
}

void Overlay::clear() noexcept {
    for (Rows& rows : rows_)
        rows.clear();
    rows_count_ = 0;
    bytes_ = 0;
}

Mutations Overlay::changes() const {
    Mutations all;
    for (std::size_t i = 0; i < tables; ++i)
        for (const auto& [key, value] : rows_[i])
            if (value)
                all.put(static_cast<Table>(i), key, *value);
            else
                all.erase(static_cast<Table>(i), key);
    return all;
}

std::unique_ptr<Snapshot> Overlay::over(std::unique_ptr<Snapshot> below) const {
    if (empty())
        return below;
    return std::make_unique<OverlaySnapshot>(*this, std::move(below));
}

} // namespace flotilla::queue
