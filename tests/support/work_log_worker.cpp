// SPDX-License-Identifier: Apache-2.0
//
// work_log_worker ENDPOINT LOG: takes messages of eight bytes and appends to LOG what it was given,
// nine bytes each: the message and whether it was said to be a repeat. Only then it acknowledges.
// To be killed at any time; what is in the log was worked on.
#include <flotilla/pipeline/work_taker.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <iostream>

using namespace flotilla;

int main(int argc, char** argv) {
    if (argc != 3)
        return 2;
    const int log = ::open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    auto context = net::Context::open();
    pipeline::WorkTakerOptions options;
    options.sources = {*net::Endpoint::parse(argv[1])};
    options.limits.credit = 2000;
    auto taker = pipeline::WorkTaker::open(*context, options);
    if (!taker || log < 0)
        return 1;
    for (;;) {
        auto work = taker->take(1h);
        if (!work || work->body[0].size() != 8)
            return 1;
        std::array<char, 9> record{};
        std::memcpy(record.data(), work->body[0].view().data(), 8);
        record[8] = work->redelivered == wire::leased::Redelivered::no ? 0 : 1;
        if (::write(log, record.data(), record.size()) != 9)
            return 1;
        (void)taker->ack(*work);
    }
}
