// SPDX-License-Identifier: Apache-2.0
//
// work_worker ENDPOINT: takes lines from work_source, prints and acknowledges them; ends when none
// has come for two seconds.
#include <flotilla/base/exit_code.hpp>
#include <flotilla/pipeline/work_taker.hpp>

#include <iostream>

using namespace flotilla;

int main(int argc, char** argv) {
    const auto endpoint = net::Endpoint::parse(argc == 2 ? argv[1] : "");
    if (!endpoint) {
        std::cerr << to_string(endpoint.error()) << '\n';
        return static_cast<int>(ExitCode::usage);
    }
    auto context = net::Context::open();
    pipeline::WorkTakerOptions options;
    options.sources = {*endpoint};
    auto taker = pipeline::WorkTaker::open(*context, options);
    if (!taker) {
        std::cerr << to_string(taker.error()) << '\n';
        return static_cast<int>(exit_code(taker.error().code));
    }
    while (auto work = taker->take(2s)) {
        const bool again = work->redelivered != wire::leased::Redelivered::no;
        std::cout << work->body[0].view() << (again ? " (again)" : "") << '\n';
        // lease_lost would mean that it took too long, and somebody else has it now.
        (void)taker->ack(*work);
    }
}
