// SPDX-License-Identifier: Apache-2.0
//
// Pairing: ours against raw, interleaved, and the median of the paired ratios.
#pragma once

#include "arena.hpp"

#include <functional>
#include <string>
#include <vector>

namespace flotilla::bench {

// One question: how does ours compare with raw?
struct Match {
    std::string area;     // "pipeline-batched"
    std::string what;     // "tcp 100 B"
    double bar = 0;       // what the ratio has to reach, or for latency stay below; 0: a figure
    bool latency = false; // the ratio is of p50 latencies, and smaller is better
    std::function<Measured()> raw{};
    std::function<Measured()> ours{};
    bool middle = false; // the CPU that counts is that of what stands in the middle
};

struct Outcome {
    std::string area;
    std::string what;
    double bar = 0;
    bool latency = false;
    bool middle = false;
    double ratio_median = 0;
    double ratio_min = 0;
    double ratio_max = 0;
    double cpu_ratio_median = 0; // raw to ours, a message: above 1 ours costs less
    Measured raw{};              // medians, each figure by itself
    Measured ours{};
    double cpu_of(const Measured& measured) const {
        return middle ? measured.first_cpu_us_per_message : measured.cpu_us_per_message;
    }
    bool reached() const { return latency ? ratio_median <= bar : ratio_median >= bar; }
};

// Runs raw, ours, raw, ours ... `pairs` times, after one pair that does not count. The order within
// a pair alternates.
Outcome play(const Match& match, int pairs);

// Each area adds its matches; `brief` ones take a tenth of the messages.
struct Scale {
    std::uint64_t divisor = 1;
    std::uint64_t of(std::uint64_t messages) const { return messages / divisor; }
};
std::vector<Match> pipeline_matches(Scale scale);
std::vector<Match> latency_matches(Scale scale);
std::vector<Match> pubsub_matches(Scale scale);
std::vector<Match> relay_matches(Scale scale);
std::vector<Match> confirmed_matches(Scale scale);
// `other_broker`: the endpoint of a running broker of mdp_01 to be compared with; empty: none.
std::vector<Match> request_matches(Scale scale, const std::string& other_broker);

} // namespace flotilla::bench
