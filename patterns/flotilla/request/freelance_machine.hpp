// SPDX-License-Identifier: Apache-2.0
//
// FreelanceMachine: decides which server a brokerless client asks, and when it asks another. It is
// told what arrived, what could not be sent and what time it is; no I/O, no clock.
//
//     a server:   down ─pong─► up ─silence, unreachable─► down
//     a call:     waiting ─a server is up─► asked ─answer─► finished
//                    ▲                        │
//                    └ its servers are down ──┘      and from each, at its deadline: finished
//
// Every server is sent a ping now and then, and is used from its first pong on. What is heard of a
// server in any way counts as a pong.
//
// Invariants
//  1. A call is finished once: by the first answer, its deadline, or cancel(). What comes later is
//     dropped and counted.
//  2. first_answer asks every server that is up, once while it stays up, and again when nothing
//     came for attempt_max. sticky asks one server: the favourite, which the next one becomes when
//     it goes down or leaves a call unanswered for attempt_max.
//  3. A call is given out in at most attempts_max rounds; then it waits for its deadline.
//
// One thread at a time.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::request {

enum class FreelanceMode : std::uint8_t {
    first_answer, // all are asked, the first answer wins: the lowest latency, for the most work
    sticky,       // one is asked while it answers, then the next
};

struct FreelanceLimits {
    FreelanceMode mode = FreelanceMode::sticky;
    Duration ping = 1s;         // 10 ms to 1 h: how often each server is asked for a sign of life
    std::uint32_t liveness = 3; // 1 to 100: pings without one after which a server is down
    Duration attempt_max = 5s;  // 10 ms to 24 h: an unanswered call is then given out anew
    std::uint32_t attempts_max = 10;              // 1 to 1,000, the first included
    std::uint32_t calls_max = 10'000;             // under way at once; 1 to 1,000,000
    std::uint64_t calls_bytes_max = 256ULL << 20; // of these: bodies, 80 bytes a frame
};

struct FreelanceCounters {
    std::uint64_t calls_total = 0;
    std::uint64_t answered_total = 0;
    std::uint64_t timeout_total = 0;
    std::uint64_t cancelled_total = 0;
    std::uint64_t asked_total = 0;      // requests sent, of all servers
    std::uint64_t retries_total = 0;    // rounds beyond a call's first
    std::uint64_t failovers_total = 0;  // sticky: another server became the favourite
    std::uint64_t duplicates_total = 0; // answers to calls that were finished
    std::uint64_t down_total = 0;       // servers that went down
    std::uint64_t malformed_total = 0;
    std::uint64_t unexpected_total = 0; // from nobody that is a server here
};

struct FreelanceReply {
    wire::Frames body{};
    std::string server{};       // its endpoint
    std::uint32_t attempts = 1; // rounds in which the call was given out
};

struct FreelanceOutputs {
    struct Send {
        std::size_t server;
        std::optional<std::uint64_t> call{}; // absent: a ping
        wire::Frames body{};
    };
    struct Finished {
        std::uint64_t call;
        Result<FreelanceReply> outcome; // timeout when nobody answered in time
    };
    std::vector<Send> sends;
    std::vector<Finished> finished;
    void clear() {
        sends.clear();
        finished.clear();
    }
};

class FreelanceMachine {
public:
    static constexpr std::size_t servers_max = 64;

    // The limits must have been checked.
    explicit FreelanceMachine(FreelanceLimits limits) : limits_(limits) {}

    // A server's name, its public endpoint, is known and tried from now on. Errors: exists;
    // too_many (servers_max).
    Result<std::size_t> add_server(std::string name, Instant now);
    // What was asked of it is asked of others. Errors: not_found.
    Result<std::size_t> remove_server(std::string_view name, Instant now, FreelanceOutputs& out);
    const std::string& name(std::size_t server) const { return servers_[server].name; }

    // Takes `body`, which has a frame at least. Errors, the body untouched: too_many, too_large.
    Result<std::uint64_t> call(wire::Frames& body, Duration deadline, Instant now,
                               FreelanceOutputs& out);
    // Errors: not_found (it is finished).
    Status cancel(std::uint64_t call);

    // Frames behind the server's name.
    void receive(std::string_view server, wire::Frames&& frames, Instant now,
                 FreelanceOutputs& out);
    void receive_malformed() noexcept { ++counters_.malformed_total; }
    // A send found nobody there.
    void unreachable(std::size_t server, Instant now, FreelanceOutputs& out);
    // The transport lost the connection to it; `server` may be nobody's name.
    void connection_lost(std::string_view server, Instant now, FreelanceOutputs& out);
    // A hint: some connection came or went.
    void look_around(Instant now, FreelanceOutputs& out);
    void tick(Instant now, FreelanceOutputs& out);

    std::size_t under_way() const noexcept { return calls_.size(); }
    std::size_t servers_up() const noexcept;
    Instant next_deadline() const noexcept;
    const FreelanceCounters& counters() const noexcept { return counters_; }

    // The control frame of a call, and back.
    static std::string control(std::uint64_t call);
    static std::optional<std::uint64_t> call_of(std::string_view control) noexcept;

private:
    struct Server {
        std::string name{}; // empty: the place is free
        bool up = false;
        Instant ping_at{};
        Instant silent_at = never; // up: down then
    };
    struct Call {
        wire::Frames body{};
        std::uint64_t bytes = 0;
        Instant deadline = never;
        Instant again_at = never; // given out anew
        std::uint64_t asked = 0;  // a bit a server
        std::uint32_t attempts = 0;
    };
    using Calls = std::map<std::uint64_t, Call>;

    std::optional<std::size_t> find(std::string_view name) const noexcept;
    std::optional<std::size_t> favourite();
    void heard(std::size_t server, Instant now, FreelanceOutputs& out);
    void down(std::size_t server, Instant now, FreelanceOutputs& out);
    void give_out(std::uint64_t number, Call& call, Instant now, FreelanceOutputs& out);
    void ask(std::uint64_t number, Call& call, std::size_t server, FreelanceOutputs& out);
    void look_at_calls(Instant now, FreelanceOutputs& out);
    Calls::iterator finish(Calls::iterator at);

    FreelanceLimits limits_;
    std::vector<Server> servers_;
    std::size_t favourite_ = 0;
    Calls calls_;
    std::uint64_t serial_ = 0;
    std::uint64_t bytes_ = 0;
    Instant calls_due_ = never; // no call is due before
    FreelanceCounters counters_;
};

} // namespace flotilla::request
