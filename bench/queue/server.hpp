// SPDX-License-Identifier: Apache-2.0
//
// Server: a flotilla-store on a directory of its own, started for one measurement, and what it
// costs: CPU seconds and resident memory from /proc.
#pragma once

#include <flotilla/net/endpoint.hpp>

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace flotilla::bench {

class Server {
public:
    // Waits until it is ready. Exits the program when it does not start.
    Server(const std::string& program, const std::string& data_root);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server(); // kills it and removes its directory

    const net::Endpoint& endpoint() const noexcept { return endpoint_; }
    pid_t pid() const noexcept { return pid_; }
    double cpu_seconds() const;
    // Killed, and started again on the same directory; seconds until it was ready.
    double restart();

private:
    void start();
    void kill() noexcept;

    std::string program_;
    std::string directory_;
    net::Endpoint endpoint_;
    pid_t pid_ = -1;
};

// Peaks while it lives, sampled every 20 ms: of anonymous and shared pages, and of file pages,
// which are the kernel's cache.
class PeakMemory {
public:
    explicit PeakMemory(pid_t pid);
    PeakMemory(const PeakMemory&) = delete;
    PeakMemory& operator=(const PeakMemory&) = delete;
    ~PeakMemory();
    double own_mib() const { return own_; }
    double file_mib() const { return file_; }

private:
    std::atomic<bool> over_{false};
    std::atomic<double> own_{0};
    std::atomic<double> file_{0};
    std::thread thread_;
};

} // namespace flotilla::bench
