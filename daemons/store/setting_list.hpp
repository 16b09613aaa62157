// SPDX-License-Identifier: Apache-2.0
//
// The list of settings of flotilla-store, to be visited as host/setting_values.hpp says.
#pragma once

#include "host/common_settings.hpp"
#include "host/setting_values.hpp"
#include "store/settings.hpp"

namespace flotilla::store_daemon {

using host::Counts;
using host::Flags;
using host::Paths;
using host::Sizes;
using host::Texts;
using host::Times;
using host::Words;

template <class Visit>
void for_each_store_setting(Visit&& visit) {
    using S = DaemonSettings;
    constexpr std::uint64_t bytes_max = 1ULL << 50;
    visit("data", &S::data, Paths{"DIR"}, "The directory of the store; made if it is missing");
    visit("default_queue", &S::default_queue, Texts{},
          "What takers get that name no queue, as those of a WorkSource do (default: none)");
    visit("file_bytes_max", &S::file_bytes_max, Sizes{16ULL << 20, bytes_max},
          "Largest that its file may grow; then puts are refused (default: 64GiB)");
    visit("write_ahead_bytes", &S::write_ahead_bytes, Sizes{0, 16ULL << 30},
          "Written beyond the file's end in advance, which makes a commit faster "
          "(default: 64MiB)");
    visit("disk_reserve_bytes", &S::disk_reserve_bytes, Sizes{0, bytes_max},
          "Disk that must stay free; below it puts are refused (default: 64MiB)");
}

template <class Visit>
void for_each_limit(Visit&& visit) {
    using S = DaemonSettings;
    visit("queues_max", &S::queues_max, Counts{1, 10'000'000}, "Queues at once (default: 100000)");
    visit("message_bytes_max", &S::message_bytes_max, Sizes{1 << 10, 1ULL << 30},
          "A larger message is refused (default: 16MiB)");
    visit("sessions_max", &S::sessions_max, Counts{1, 65'536},
          "Consumers at once (default: 10000)");
    visit("credit_max", &S::credit_max, Counts{1, 1'000'000},
          "A consumer that asks to hold more gets this (default: 100000)");
    visit("leased_max", &S::leased_max, Counts{1, 100'000'000},
          "Messages with consumers, of all queues (default: 1000000)");
    visit("takes_max", &S::takes_max, Counts{1, 1'000'000}, "Takes that wait (default: 10000)");
    visit("acked_waits_max", &S::acked_waits_max, Counts{1, 10'000'000},
          "Messages watched until they are acknowledged (default: 100000)");
    visit("producers_max", &S::producers_max, Counts{1, 10'000'000},
          "Producers whose repeats are recognised (default: 100000)");
    visit("producers_age_max", &S::producers_age_max, Times{1min, std::chrono::hours{24 * 3650}},
          "For how long (default: 7d)");
    visit("turn_commands_max", &S::turn_commands_max, Counts{1, 1'000'000},
          "Most commands that one commit covers (default: 10000)");
    visit("turn_bytes_max", &S::turn_bytes_max, Sizes{64 << 10, 1ULL << 30},
          "Most bytes (default: 4MiB)");
    visit("heartbeat", &S::heartbeat, Times{10ms, 1h},
          "A consumer is to be heard this often (default: 1s)");
    visit("silence_max", &S::silence_max, Times{10ms, 24h},
          "One that is silent for longer is gone (default: 30s)");
    visit("return_grace", &S::return_grace, Times{0ms, 1h},
          "How long one whose connection ended may take to come back (default: 250ms)");
    visit("backlog_messages_max", &S::backlog_messages_max, Counts{1, 100'000},
          "Frames kept for a peer that does not read, beyond which its session ends "
          "(default: 100000)");
    visit("backlog_bytes_max", &S::backlog_bytes_max, Sizes{64 << 10, 1ULL << 30},
          "Bytes of these (default: 16MiB)");
    visit("backlogs_bytes_max", &S::backlogs_bytes_max, Sizes{1 << 20, 64ULL << 30},
          "Of all such peers together (default: 256MiB)");
}

// All of one value, but where to bind.
template <class Visit>
void for_each_setting(Visit&& visit) {
    for_each_store_setting(visit);
    for_each_limit(visit);
    host::for_each_common_setting<DaemonSettings>(visit);
}

} // namespace flotilla::store_daemon
