// SPDX-License-Identifier: Apache-2.0
// Loading of an allow-list that also says which files it came from. Private to net.
#pragma once

#include "files_seen.hpp"

#include <flotilla/net/access.hpp>

#include <string>

namespace flotilla::net::detail {

// As net::load_allow_list(). `seen` has read everything.
Result<AllowList> load_allow_list(const std::string& file, FilesSeen& seen);

} // namespace flotilla::net::detail
