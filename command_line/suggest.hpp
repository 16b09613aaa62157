// SPDX-License-Identifier: Apache-2.0
// Suggest: which known word a misspelt one was probably meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flotilla::command_line {

// The nearest of `known`, or empty when none is near (more than a third of the letters, rounded up,
// differ).
std::string nearest(std::string_view word, const std::vector<std::string>& known);

} // namespace flotilla::command_line
