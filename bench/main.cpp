// SPDX-License-Identifier: Apache-2.0
// flotilla_bench: ours against raw libzmq, in pairs. docs/performance.md says how to read it.
#include "guard.hpp"
#include "pairing.hpp"

#include <command_line/program.hpp>
#include <command_line/values.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <iostream>

using namespace flotilla;
using namespace flotilla::bench;

namespace {

void print_head() {
    std::printf("%-17s %-26s %12s %12s %17s %6s %11s %9s\n", "area", "what", "raw", "ours",
                "ratio (min-max)", "bar", "CPU/msg us", "CPU ratio");
}

void print(const Outcome& outcome) {
    const char* const unit = outcome.latency ? "us" : "/s";
    const double raw = outcome.latency ? outcome.raw.latency_us : outcome.raw.messages_per_second;
    const double ours =
        outcome.latency ? outcome.ours.latency_us : outcome.ours.messages_per_second;
    const int digits = outcome.latency ? 1 : 0;
    std::printf("%-17s %-26s %10.*f%s %10.*f%s %5.2f (%.2f-%.2f) %6.2f %5.3f %5.3f %9.2f %s\n",
                outcome.area.c_str(), outcome.what.c_str(), digits, raw, unit, digits, ours, unit,
                outcome.ratio_median, outcome.ratio_min, outcome.ratio_max, outcome.bar,
                outcome.cpu_of(outcome.raw), outcome.cpu_of(outcome.ours), outcome.cpu_ratio_median,
                outcome.bar == 0    ? ""
                : outcome.reached() ? "reached"
                                    : "MISSED");
    std::fflush(stdout);
}

nlohmann::json json(const Measured& measured) {
    return {{"messages_per_second", measured.messages_per_second},
            {"cpu_us_per_message", measured.cpu_us_per_message},
            {"middle_cpu_us_per_message", measured.first_cpu_us_per_message},
            {"latency_us", measured.latency_us}};
}

nlohmann::json json(const Outcome& outcome) {
    return {{"area", outcome.area},
            {"what", outcome.what},
            {"measure", outcome.latency ? "latency" : "rate"},
            {"ratio_median", outcome.ratio_median},
            {"ratio_min", outcome.ratio_min},
            {"ratio_max", outcome.ratio_max},
            {"cpu_ratio_median", outcome.cpu_ratio_median},
            {"bar", outcome.bar},
            {"reached", outcome.reached()},
            {"raw", json(outcome.raw)},
            {"ours", json(outcome.ours)}};
}

} // namespace

int main(int argc, char** argv) {
    command_line::Parser parser{
        "Measures Flotilla against raw libzmq with the same messages, interleaved in "
        "pairs; the ratio is the median of the paired ratios.",
        "flotilla_bench"};
    std::uint64_t pairs = 9;
    bool as_json = false;
    bool brief = false;
    std::vector<std::string> only;
    add_count(parser, "--pairs", pairs, {1, 1'000}, "pairs that count for each figure [9]");
    parser.add_option("--only", only,
                      "areas or parts of a line: pipeline-plain, pipeline-ends, pipeline-batched, "
                      "lone-latency, pubsub, relay, majordomo, curve, rules, 'tcp 100 B'");
    std::string other_broker;
    parser.add_option("--other-broker", other_broker,
                      "also compare with the MDP 0.1 broker that runs at this endpoint");
    parser.add_flag("--brief", brief, "a tenth of the messages: shows that it runs, not how fast");
    parser.add_flag("--json", as_json, "one JSON document instead of the table");
    if (const auto ended = command_line::read_words(parser, argc, argv))
        return static_cast<int>(*ended);

    make_guard_keys();
    const Scale scale{brief ? 10U : 1U};
    std::vector<Match> matches;
    for (const auto& area :
         {pipeline_matches(scale), latency_matches(scale), pubsub_matches(scale),
          relay_matches(scale), request_matches(scale, other_broker), confirmed_matches(scale)})
        matches.insert(matches.end(), area.begin(), area.end());
    nlohmann::json document = nlohmann::json::array();
    bool any = false;
    for (const Match& match : matches) {
        const std::string line = match.area + " " + match.what;
        const bool wanted = only.empty() || std::any_of(only.begin(), only.end(), [&](auto& part) {
                                return line.find(part) != std::string::npos;
                            });
        if (!wanted)
            continue;
        if (!any && !as_json)
            print_head();
        any = true;
        const Outcome outcome = play(match, static_cast<int>(pairs));
        if (as_json)
            document.push_back(json(outcome));
        else
            print(outcome);
    }
    if (!any) {
        std::cerr << "flotilla_bench: nothing matches --only\n";
        return 2;
    }
    if (as_json)
        std::cout << document.dump(2) << '\n';
    return 0;
}
