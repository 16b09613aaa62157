// SPDX-License-Identifier: Apache-2.0
//
// request_worker BROKER SERVICE: answers each request with its text in capitals, until SIGTERM;
// then it finishes what it holds.
#include <flotilla/base/exit_code.hpp>
#include <flotilla/request/worker.hpp>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <iostream>
#include <string>

using namespace flotilla;

namespace {

request::Worker* serving = nullptr;

int failed(const Error& error) {
    std::cerr << to_string(error) << '\n';
    return static_cast<int>(exit_code(error.code));
}

request::Outcome in_capitals(request::Job& job) {
    std::string text{job.body[0].view()};
    if (text.empty())
        return request::Failure{"nothing to write in capitals"};
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return request::Answer{wire::Frames{ByteView{text}}};
}

} // namespace

int main(int argc, char** argv) {
    const auto broker = net::Endpoint::parse(argc == 3 ? argv[1] : "");
    if (!broker)
        return failed(broker.error());
    auto context = net::Context::open();
    if (!context)
        return failed(context.error());
    request::WorkerOptions options;
    options.brokers = {*broker};
    options.service = argv[2];
    options.capacity = 16; // so many requests wait here instead of at the broker
    auto worker = request::Worker::open(*context, options);
    if (!worker)
        return failed(worker.error());
    serving = &*worker;
    std::signal(SIGTERM, [](int) { serving->stop_soon(); });
    if (const auto served = worker->run(in_capitals); !served)
        return failed(served.error());
    std::cout << worker->counters().answered_total << " requests answered\n";
}
