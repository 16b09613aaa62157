// SPDX-License-Identifier: Apache-2.0
//
// What `zmq audit` prints of a daemon's answer: the first array of objects in it, whatever their
// members are called. Pure.
#pragma once

#include <flotilla/base/result.hpp>

#include <string>
#include <string_view>

namespace flotilla::cli {

// Columns under a heading, in the order in which members first appear. Errors: malformed.
Result<std::string> audit_table(std::string_view answer);
// One JSON object a line. Errors: malformed.
Result<std::string> audit_json(std::string_view answer);

} // namespace flotilla::cli
