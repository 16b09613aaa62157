// SPDX-License-Identifier: Apache-2.0
#include "pairing.hpp"

#include <algorithm>

namespace flotilla::bench {
namespace {

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

template <class Figure>
double median_of(const std::vector<Measured>& runs, Figure&& figure) {
    std::vector<double> values;
    for (const Measured& run : runs)
        values.push_back(figure(run));
    return median(std::move(values));
}

Measured medians(const std::vector<Measured>& runs) {
    return {median_of(runs, [](const Measured& run) { return run.messages_per_second; }),
            median_of(runs, [](const Measured& run) { return run.cpu_us_per_message; }),
            median_of(runs, [](const Measured& run) { return run.latency_us; }),
            median_of(runs, [](const Measured& run) { return run.first_cpu_us_per_message; })};
}

} // namespace

Outcome play(const Match& match, int pairs) {
    std::vector<Measured> raw;
    std::vector<Measured> ours;
    std::vector<double> ratios;
    std::vector<double> cpu_ratios;
    Outcome outcome{match.area, match.what, match.bar, match.latency, match.middle};
    for (int pair = -1; pair < pairs; ++pair) {
        Measured a;
        Measured b;
        if (pair % 2 == 0) {
            a = match.raw();
            b = match.ours();
        } else {
            b = match.ours();
            a = match.raw();
        }
        if (pair < 0)
            continue;
        raw.push_back(a);
        ours.push_back(b);
        ratios.push_back(match.latency ? b.latency_us / a.latency_us
                                       : b.messages_per_second / a.messages_per_second);
        cpu_ratios.push_back(outcome.cpu_of(a) / outcome.cpu_of(b));
    }
    outcome.cpu_ratio_median = median(cpu_ratios);
    outcome.ratio_median = median(ratios);
    outcome.ratio_min = *std::min_element(ratios.begin(), ratios.end());
    outcome.ratio_max = *std::max_element(ratios.begin(), ratios.end());
    outcome.raw = medians(raw);
    outcome.ours = medians(ours);
    return outcome;
}

} // namespace flotilla::bench
