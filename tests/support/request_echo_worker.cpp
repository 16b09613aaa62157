// SPDX-License-Identifier: Apache-2.0
//
// A worker process of the tests: request_echo_worker BROKER SERVICE [DIALECT]. It says "ready" when
// it begins, answers each request with itself and its process id, and ends on SIGTERM.
#include <flotilla/net/context.hpp>
#include <flotilla/request/worker.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <utility>

using namespace flotilla;

namespace {
request::Worker* serving = nullptr;
}

int main(int count, char** arguments) {
    const auto broker = count > 2 ? net::Endpoint::parse(arguments[1])
                                  : Result<net::Endpoint>{fail(Errc::bad_endpoint)};
    auto context = net::Context::open();
    if (!broker || !context)
        return 2;
    request::WorkerOptions options;
    options.brokers = {*broker};
    options.service = arguments[2];
    options.capacity = 8;
    if (count > 3)
        options.dialect = request::dialect_named(arguments[3]);
    options.heartbeat = 250ms;
    options.reconnect_min = 10ms;
    options.reconnect_max = 200ms;
    auto worker = request::Worker::open(*context, std::move(options));
    if (!worker) {
        std::fprintf(stderr, "%s\n", to_string(worker.error()).c_str());
        return 1;
    }
    serving = &*worker;
    std::signal(SIGTERM, [](int) { serving->stop_soon(); });
    std::printf("ready\n");
    std::fflush(stdout);
    const auto served = worker->run([](request::Job& job) -> request::Outcome {
        wire::Frames body = std::move(job.body);
        body.add(ByteView{std::to_string(::getpid())});
        return request::Answer{std::move(body)};
    });
    return served ? 0 : 1;
}
