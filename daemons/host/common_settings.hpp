// SPDX-License-Identifier: Apache-2.0
//
// The settings that every daemon has, under the same names. A daemon's DaemonSettings derives from
// CommonSettings, and its list of settings visits for_each_common_setting (setting_values.hpp says
// how lists are visited).
#pragma once

#include "host/setting_values.hpp"

#include <flotilla/base/time.hpp>
#include <flotilla/net/gate.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace flotilla::host {

// What is absent takes the default that its help names.
struct CommonSettings {
    std::optional<std::string> instance{};

    std::optional<std::string> curve_key{};
    std::optional<std::string> allow_client_keys{};
    std::optional<bool> allow_any_client_key{};
    std::optional<bool> allow_plaintext{};
    std::optional<std::string> access{};
    std::optional<std::uint64_t> connections_max{};
    std::optional<std::uint64_t> address_connections_max{};
    std::optional<std::uint64_t> address_failures_max{};
    std::optional<Duration> address_penalty{};

    std::optional<std::string> admin{};
    std::optional<std::string> admin_http{};
    std::optional<std::string> admin_token{};
    std::optional<std::string> admin_hosts{};
    std::optional<bool> hop_record{};

    std::optional<Duration> drain{};
    std::optional<std::uint64_t> io_threads{};
    std::optional<std::string> log_level{};
    std::optional<std::string> log_format{};
};

template <class S, class Visit>
void for_each_security_setting(Visit&& visit) {
    visit("curve_key", &S::curve_key, SecretPaths{}, "Our secret certificate (mode 0600)");
    visit("allow_client_keys", &S::allow_client_keys, Paths{},
          "Public keys of who may connect, and their users: a list, or a folder of certificates; "
          "read again when it changes");
    visit("allow_any_client_key", &S::allow_any_client_key, Flags{},
          "Accept every peer that knows our public key");
    visit("allow_plaintext", &S::allow_plaintext, Flags{},
          "Go without encryption beyond this machine");
    visit("access", &S::access, Paths{},
          "Rules: who may do what, and from where; read again when it changes");
    visit("connections_max", &S::connections_max, Counts{1, 1'000'000},
          "Connections at once, beside 64 of the admin listener; further ones are hung up on "
          "(default: 65536, or what the limit of open files leaves)");
    visit("address_connections_max", &S::address_connections_max, Counts{1, 1'000'000},
          "Of one address beyond loopback (default: 4096)");
    visit("address_failures_max", &S::address_failures_max, Counts{1, 1'000'000},
          "Failed handshakes of one address within a minute, beyond which it waits (default: 20)");
    visit("address_penalty", &S::address_penalty, Times{1s, 24h},
          "How long it waits at first; each time twice as long, up to 16 times (default: 5s)");
}

template <class S, class Visit>
void for_each_admin_setting(Visit&& visit) {
    visit("instance", &S::instance, Texts{},
          "What this instance is called (default: the program's name)");
    visit("admin", &S::admin, Texts{},
          "Where administrators connect, ipc:// or like --bind (default: nowhere)");
    visit("admin_http", &S::admin_http, Texts{},
          "ADDRESS:PORT of metrics, health and the console (default: nowhere)");
    visit("admin_token", &S::admin_token, SecretPaths{},
          "File (mode 0600) with the token that changes and message bodies need");
    visit("admin_hosts", &S::admin_hosts, Texts{},
          "Names, with commas, under which admin_http may be asked for besides addresses");
    visit("hop_record", &S::hop_record, Flags{},
          "Note in each message with an envelope when it came and went, for zmq trace");
}

template <class S, class Visit>
void for_each_daemon_setting(Visit&& visit) {
    visit("drain", &S::drain, Times{0ms, 1h},
          "Longest that a stop waits for what is under way (default: 5s)");
    visit("io_threads", &S::io_threads, Counts{1, 16}, "Threads for the network (default: 1)");
}

template <class S, class Visit>
void for_each_log_setting(Visit&& visit) {
    visit("log_level", &S::log_level, Words{{"debug", "info", "warning", "error"}},
          "debug, info (default), warning or error");
    visit("log_format", &S::log_format, Words{{"text", "json"}}, "text (default) or json");
}

template <class S, class Visit>
void for_each_common_setting(Visit&& visit) {
    for_each_security_setting<S>(visit);
    for_each_admin_setting<S>(visit);
    for_each_daemon_setting<S>(visit);
    for_each_log_setting<S>(visit);
}

// The defaults of those that have one of their own. `program` is "flotilla-relay".
template <class S>
void add_common_defaults(S& settings, const std::string& program) {
    S defaults;
    defaults.instance = program;
    defaults.allow_any_client_key = false;
    defaults.allow_plaintext = false;
    const net::GateLimits limits;
    defaults.connections_max = limits.connections_max;
    defaults.address_connections_max = limits.address_connections_max;
    defaults.address_failures_max = limits.address_failures_max;
    defaults.address_penalty = limits.address_penalty;
    defaults.hop_record = false;
    defaults.drain = 5s;
    defaults.io_threads = 1;
    defaults.log_level = "info";
    defaults.log_format = "text";
    for_each_common_setting<S>(laying(settings, defaults));
}

// Who notes the hops of messages (docs/protocol/trace.md): empty when nobody is to. `settings` with
// their defaults.
inline std::string hop_instance(const CommonSettings& settings) {
    return *settings.hop_record ? *settings.instance : std::string{};
}

} // namespace flotilla::host
