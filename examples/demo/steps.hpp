// SPDX-License-Identifier: Apache-2.0
//
// The steps of the demo: each starts the processes of one link, sends the file through, and judges
// whether what arrived is what the link promises.
#pragma once

#include "lines.hpp"

#include <string>
#include <vector>

namespace demo {

struct Setting {
    std::string program; // this one, to be started in its roles
    std::string relay;   // flotilla-relay
    std::string broker;  // flotilla-broker
    std::string store;   // flotilla-store
    std::string file;
    std::string folder; // scratch
};

struct Outcome {
    std::string name{};
    std::uint64_t messages = 0; // sent
    Tally tally{};
    double seconds = 0; // the longest first-to-last of any receiver; 0 when unknown
    std::string verdict{};
    bool kept = false; // the guarantee
};

// Aborts with a std::runtime_error when a process fails or does not answer in time.
std::vector<Outcome (*)(const Setting&)> steps();

} // namespace demo
