// SPDX-License-Identifier: Apache-2.0
//
// Reload: what SIGHUP and the order `reload` do. A daemon reads its settings again, builds
// everything that follows from them, and only when all of it is right takes over what may change
// while it runs; the rest is named, and holds from the next start. Pure.
#pragma once

#include "host/common_settings.hpp"
#include "host/log.hpp"

#include <flotilla/base/time.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::host {

// What the loop itself goes by.
struct LoopSettings {
    LogLevel log_level = LogLevel::info;
    LogFormat log_format = LogFormat::text;
    Duration drain = 5s; // longest that a stop takes
};
// `settings` with their defaults filled in.
inline LoopSettings loop_settings(const CommonSettings& settings) {
    return {*log_level_named(*settings.log_level), *log_format_named(*settings.log_format),
            *settings.drain};
}

struct Reloaded {
    std::vector<std::string> changed{};        // keys whose new value holds now: "log_level"
    std::vector<std::string> restart_needed{}; // keys that differ, and hold from the next start
    LoopSettings loop{};
};

// Settings of CommonSettings that every daemon takes over.
inline constexpr std::string_view live_common_settings[]{"drain",
                                                         "log_level",
                                                         "log_format",
                                                         "access",
                                                         "connections_max",
                                                         "address_connections_max",
                                                         "allow_client_keys",
                                                         "address_failures_max",
                                                         "address_penalty"};

// A visitor that gives `running` what differs in `wanted`, of the keys that may change while the
// daemon runs, and notes every key that differs.
template <class Settings>
auto taking_over(Settings& running, const Settings& wanted, std::vector<std::string_view> live,
                 Reloaded& done) {
    live.insert(live.end(), std::begin(live_common_settings), std::end(live_common_settings));
    return [&running, &wanted, live = std::move(live), &done](const char* key, auto field,
                                                              const auto&, const char*) {
        if (running.*field == wanted.*field)
            return;
        if (std::find(live.begin(), live.end(), key) == live.end())
            return done.restart_needed.push_back(key);
        running.*field = wanted.*field;
        done.changed.push_back(key);
    };
}

// "log_level,requests_max", or "nothing".
inline std::string listed(const std::vector<std::string>& keys) {
    std::string all;
    for (const std::string& key : keys)
        all += (all.empty() ? "" : ",") + key;
    return all.empty() ? "nothing" : all;
}

} // namespace flotilla::host
