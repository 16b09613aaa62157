// SPDX-License-Identifier: Apache-2.0
//
// Arena: one measurement. Every party is a process of its own, forked here before it opens
// anything; they meet on a shared page. What is measured is at the receiver: from the first message
// after the warm-up to the last.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace flotilla::bench {

// What a measurement gives. CPU is of all parties, over the measured messages.
struct Measured {
    double messages_per_second = 0;
    double cpu_us_per_message = 0;
    double latency_us = 0;               // p50; latency measurements only
    double first_cpu_us_per_message = 0; // of the first party alone: what stands in the middle
};

class Arena {
public:
    static constexpr int places = 4;

    // The page. Written by the parties, read by all of them.
    struct Page {
        std::atomic<int> endpoints_known;
        std::atomic<bool> finished;
        char endpoints[places][128];
        double seconds;
        double latency_us;
        double cpu_seconds[places];
    };

    // What a party sees.
    class Seat {
    public:
        Seat(Page& page, int number) : page_(page), number_(number) {}
        // Others wait for it by the number of the endpoint.
        void announce(int endpoint, const std::string& text);
        std::string endpoint(int endpoint);
        // Around what is measured; CPU counts between them.
        void begin();
        void end();
        // The receiver has everything: the others may go.
        void finish(double seconds, double latency_us = 0);
        void wait_finished();
        bool is_known(int endpoint) const {
            return (page_.endpoints_known.load(std::memory_order_relaxed) & 1 << endpoint) != 0;
        }
        // For a party that never returns by itself: a thread of its own waits for the finish, tells
        // the CPU and ends the process. CPU counts from here.
        void end_when_finished();

    private:
        Page& page_;
        int number_;
        double cpu_at_begin_ = 0;
    };
    using Party = std::function<void(Seat&)>;

    // Runs all parties to their end; `messages` are those measured, `first_messages` those that the
    // first party's CPU went into (0: the same). Exits the program when a party fails or takes more
    // than two minutes.
    static Measured run(const std::vector<Party>& parties, std::uint64_t messages,
                        std::uint64_t first_messages = 0);
};

// Seconds on the clock that all processes of a machine share.
double clock_seconds();

// Prints and exits: a benchmark that goes on after a failure measures something else.
[[noreturn]] void give_up(const std::string& why);

// Where the parties of this run meet: loopback tcp, or ipc in the temporary folder.
std::string fresh_endpoint(const std::string& transport);

} // namespace flotilla::bench
