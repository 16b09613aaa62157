// SPDX-License-Identifier: Apache-2.0
#include "store/report.hpp"

#include <array>
#include <ctime>

namespace flotilla::store_daemon {

host::LogLevel level(std::string_view event) noexcept {
    if (event == "block_damaged" || event == "commit_failed")
        return host::LogLevel::error;
    if (event == "queue_created" || event == "room_again")
        return host::LogLevel::info;
    return host::LogLevel::warning;
}

std::string utc_text(std::int64_t wall_ms) {
    const std::time_t seconds = wall_ms / 1000;
    std::tm fields{};
    std::array<char, 32> text{};
    ::gmtime_r(&seconds, &fields);
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &fields)};
}

} // namespace flotilla::store_daemon
