// SPDX-License-Identifier: Apache-2.0
//
// The table that embed.cmake generates from the files of this folder.
#pragma once

#include "admin/console/files.hpp"

#include <span>

namespace flotilla::admin {

std::span<const ConsoleFile> embedded_console_files() noexcept;

} // namespace flotilla::admin
