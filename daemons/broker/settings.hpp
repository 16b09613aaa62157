// SPDX-License-Identifier: Apache-2.0
//
// The settings of flotilla-broker: what a file and the flags said, one laid over the other, and
// made into broker options. Reads no file but the keys that the settings name.
//
// Every setting stands once in setting_list.hpp; flags, variables, file keys and --print-config
// follow from that.
#pragma once

#include "host/common_settings.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/base/settings.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/request/broker.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::broker_daemon {

inline constexpr const char* program_name = "flotilla-broker";

// One service, or what holds for those that have no table of their own.
struct ServiceSettings {
    std::optional<Duration> request_expiry{};
    std::optional<bool> requeue{};
    std::optional<std::uint64_t> attempts_max{};
    std::optional<std::uint64_t> prefetch{};
    std::optional<Duration> busy_max{};
    std::optional<std::uint64_t> queue_messages_max{};
    std::optional<std::uint64_t> queue_bytes_max{};
    std::optional<std::string> when_full{}; // "refuse", "drop_oldest"
};

struct NamedService {
    std::string name{};
    ServiceSettings settings{};
};

// What is absent takes the default of BrokerOptions.
struct DaemonSettings : host::CommonSettings {
    std::optional<std::vector<net::Endpoint>> bind{};
    std::optional<Duration> heartbeat{};
    std::optional<std::uint64_t> liveness{};

    ServiceSettings service{};            // defaults
    std::vector<NamedService> services{}; // only a file has these

    std::optional<std::uint64_t> services_max{};
    std::optional<std::uint64_t> workers_max{};
    std::optional<std::uint64_t> requests_max{};
    std::optional<std::uint64_t> requests_bytes_max{};
    std::optional<std::uint64_t> message_bytes_max{};
    std::optional<std::uint64_t> kept_answers_max{};
    std::optional<std::uint64_t> kept_bytes_max{};
    std::optional<Duration> kept_for{};
    std::optional<std::uint64_t> backlog_messages_max{};
    std::optional<std::uint64_t> backlog_bytes_max{};
    std::optional<std::uint64_t> backlogs_bytes_max{};
};

inline constexpr std::size_t services_max = 10'000; // tables of a file

// Texts of endpoints that are bound; '@' in front may say so. Errors: bad_endpoint (not one, or
// '>', which would connect).
Result<std::vector<net::Endpoint>> parse_binds(const std::vector<std::string>& texts);

// A settings file. Relative paths in it are taken from the folder of `file`.
// Errors: bad_setting, a line an error, each with FILE:LINE:COLUMN.
Result<DaemonSettings> parse_settings(std::string_view text, const std::string& file);

// Flags over file; tables of services are the file's. A table wins over a default for all services,
// wherever that was given.
DaemonSettings lay_over(DaemonSettings flags, DaemonSettings file);

// With every default filled in.
DaemonSettings in_effect(DaemonSettings settings);

// What the broker runs with; reads keys. Errors: bad_option (nowhere to bind, keys that do not
// belong together), insecure, and those of net/curve.
Result<request::BrokerOptions> make_options(const DaemonSettings& settings);

// The settings in effect as a file that parse_settings reads.
std::string format_settings(const DaemonSettings& settings);

} // namespace flotilla::broker_daemon
