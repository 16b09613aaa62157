// SPDX-License-Identifier: Apache-2.0
//
// `zmq queue take -- CMD`: a command for each message, so many at once.
#pragma once

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>

#include <cli/queue/store_flags.hpp>
#include <cli/queue/store_return.hpp>
#include <cli/terminal.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace flotilla::cli {

struct TakeCommand {
    std::string queue{};
    std::vector<std::string> command{};
    std::uint32_t jobs = 1;
    std::uint64_t wanted = 1; // in all
    bool endless = false;     // wanted is all there are
    StoreReturn::Patience patience = StoreReturn::Patience::timeout;
    Duration wait{0};        // for the next message
    Duration timeout = 1h;   // of a command
    Duration retry_delay{0}; // 0: the queue's
    std::string separator = "\t";
};

// ok: all that were wanted are acknowledged; refused: commands failed; nothing: none or too few
// came.
Result<ExitCode> run_command_each(TakeCommand command, const StoreFlags& store, Terminal& terminal);

} // namespace flotilla::cli
