// SPDX-License-Identifier: Apache-2.0
//
// The transport of a daemon: a context by its settings, with the listening sockets that the
// supervisor made for it (socket activation, LISTEN_FDS): an endpoint with the address of one uses
// it, so that peers can connect before the daemon runs and while it restarts.
#pragma once

#include "host/common_settings.hpp"
#include "host/log.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>

namespace flotilla::host {

// `settings` with their defaults filled in. The first call takes the sockets and the variables that
// tell of them. Errors: bad_option (a socket that no endpoint could use), and those of
// Context::open.
Result<net::Context> open_context(const CommonSettings& settings, const Log& log);

// When everything is bound: names sockets that no endpoint asked for (`listener_unused`); whoever
// connects there would wait for ever.
void name_unused_listeners(const net::Context& context, const Log& log);

} // namespace flotilla::host
