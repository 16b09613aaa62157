// SPDX-License-Identifier: Apache-2.0
//
// Watcher: what looks at a daemon in production, once a second while it lives: Prometheus (totals
// and single objects) and an operator with `zmq top` or the console (every table).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace flotilla::bench {

class Watcher {
public:
    // "127.0.0.1:9640"; empty: nobody watches.
    explicit Watcher(const std::string& address);
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    ~Watcher();
    std::uint64_t looks() const { return looks_; }

private:
    std::atomic<bool> over_{false};
    std::atomic<std::uint64_t> looks_{0};
    std::thread thread_{};
};

} // namespace flotilla::bench
