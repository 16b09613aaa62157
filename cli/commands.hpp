// SPDX-License-Identifier: Apache-2.0
// The verbs, by the files that hold them.
#pragma once

#include <cli/command.hpp>

namespace flotilla::cli {

// version.cpp
Run declare_version(CLI::App& app);

} // namespace flotilla::cli
