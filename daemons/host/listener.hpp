// SPDX-License-Identifier: Apache-2.0
//
// Where a daemon that everybody connects to is bound, and whom it lets in: shared by those whose
// peers all connect. Reads keys.
#pragma once

#include "host/common_settings.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flotilla::host {

inline constexpr std::size_t binds_max = 64;

// Texts of endpoints that are bound; '@' in front may say so. `whose` is "a broker" in the error.
// Errors: bad_endpoint (not one, or '>', which would connect); bad_option (too many).
Result<std::vector<net::Endpoint>> parse_binds(const std::vector<std::string>& texts,
                                               const std::string& whose);

// What AccessKeeper::open() makes of the settings, to check them, and for who does not watch.
Result<net::Security> listener_security(const CommonSettings& settings);

// Of an endpoint that `setting` ("bind", "admin") gives, so that --check-config finds it, not only
// who binds it. Errors: bad_option (inproc), insecure.
Status check_listener(const std::string& setting, const net::Endpoint& endpoint,
                      const net::Security& security);

// Nothing readable leaves the machine that was not allowed to. Errors: insecure.
Status check_reach(const std::string& setting, const net::Endpoint& endpoint,
                   const net::Security& security);

// Found by --check-config too, not only when the endpoint is bound. `example` is what to say when
// there is none. Errors: bad_option, insecure.
Status check_binds(const std::optional<std::vector<net::Endpoint>>& binds,
                   const net::Security& security, const std::string& example);

} // namespace flotilla::host
