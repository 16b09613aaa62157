// SPDX-License-Identifier: Apache-2.0
//
// What a daemon tells its supervisor, and what it takes from the system at its start.
#pragma once

#include <flotilla/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flotilla::host {

// Sends a state ("READY=1", "STOPPING=1") to the supervisor named by NOTIFY_SOCKET, as sd_notify
// does. True when somebody was told; false when nobody asked. Errors: io.
Result<bool> notify_supervisor(std::string_view state);

// Raises the soft limit of open files to the hard one, because every peer is a descriptor. Returns
// the limit that holds now.
std::uint64_t raise_file_limit() noexcept;

// A whole settings file, at most 1 MiB: an ordinary file, or what /dev/stdin gives. Errors:
// not_found, too_large, io (also for a pipe, a folder, a device); each names the file.
Result<std::string> read_settings_file(const std::string& path);

} // namespace flotilla::host
