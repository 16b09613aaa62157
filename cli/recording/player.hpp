// SPDX-License-Identifier: Apache-2.0
// Player: sends a recording's messages again, each at its time.
#pragma once

#include <flotilla/base/exit_code.hpp>

#include <cli/recording/replay_flags.hpp>
#include <cli/terminal.hpp>

namespace flotilla::cli::recording {

// Errors: those of reading (damaged, unless told to skip it), of the socket, and timeout: no peer,
// or none with room, for too long.
Result<ExitCode> play(const ReplayFlags& flags, Terminal& terminal);

} // namespace flotilla::cli::recording
