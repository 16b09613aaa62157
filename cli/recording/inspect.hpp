// SPDX-License-Identifier: Apache-2.0
// Inspect: what `zmq replay` does with a recording besides sending it.
#pragma once

#include <flotilla/base/exit_code.hpp>

#include <cli/recording/replay_flags.hpp>
#include <cli/terminal.hpp>

namespace flotilla::cli::recording {

// Says what is in it and whether it is whole; runtime_error when not.
Result<ExitCode> check(const ReplayFlags& flags, Terminal& terminal);
// Copies every good message to a new recording. Errors: exists, and those of reading and writing.
Result<ExitCode> repair(const ReplayFlags& flags, Terminal& terminal);
// Prints the chosen messages as `zmq sub` would.
Result<ExitCode> print(const ReplayFlags& flags, Terminal& terminal);

} // namespace flotilla::cli::recording
