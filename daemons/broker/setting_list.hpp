// SPDX-License-Identifier: Apache-2.0
//
// The list of settings of flotilla-broker, to be visited as host/setting_values.hpp says.
#pragma once

#include "broker/settings.hpp"
#include "host/common_settings.hpp"
#include "host/setting_values.hpp"

namespace flotilla::broker_daemon {

using host::Counts;
using host::Flags;
using host::Paths;
using host::Sizes;
using host::Times;
using host::Words;

template <class Visit>
void for_each_service_setting(Visit&& visit) {
    using S = ServiceSettings;
    visit("request_expiry", &S::request_expiry, Times{10ms, 24h},
          "A request that is not answered by then is given up (default: 60s)");
    visit("requeue", &S::requeue, Flags{},
          "Give a dead worker's request to another (it may be done twice); otherwise it fails");
    visit("attempts_max", &S::attempts_max, Counts{1, 1'000},
          "With requeue, how often a request is given out (default: 5)");
    visit("prefetch", &S::prefetch, Counts{1, 10'000},
          "Requests that a worker of the RFCs may hold; idle workers are filled first "
          "(default: 1)");
    visit("busy_max", &S::busy_max, Times{1s, 24h},
          "Longest that a worker may work on a request without a word (default: 5m)");
    visit("queue_messages_max", &S::queue_messages_max, Counts{1, 1'000'000},
          "Requests that wait for a worker of one service (default: 10000)");
    visit("queue_bytes_max", &S::queue_bytes_max, Sizes{1 << 10, 1ULL << 40},
          "Bytes of these (default: 64MiB)");
    visit("when_full", &S::when_full, Words{{"refuse", "drop_oldest"}},
          "When that is full: refuse the new request (default), or drop_oldest");
}

template <class Visit>
void for_each_broker_setting(Visit&& visit) {
    using S = DaemonSettings;
    visit("heartbeat", &S::heartbeat, Times{10ms, 1h},
          "Between the broker and each worker (default: 2500ms)");
    visit("liveness", &S::liveness, Counts{1, 100},
          "An idle worker that is silent for so many heartbeats is dead (default: 3)");
}

template <class Visit>
void for_each_limit(Visit&& visit) {
    using S = DaemonSettings;
    constexpr std::uint64_t bytes_max = 1ULL << 40;
    visit("services_max", &S::services_max, Counts{1, 1'000'000},
          "Services known at once (default: 10000)");
    visit("workers_max", &S::workers_max, Counts{1, 1'000'000},
          "Workers registered at once (default: 65536)");
    visit("requests_max", &S::requests_max, Counts{1, 10'000'000},
          "Requests held at once, of all services (default: 100000)");
    visit("requests_bytes_max", &S::requests_bytes_max, Sizes{1 << 10, bytes_max},
          "Bytes of these (default: 512MiB)");
    visit("message_bytes_max", &S::message_bytes_max, Sizes{1, 1ULL << 30},
          "A larger body is refused (default: 64MiB)");
    visit("kept_answers_max", &S::kept_answers_max, Counts{0, 10'000'000},
          "Answers kept for clients that ask again with the same id (default: 10000)");
    visit("kept_bytes_max", &S::kept_bytes_max, Sizes{0, bytes_max},
          "Bytes of these (default: 64MiB)");
    visit("kept_for", &S::kept_for, Times{0ms, 24h}, "For how long (default: 60s)");
    visit("backlog_messages_max", &S::backlog_messages_max, Counts{1, 100'000},
          "Messages kept for a peer that does not read, beyond which it is dropped "
          "(default: 1000)");
    visit("backlog_bytes_max", &S::backlog_bytes_max, Sizes{64 << 10, 1ULL << 30},
          "Bytes of these (default: 16MiB)");
    visit("backlogs_bytes_max", &S::backlogs_bytes_max, Sizes{1 << 20, 64ULL << 30},
          "Of all such peers together (default: 256MiB)");
}

// All of DaemonSettings but the services and where to bind.
template <class Visit>
void for_each_setting(Visit&& visit) {
    for_each_broker_setting(visit);
    for_each_limit(visit);
    host::for_each_common_setting<DaemonSettings>(visit);
}

} // namespace flotilla::broker_daemon
