// SPDX-License-Identifier: Apache-2.0
//
// Told: asks a daemon's admin endpoint before and after a visit, for what only it can know: which
// of its counters of refusals grew meanwhile.
#pragma once

#include <flotilla/base/result.hpp>

#include <cli/admin/view.hpp>
#include <cli/doctor/facts.hpp>

#include <string>
#include <vector>

namespace flotilla::cli::doctor {

// Counters of the totals whose names say that somebody was sent away ("refused_...") and that are
// larger in `after`. Of two runs of the daemon: none.
std::vector<std::string> refusals_between(const DaemonView& before, const DaemonView& after);
Told told(const Result<DaemonView>& before, const Result<DaemonView>& after);

} // namespace flotilla::cli::doctor
