// SPDX-License-Identifier: Apache-2.0
//
// PublisherTable: which publishers one subscriber hears, and whether each is alive.
//
//            message                 no message for a window
//   (new) ───────────► alive ─────────────────────────────────► silent
//                        ▲ ◄──────────── message ─────────────── │
//                        │                                       │ nothing at all for a window
//                        └───────────── anything ──────── dead ◄─┘
//
// A window is `missed_heartbeats_max` times the interval that the publisher's heartbeats announce.
// So a publisher with nothing to say is silent, and one that cannot be heard is dead. Pure: told
// the time. Bounded: the publisher not heard for longest is forgotten.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/time.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flotilla::pubsub {

enum class Liveness : std::uint8_t {
    alive,  // messages come
    silent, // only heartbeats come
    dead,   // neither comes
};

struct PublisherReport {
    std::uint64_t epoch = 0; // names one run of one publisher
    Liveness liveness = Liveness::dead;
    std::uint64_t messages_total = 0;
    std::uint64_t lost_total = 0;
    Duration heartbeat_interval{}; // as announced; zero until its first heartbeat
    Instant last_heard{};
};

class PublisherTable {
public:
    // The interval of a publisher whose heartbeat has not come yet.
    static constexpr Duration default_interval = 1s;

    PublisherTable(std::size_t publishers_max, std::uint32_t missed_heartbeats_max)
        : publishers_(publishers_max), missed_heartbeats_max_(missed_heartbeats_max) {}

    void message(std::uint64_t epoch, std::uint64_t lost, Instant now);
    void heartbeat(std::uint64_t epoch, Duration interval, std::uint64_t lost, Instant now);

    // Most recently heard first.
    std::vector<PublisherReport> report(Instant now) const;

private:
    struct Publisher {
        Instant last_heard{};
        Instant last_message{};
        bool has_sent = false; // else last_message means nothing
        Duration interval{};
        std::uint64_t messages_total = 0;
        std::uint64_t lost_total = 0;
    };
    Publisher& heard(std::uint64_t epoch, Instant now);
    Liveness liveness(const Publisher& publisher, Instant now) const noexcept;

    BoundedTable<std::uint64_t, Publisher> publishers_;
    std::uint32_t missed_heartbeats_max_;
};

} // namespace flotilla::pubsub
