// SPDX-License-Identifier: Apache-2.0
#include "crowd.hpp"

#include "arena.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string_view>

namespace flotilla::bench {
namespace {

constexpr std::uint32_t workers_a_process = 1'000;

[[noreturn]] void stand_around(const std::string& broker, std::uint32_t first, std::uint32_t last) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    raise_descriptor_limit();
    void* const context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, int(workers_a_process) + 8);
    for (std::uint32_t i = first; i < last; ++i) {
        void* const worker = zmq_socket(context, ZMQ_DEALER);
        const std::string service = "idle-" + std::to_string(i % Crowd::services);
        using std::string_view_literals::operator""sv;
        if (worker == nullptr || zmq_connect(worker, broker.c_str()) != 0)
            give_up("a crowd of workers: no more sockets");
        std::size_t at = 0;
        for (const std::string_view frame : {"MDPW02"sv, "\x01"sv, std::string_view{service}})
            zmq_send(worker, frame.data(), frame.size(), ++at < 3 ? ZMQ_SNDMORE : 0);
    }
    for (;;)
        ::pause();
}

} // namespace

Crowd::Crowd(const std::string& broker, std::uint32_t size) {
    for (std::uint32_t first = 0; first < size; first += workers_a_process) {
        const pid_t child = ::fork();
        if (child < 0)
            give_up("cannot fork");
        if (child == 0)
            stand_around(broker, first, std::min(size, first + workers_a_process));
        processes_.push_back(child);
    }
}

Crowd::~Crowd() {
    for (const pid_t each : processes_)
        ::kill(each, SIGKILL);
    for (const pid_t each : processes_)
        ::waitpid(each, nullptr, 0);
}

void raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

double own_memory_mib() {
    std::ifstream status("/proc/self/status");
    std::string word;
    double kib = 0;
    while (status >> word)
        if (word == "RssAnon:")
            status >> kib;
    return kib / 1024;
}

} // namespace flotilla::bench
