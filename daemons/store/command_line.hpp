// SPDX-License-Identifier: Apache-2.0
//
// The command line of flotilla-store.
#pragma once

#include "host/command_line.hpp"
#include "host/settings_source.hpp"
#include "store/settings.hpp"
#include "store/tools.hpp"

#include <flotilla/base/exit_code.hpp>

#include <variant>

namespace flotilla::store_daemon {

using host::Task;

using Source = host::SettingsSource<DaemonSettings>;

using Command = host::Command<DaemonSettings>;

// The settings as they are now: the file is read again. Errors: bad_setting, bad_option.
Result<DaemonSettings> read_again(const Source& source);

// Flags over environment over the settings file, which is read. A ToolCommand when a word named
// one. An ExitCode when there is nothing left to do: help and version were printed, or an error
// was, to standard error.
std::variant<Command, ToolCommand, ExitCode> read_command_line(int count,
                                                               const char* const* arguments);

} // namespace flotilla::store_daemon
