// SPDX-License-Identifier: Apache-2.0
//
// Report: what a visit found, for a person or as one JSON object. Pure.
#pragma once

#include <cli/doctor/diagnose.hpp>

#include <string>

namespace flotilla::cli::doctor {

// One line a step, the verdict and the next step last; each with a line end.
std::string text_report(const Facts& facts, const Verdict& verdict);
// One line: {"endpoint","verdict","exit","summary","next","connect":[...],"greeting",...}. Members
// that were not found out are absent.
std::string json_report(const Facts& facts, const Verdict& verdict);

} // namespace flotilla::cli::doctor
