// SPDX-License-Identifier: Apache-2.0
//
// Turn: what one turn of the queue engine reads and what it will commit.
//
// Point facts are read by key from the last commit plus the turn's own changes (get); ranges are
// read from the snapshot alone, and only by what can live with the last commit: deliveries and
// resumable jobs. Blocks, bitmaps and attempts are not looked up here: the machine knows its own.
//
// A turn may stay open over several rounds (durability=relaxed); its snapshot does not.
#pragma once

#include <flotilla/base/check.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/queue/engine/store.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flotilla::queue {

class Turn {
public:
    // ---- time, as the engine was told; the wall clock never runs backward
    Instant now{};
    WallTime wall{};
    std::int64_t wall_ms() const noexcept {
        return std::chrono::duration_cast<std::chrono::milliseconds>(wall.time_since_epoch())
            .count();
    }
    // When a delay that begins now is over: no millisecond before that.
    std::int64_t due_ms(Duration delay) const noexcept {
        using std::chrono::ceil, std::chrono::milliseconds;
        return ceil<milliseconds>(wall.time_since_epoch()).count() +
               ceil<milliseconds>(delay).count();
    }

    // ---- reading
    void look_at(const Snapshot* snapshot) noexcept { snapshot_ = snapshot; }
    bool can_read() const noexcept { return snapshot_ != nullptr; }
    const Snapshot& snapshot() const {
        FLOTILLA_CHECK(snapshot_ != nullptr, "a turn reads without a snapshot");
        return *snapshot_;
    }
    // The value as this turn has left it, of a table whose changes are remembered. A read that
    // fails is kept in broken() and looks like nothing.
    std::optional<std::string> get(Table table, ByteView key);

    // ---- changing
    void put(Table table, std::string key, std::string value);
    void erase(Table table, std::string key);
    // For those who keep their own changes apart, and never ask get() about them.
    Mutations& changes() noexcept { return mutations_; }
    const Mutations& mutations() const noexcept { return mutations_; }
    std::uint64_t bytes() const noexcept { return mutations_.bytes(); }
    // After a commit.
    void start_over();

    // The store could not be read: nothing of this turn may be committed or said.
    void break_off(Error error) {
        if (!broken_)
            broken_ = std::move(error);
    }
    const std::optional<Error>& broken() const noexcept { return broken_; }

private:
    // queue, name, delayed, producer, duplicate: what is looked up by key.
    static bool is_remembered(Table table) noexcept;

    const Snapshot* snapshot_ = nullptr;
    Mutations mutations_{};
    std::unordered_map<std::string, std::size_t> changed_{}; // table, key -> index of the change
    std::optional<Error> broken_{};
};

} // namespace flotilla::queue
