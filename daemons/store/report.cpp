// SPDX-License-Identifier: Apache-2.0
#include "store/report.hpp"

namespace flotilla::store_daemon {

host::LogLevel level(std::string_view event) noexcept {
    if (event == "block_damaged" || event == "commit_failed")
        return host::LogLevel::error;
    if (event == "queue_created" || event == "room_again")
        return host::LogLevel::info;
    return host::LogLevel::warning;
}

} // namespace flotilla::store_daemon
