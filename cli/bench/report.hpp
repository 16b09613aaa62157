// SPDX-License-Identifier: Apache-2.0
// Report: what a benchmark measured, for a person or as one JSON object. Pure.
#pragma once

#include <cli/bench/measure.hpp>

#include <optional>
#include <string>

namespace flotilla::cli::bench {

struct Measured {
    std::string pattern{}; // "pipeline"
    std::string over{};    // the endpoint
    Load load{};
    std::optional<SendOutcome> sent{}; // when the sending side ran here
    const Tally* received = nullptr;   // when the receiving side ran here
};

std::string text_report(const Measured& measured);
std::string json_report(const Measured& measured);

} // namespace flotilla::cli::bench
