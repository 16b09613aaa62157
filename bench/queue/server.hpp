// SPDX-License-Identifier: Apache-2.0
//
// Server: a daemon with a directory of its own, started for one measurement, and what it costs: CPU
// seconds and resident memory from /proc.
#pragma once

#include <flotilla/net/endpoint.hpp>

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace flotilla::bench {

class Server {
public:
    // Stands for a folder in its directory, among the arguments.
    static constexpr const char* data = "DATA";

    // Waits until it is ready. Exits the program when it does not start. What it logs is in a file
    // of its directory.
    Server(std::string program, std::vector<std::string> arguments, const std::string& data_root);
    // A flotilla-store that makes queues as they are named.
    Server(const std::string& store, const std::string& data_root)
        : Server(store, {"--data", data, "--auto-create", "*"}, data_root) {}
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server(); // kills it and removes its directory

    const net::Endpoint& endpoint() const noexcept { return endpoint_; }
    pid_t pid() const noexcept { return pid_; }
    const std::string& admin_http() const noexcept { return admin_http_; } // empty: it has none
    double cpu_seconds() const;
    // Killed, and started again on the same directory; seconds until it was ready.
    double restart();

private:
    void start();
    void kill() noexcept;

    std::string program_;
    std::vector<std::string> arguments_;
    std::string directory_;
    net::Endpoint endpoint_;
    std::string admin_http_{};
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
