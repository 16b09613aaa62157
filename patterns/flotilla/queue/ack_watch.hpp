// SPDX-License-Identifier: Apache-2.0
//
// AckWatch: puts of a producer that wait to be acknowledged, and what became of each: said once. It
// is told what the store says, of messages by lane and id, and when the store can say no more. No
// I/O, no clock.
//
//     added ──stored, with an id──► watched ──told──► acknowledged | dead
//       │                              │
//       └──refused, or not known───────┴── deadline, connection lost ──► refused | unknown
//          or not watched
//
// Bounded by who adds. One thread at a time.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/producer.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flotilla::queue {

class AckWatch {
public:
    void add(std::uint64_t ticket, Instant until);
    std::size_t size() const noexcept { return entries_.size(); }
    // What became of the put itself; of a ticket that was not added, nothing. A store that watches
    // too many others already tells no more of it.
    enum class Store : std::uint8_t { watches, is_full };
    void confirmed(const Confirm& confirm, std::uint32_t lane, Store store = Store::watches);
    // What the store says later.
    void told(std::uint32_t lane, MessageId id, Acked acked);
    // Nobody will tell of those that are in the store.
    void lose(const Error& why);
    void lose_all(const Error& why);
    void tick(Instant now);
    Instant next_deadline() const noexcept {
        return deadlines_.empty() ? never : deadlines_.begin()->first;
    }
    std::vector<Acknowledgement> take() { return std::exchange(over_, {}); }
    bool has_news() const noexcept { return !over_.empty(); }

private:
    using Outcome = Acknowledgement::Outcome;
    using Place = std::pair<std::uint32_t, MessageId>;
    using Deadlines = std::multimap<Instant, std::uint64_t>;
    struct Entry {
        Deadlines::iterator deadline{};
        std::optional<Place> place{};
    };
    void end(std::uint64_t ticket, Outcome outcome, Error error);

    std::unordered_map<std::uint64_t, Entry> entries_{};
    std::map<Place, std::uint64_t> places_{};
    Deadlines deadlines_{};
    std::vector<Acknowledgement> over_{};
};

} // namespace flotilla::queue
