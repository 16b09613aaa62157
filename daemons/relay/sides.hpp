// SPDX-License-Identifier: Apache-2.0
//
// The sides of a relay, by the names of their settings. Pure.
#pragma once

#include <flotilla/relay/plan.hpp>

#include <type_traits>
#include <utility>
#include <vector>

namespace flotilla::relay_daemon {

// Those that it has: {"frontend", ...}, {"backend", ...} and perhaps {"capture", ...}. `Options` is
// RelayOptions, constant or not, and must outlive what is given.
template <class Options>
auto sides(Options& options) {
    using Side = std::remove_reference_t<decltype((options.frontend))>;
    std::vector<std::pair<const char*, Side*>> all{{"frontend", &options.frontend},
                                                   {"backend", &options.backend}};
    if (options.capture)
        all.emplace_back("capture", &*options.capture);
    return all;
}

} // namespace flotilla::relay_daemon
