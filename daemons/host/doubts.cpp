// SPDX-License-Identifier: Apache-2.0
#include "host/doubts.hpp"

#include "host/setting_name.hpp"

#include <flotilla/net/access_watch.hpp>

namespace flotilla::host {

std::string doubt_of_rules(const CommonSettings& settings) {
    if (!settings.access)
        return {};
    net::AccessPaths paths;
    paths.access = settings.access;
    const auto access = net::AccessWatch(paths).load();
    if (!access || access->rules > 0)
        return {};
    return "warning: " + setting_name("access") + ": " + *settings.access +
           " has no [[rule]]: everybody who is let in may do everything but administer";
}

} // namespace flotilla::host
