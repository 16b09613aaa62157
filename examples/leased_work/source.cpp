// SPDX-License-Identifier: Apache-2.0
//
// work_source ENDPOINT < FILE: gives each line of its input to one of the workers that come, and
// ends when all are acknowledged, or given up after so many attempts (exit code 5). Start workers
// before, after or meanwhile; kill some.
#include <flotilla/base/exit_code.hpp>
#include <flotilla/pipeline/work_source.hpp>

#include <iostream>
#include <string>

using namespace flotilla;

namespace {

template <class Outcome>
int failed(const Outcome& outcome) {
    std::cerr << to_string(outcome.error()) << '\n';
    return static_cast<int>(exit_code(outcome.error().code));
}

} // namespace

int main(int argc, char** argv) {
    const auto endpoint = net::Endpoint::parse(argc == 2 ? argv[1] : "");
    if (!endpoint)
        return failed(endpoint);
    auto context = net::Context::open();
    auto source = pipeline::WorkSource::open(*context);
    if (!source)
        return failed(source);
    const auto bound = source->bind(*endpoint);
    if (!bound)
        return failed(bound);
    std::cerr << "giving out work at " << bound->text() << '\n';

    for (std::string line; std::getline(std::cin, line);)
        if (const auto id = source->submit(line, {{}, 60s}); !id)
            return failed(id);
    const auto report = source->drain(60s);
    if (!report)
        return failed(report);
    const auto counters = source->counters();
    std::cout << counters.finished_total << " of " << counters.submitted_total
              << " lines acknowledged, " << counters.redelivered_total << " redelivered\n";
    const bool all = counters.finished_total == counters.submitted_total;
    return static_cast<int>(all ? ExitCode::ok : ExitCode::not_flushed);
}
