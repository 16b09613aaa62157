// SPDX-License-Identifier: Apache-2.0
//
// Whether a server's options are within what server.hpp says. Private to the pattern.
#pragma once

#include <flotilla/queue/server.hpp>

namespace flotilla::queue {

// Errors: bad_option, naming the option and its range.
Status check(const QueueServerOptions& options);

} // namespace flotilla::queue
