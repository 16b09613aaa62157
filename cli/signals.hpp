// SPDX-License-Identifier: Apache-2.0
//
// Signals: SIGINT and SIGTERM end a run cleanly. They are noted here and make a descriptor
// readable, so that a loop wakes; what was begun is finished and the program exits with 128 +
// signal. SIGPIPE is ignored: a closed stdout is an outcome of writing.
#pragma once

#include <flotilla/base/time.hpp>

namespace flotilla::cli {

// Once, before any thread is started.
void catch_signals();
// The first SIGINT or SIGTERM, or 0. A second one ends the process at once.
int signal_caught() noexcept;
// What is done before that end, in the signal handler: async-signal-safe calls alone.
void before_end_at_once(void (*act)() noexcept) noexcept;
// Readable from the first signal on; -1 before catch_signals(). For a Poller.
int signal_descriptor() noexcept;
// Until there is one, at most so long.
void wait_for_signal(Duration longest) noexcept;

} // namespace flotilla::cli
