// SPDX-License-Identifier: Apache-2.0
//
// A table for people. Pure.
#pragma once

#include <string>
#include <vector>

namespace flotilla::cli {

using Cells = std::vector<std::string>; // of a line

// Columns under a heading, all but the first to the right.
std::string table(const std::vector<Cells>& lines);

} // namespace flotilla::cli
