// SPDX-License-Identifier: Apache-2.0
//
// What the daemon's own counters say of why it sent us away. Pure.
#pragma once

#include <cli/doctor/diagnose.hpp>

#include <optional>

namespace flotilla::cli::doctor {

// Of the refusals that were counted while we were there, the one that says most.
std::optional<Verdict> judge_told(const Told& told);

} // namespace flotilla::cli::doctor
