// SPDX-License-Identifier: Apache-2.0
//
// What --check-config says of settings that are right, but hardly meant.
#pragma once

#include "host/common_settings.hpp"

#include <string>

namespace flotilla::host {

// An access file without a rule: a sentence; empty: there is no doubt. Reads the file.
std::string doubt_of_rules(const CommonSettings& settings);

} // namespace flotilla::host
