// SPDX-License-Identifier: Apache-2.0
//
// Who may connect to the sides of one relay: its settings as the access keeper wants them, and the
// keeper's gate in front of every side that is bound.
#pragma once

#include "host/access_keeper.hpp"
#include "relay/settings.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/relay/plan.hpp>

namespace flotilla::relay_daemon {

// What a relay says of itself, and what all have in common. Keys of ours are not among it when no
// side is a CURVE server: then nobody is asked for his.
host::CommonSettings access_settings(const host::CommonSettings& common,
                                     const RelaySettings& settings,
                                     const relay::RelayOptions& options);

// `settings` as access_settings() gives them. Errors: those of AccessKeeper::open(); insecure (a
// side would take passwords from beyond this machine).
Result<host::AccessKeeper> put_access(relay::RelayOptions& options,
                                      const host::CommonSettings& settings);

} // namespace flotilla::relay_daemon
