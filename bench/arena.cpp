// SPDX-License-Identifier: Apache-2.0
#include "arena.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <thread>

namespace flotilla::bench {
namespace {

constexpr unsigned run_seconds_max = 120;

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void pause_briefly() {
    const timespec time{0, 1'000'000};
    ::nanosleep(&time, nullptr);
}

} // namespace

double clock_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return double(time.tv_sec) + double(time.tv_nsec) / 1e9;
}

void give_up(const std::string& why) {
    std::fprintf(stderr, "flotilla_bench: %s\n", why.c_str());
    std::_Exit(1);
}

std::string fresh_endpoint(const std::string& transport) {
    static int serial = 0;
    if (transport == "tcp")
        return "tcp://127.0.0.1:*";
    return "ipc:///tmp/flotilla-bench-" + std::to_string(::getpid()) + "-" +
           std::to_string(++serial);
}

void Arena::Seat::announce(int endpoint, const std::string& text) {
    std::strncpy(page_.endpoints[endpoint], text.c_str(), sizeof page_.endpoints[endpoint] - 1);
    page_.endpoints_known.fetch_or(1 << endpoint);
}

std::string Arena::Seat::endpoint(int endpoint) {
    while ((page_.endpoints_known.load() & 1 << endpoint) == 0)
        pause_briefly();
    return page_.endpoints[endpoint];
}

void Arena::Seat::begin() {
    cpu_at_begin_ = cpu_seconds();
}

void Arena::Seat::end() {
    page_.cpu_seconds[number_] = cpu_seconds() - cpu_at_begin_;
}

void Arena::Seat::finish(double seconds, double latency_us) {
    page_.seconds = seconds;
    page_.latency_us = latency_us;
    page_.finished = true;
}

void Arena::Seat::wait_finished() {
    while (!page_.finished)
        pause_briefly();
}

void Arena::Seat::end_when_finished() {
    begin();
    std::thread([this] {
        wait_finished();
        end();
        std::_Exit(0);
    }).detach();
}

Measured Arena::run(const std::vector<Party>& parties, std::uint64_t messages,
                    std::uint64_t first_messages) {
    void* const memory =
        ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        give_up("no shared memory");
    Page& page = *new (memory) Page{};
    std::vector<pid_t> children;
    for (std::size_t i = 0; i < parties.size(); ++i) {
        const pid_t child = ::fork();
        if (child < 0)
            give_up("cannot fork");
        if (child == 0) {
            ::alarm(run_seconds_max);
            Seat seat(page, int(i));
            parties[i](seat);
            std::_Exit(0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        if (status != 0) {
            for (const pid_t each : children)
                ::kill(each, SIGKILL);
            give_up("a party failed with wait status " + std::to_string(status));
        }
    }
    Measured measured;
    measured.messages_per_second = double(messages) / page.seconds;
    measured.latency_us = page.latency_us;
    double cpu = 0;
    for (const double each : page.cpu_seconds)
        cpu += each;
    measured.cpu_us_per_message = cpu / double(messages) * 1e6;
    measured.first_cpu_us_per_message =
        page.cpu_seconds[0] / double(first_messages > 0 ? first_messages : messages) * 1e6;
    ::munmap(memory, sizeof(Page));
    return measured;
}

} // namespace flotilla::bench
