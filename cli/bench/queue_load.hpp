// SPDX-License-Identifier: Apache-2.0
//
// QueueLoad: `zmq bench queue`: so many messages put into a queue of a store, each confirmed, and
// then taken and acknowledged. The queue is made for it and deleted.
#pragma once

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>

#include <cli/queue/store_flags.hpp>

#include <cstdint>
#include <string>

namespace flotilla::cli::bench {

struct QueueLoad {
    StoreFlags store{};
    std::uint64_t message_bytes = 100; // at least 16
    std::uint64_t count = 1'000'000;   // of all producers
    std::uint32_t producers = 1;
    std::uint32_t window = 1'000; // unconfirmed, a producer
    std::string durability = "fsync";
    bool json = false;
};

// ok: everything came, once; runtime_error: something is missing.
Result<ExitCode> run_queue_load(const QueueLoad& load);

} // namespace flotilla::cli::bench
