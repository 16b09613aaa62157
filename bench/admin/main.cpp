// SPDX-License-Identifier: Apache-2.0
// flotilla_admin_bench: what it costs a store and a broker to be watched: the same work for a
// daemon that shows and logs nothing, and for one that logs as by default and is asked for its
// metrics and its whole status once a second. docs/performance.md says how to read it.
#include "admin/watcher.hpp"
#include "pairing.hpp"
#include "queue/workloads.hpp"
#include "request_peers.hpp"

#include <command_line/program.hpp>
#include <command_line/values.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::bench;

namespace {

enum class Watched { no, yes };

struct Programs {
    std::string store = FLOTILLA_STORE_PROGRAM;
    std::string broker = FLOTILLA_BROKER_PROGRAM;
    std::string data_root = "/var/tmp";
    std::uint64_t queues = 100; // of the store, beside the one that is used
};

std::vector<std::string> arguments(Watched watched, std::vector<std::string> all = {}) {
    if (watched == Watched::yes)
        all.insert(all.end(), {"--admin-http", "127.0.0.1:0"});
    else
        all.insert(all.end(), {"--log-level", "error"});
    return all;
}

using Work = Figures (*)(const Server&, const std::string&, const Load&);

Measured measure_store(const Programs& programs, Work work, const Load& load, Watched watched) {
    const Server store(programs.store,
                       arguments(watched, {"--data", Server::data, "--auto-create", "*"}),
                       programs.data_root);
    Load one;
    one.messages = 1;
    for (std::uint64_t i = 0; i < programs.queues; ++i)
        (void)publish(store, "other." + std::to_string(i), one);
    const Watcher watcher(store.admin_http());
    const Figures figures = work(store, "q", load);
    Measured measured;
    measured.messages_per_second = figures.rate();
    measured.first_cpu_us_per_message = figures.cpu_a_million();
    return measured;
}

Measured measure_broker(const Programs& programs, const Shape& shape, Watched watched) {
    const Server broker(programs.broker,
                        arguments(watched, {"--prefetch", std::to_string(shape.prefetch)}),
                        programs.data_root);
    const double before = broker.cpu_seconds();
    const std::string http = broker.admin_http();
    Measured measured =
        Arena::run({[&](Arena::Seat& seat) { seat.announce(0, broker.endpoint().text()); },
                    [&](Arena::Seat& seat) { workers(seat, shape); },
                    [&](Arena::Seat& seat) { clients(seat, shape); },
                    [&](Arena::Seat& seat) {
                        const Watcher watcher(http);
                        seat.wait_finished();
                    }},
                   shape.requests);
    measured.first_cpu_us_per_message =
        (broker.cpu_seconds() - before) * 1e6 / double(shape.requests + shape.warm_up);
    return measured;
}

std::vector<Match> matches_of(const Programs& programs, Scale scale) {
    constexpr double bar = 0.97;
    std::vector<Match> all;
    const auto store = [&](const char* what, Work work, std::size_t bytes, std::uint64_t messages) {
        Load load;
        load.bytes = bytes;
        load.messages = scale.of(messages);
        const auto measure = [=](Watched watched) {
            return [=] { return measure_store(programs, work, load, watched); };
        };
        all.push_back({"store", what, bar, false, measure(Watched::no), measure(Watched::yes)});
    };
    const auto broker = [&](const char* what, Shape shape, std::uint64_t requests) {
        shape.requests = scale.of(requests);
        shape.warm_up = shape.requests / 5;
        const auto measure = [=](Watched watched) {
            return [=] { return measure_broker(programs, shape, watched); };
        };
        all.push_back({"broker", what, bar, false, measure(Watched::no), measure(Watched::yes)});
    };
    store("publish 100 B", &publish, 100, 4'000'000);
    store("end to end 1 KiB", &end_to_end, 1'024, 600'000);
    broker("prefetch 16, 4 x 100", {Talk::mdp_02, 4, 100, 32, 16}, 500'000);
    broker("strict, 32 workers", {Talk::mdp_02, 4, 8, 32, 1}, 150'000);
    return all;
}

} // namespace

int main(int argc, char** argv) {
    command_line::Parser parser{
        "Measures what metrics, status and logs cost a store and a broker: the same work "
        "with and without, interleaved in pairs; the ratio is the median of the paired "
        "ratios. CPU is the daemon's, a message.",
        "flotilla_admin_bench"};
    Programs programs;
    std::uint64_t pairs = 5;
    bool brief = false;
    std::vector<std::string> only;
    add_count(parser, "--pairs", pairs, {1, 1'000}, "pairs that count for each figure [5]");
    parser.add_option("--only", only, "parts of a line: store, broker, publish, strict");
    parser.add_option("--data-root", programs.data_root,
                      "where its directory is made: a real disk [/var/tmp]");
    add_count(parser, "--queues", programs.queues, {0, 100'000},
              "queues that the store has beside the one it uses [100]");
    parser.add_flag("--brief", brief,
                    "a fiftieth of the messages: shows that it runs, not how fast");
    if (const auto ended = command_line::read_words(parser, argc, argv))
        return static_cast<int>(*ended);
    std::printf("%-8s %-22s %12s %12s %17s %17s\n", "daemon", "work", "alone /s", "watched /s",
                "ratio (min-max)", "CPU us, ratio");
    bool any = false;
    for (const Match& match : matches_of(programs, Scale{brief ? 50U : 1U})) {
        const std::string line = match.area + " " + match.what;
        if (!only.empty() && std::none_of(only.begin(), only.end(), [&](const std::string& part) {
                return line.find(part) != std::string::npos;
            }))
            continue;
        any = true;
        const Outcome outcome = play(match, static_cast<int>(pairs));
        const double alone = outcome.raw.first_cpu_us_per_message;
        const double watched = outcome.ours.first_cpu_us_per_message;
        std::printf("%-8s %-22s %12.0f %12.0f %5.3f (%.2f-%.2f) %6.3f %6.3f %5.3f\n",
                    match.area.c_str(), match.what.c_str(), outcome.raw.messages_per_second,
                    outcome.ours.messages_per_second, outcome.ratio_median, outcome.ratio_min,
                    outcome.ratio_max, alone, watched, watched / alone);
        std::fflush(stdout);
    }
    return any ? 0 : 2;
}
