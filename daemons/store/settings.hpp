// SPDX-License-Identifier: Apache-2.0
//
// The settings of flotilla-store: what a file and the flags said, one laid over the other, and made
// into server and store options. Reads no file but the keys that the settings name.
//
// Every setting of one value stands once in setting_list.hpp; flags, variables, file keys and
// --print-config follow from that. Queues, doors and patterns are tables of a file.
#pragma once

#include "host/common_settings.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/base/settings.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/queue/engine/lmdb_store.hpp>
#include <flotilla/queue/model.hpp>
#include <flotilla/queue/server.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::store_daemon {

inline constexpr const char* program_name = "flotilla-store";

// A queue that is there when the store is ready, with these properties.
struct DeclaredQueue {
    std::string name{};
    queue::QueueProperties properties{};
};

// What is absent takes the default of QueueServerOptions and LmdbOptions.
struct DaemonSettings : host::CommonSettings {
    std::optional<std::vector<net::Endpoint>> bind{};
    std::optional<std::string> data{}; // the directory

    std::optional<std::string> default_queue{};

    std::optional<std::uint64_t> file_bytes_max{};
    std::optional<std::uint64_t> write_ahead_bytes{};
    std::optional<std::uint64_t> disk_reserve_bytes{};

    std::optional<std::uint64_t> queues_max{};
    std::optional<std::uint64_t> message_bytes_max{};
    std::optional<std::uint64_t> sessions_max{};
    std::optional<std::uint64_t> credit_max{};
    std::optional<std::uint64_t> leased_max{};
    std::optional<std::uint64_t> takes_max{};
    std::optional<std::uint64_t> acked_waits_max{};
    std::optional<std::uint64_t> producers_max{};
    std::optional<Duration> producers_age_max{};
    std::optional<std::uint64_t> turn_commands_max{};
    std::optional<std::uint64_t> turn_bytes_max{};
    std::optional<Duration> heartbeat{};
    std::optional<Duration> silence_max{};
    std::optional<Duration> return_grace{};
    std::optional<std::uint64_t> backlog_messages_max{};
    std::optional<std::uint64_t> backlog_bytes_max{};
    std::optional<std::uint64_t> backlogs_bytes_max{};

    std::vector<std::string> auto_create{}; // patterns with default properties; flags only
    // Only a file has these.
    std::vector<DeclaredQueue> queues{};
    std::vector<queue::StoreLimits::AutoCreate> patterns{};
    std::vector<queue::Door> doors{};
};

inline constexpr std::size_t declared_queues_max = 10'000; // tables of a file
inline constexpr std::size_t patterns_max = 1'000;
inline constexpr std::size_t doors_max = 64;

// A settings file. Relative paths in it are taken from the folder of `file`.
// Errors: bad_setting, a line an error, each with FILE:LINE:COLUMN.
Result<DaemonSettings> parse_settings(std::string_view text, const std::string& file);

// Flags over file; tables are the file's.
DaemonSettings lay_over(DaemonSettings flags, DaemonSettings file);

// With every default filled in.
DaemonSettings in_effect(DaemonSettings settings);

// Errors: bad_option (nowhere to bind, keys that do not belong together), insecure, and those of
// net/curve.
Result<queue::QueueServerOptions> make_options(const DaemonSettings& settings);
queue::LmdbOptions store_options(const DaemonSettings& settings);

// The settings in effect as a file that parse_settings reads.
std::string format_settings(const DaemonSettings& settings);

} // namespace flotilla::store_daemon
