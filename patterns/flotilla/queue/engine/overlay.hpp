// SPDX-License-Identifier: Apache-2.0
//
// Overlay: changes that are committed elsewhere (journal.hpp) and not yet in the store below, and a
// snapshot of that store as they make it. Bounded by who fills it. Pure; one thread at a time.
#pragma once

#include <flotilla/queue/engine/store.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace flotilla::queue {

class Overlay {
public:
    // Of a key: its value, or nothing where it was erased.
    using Rows = std::map<std::string, std::optional<std::string>, std::less<>>;

    void apply(const Mutations::Change& change);
    void apply(const Mutations& mutations);
    void clear() noexcept;

    bool empty() const noexcept { return rows_count_ == 0; }
    std::uint64_t rows() const noexcept { return rows_count_; }
    std::uint64_t bytes() const noexcept { return bytes_; } // of keys and values
    const Rows& rows(Table table) const noexcept { return rows_[static_cast<std::size_t>(table)]; }
    // Everything, as one turn; later changes of a key have replaced earlier ones.
    Mutations changes() const;

    // `below` with these changes. The overlay must outlive it, and stay as it is meanwhile.
    std::unique_ptr<Snapshot> over(std::unique_ptr<Snapshot> below) const;

private:
    std::array<Rows, tables> rows_{};
    std::uint64_t rows_count_ = 0;
    std::uint64_t bytes_ = 0;
};

} // namespace flotilla::queue
