// SPDX-License-Identifier: Apache-2.0
//
// SignalWatch: tells of the signal from a thread of its own, while the caller's is busy.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace flotilla::cli {

// Calls `stop_soon` on its thread at the first SIGINT or SIGTERM, once; never after its end.
class SignalWatch {
public:
    explicit SignalWatch(std::function<void()> stop_soon);
    ~SignalWatch();

private:
    void watch() const;

    std::function<void()> stop_soon_;
    std::atomic<bool> over_{false};
    std::thread thread_; // the last: it uses the others
};

} // namespace flotilla::cli
