// SPDX-License-Identifier: Apache-2.0
//
// The workloads that the peers of the store are measured with, for ours. Every message is confirmed
// after it is on disk; a producer has at most `window` unconfirmed.
#pragma once

#include "server.hpp"

#include <cstdint>
#include <string>

namespace flotilla::bench {

struct Load {
    std::size_t bytes = 100;
    std::uint64_t messages = 1'000'000; // of all producers together
    std::uint32_t producers = 1;
    std::uint32_t window = 1'000;
};

// Of one workload. Server CPU and memory are those of the store's process.
struct Figures {
    std::uint64_t messages = 0;
    double seconds = 0;
    double server_cpu_seconds = 0;
    double own_mib = 0;  // peak, anonymous and shared
    double file_mib = 0; // peak, of the kernel's cache
    double p50_us = 0;   // latency workloads
    double p99_us = 0;
    double rate() const { return seconds > 0 ? double(messages) / seconds : 0; }
    double cpu_a_million() const {
        return messages > 0 ? server_cpu_seconds * 1e6 / double(messages) : 0;
    }
};

Figures publish(const Server& server, const std::string& queue, const Load& load);
// What is there, acknowledged; `messages` of it, of `load.bytes` each.
Figures drain(const Server& server, const std::string& queue, const Load& load);
// Both at once: until the last is acknowledged.
Figures end_to_end(const Server& server, const std::string& queue, const Load& load);
// One unconfirmed at a time; latency from put to confirm.
Figures lone_puts(const Server& server, const std::string& queue, const Load& load);

// ---- what the machine allows, in the same run --------------------------------------------------

// Plain append and fdatasync of `window` messages at a time into one growing file.
Figures raw_append(const std::string& data_root, const Load& load);
// PUSH to PULL over tcp, a frame a message.
Figures raw_push_pull(const Load& load);
// DEALER to ROUTER and back over tcp, one at a time.
Figures raw_echo(const Load& load);
// fdatasync of one block that is written already.
Figures raw_sync(const std::string& data_root, std::uint64_t times);

} // namespace flotilla::bench
