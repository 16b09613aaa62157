// SPDX-License-Identifier: Apache-2.0
//
// A world of one source, several workers and a bad network, all of it decided by one seed. The
// machines are the real ones and every message goes through the codec; time is an event queue.
//
// What it watches, after every step: the source's own invariants; that the attempt and the
// redelivered flag of each delivery are true; that no window is overrun; that of all the programs
// that are given a message one at most is not told that it is a repeat; that nothing is finished
// which no program acknowledged.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/pipeline/source_machine.hpp>
#include <flotilla/taker/taker_machine.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace flotilla::sim {

struct Weather {
    std::uint32_t lose_percent = 0;
    std::uint32_t double_percent = 0;
    Duration delay_max = 10ms;            // each message's own, so that they overtake each other
    bool in_order = false;                // within a connection, as TCP does
    Duration crash_every{0};              // on average, some worker; 0: never
    Duration hang_up_every{0};            // on average, some connection
    Duration hang_every{0};               // on average, some worker: it stands still, connected
    Duration hang_max{0};                 // and goes on after this at most
    std::uint32_t hint_percent = 100;     // of lost connections that the monitor tells
    std::uint32_t false_hint_percent = 0; // a day's chance that it tells of a good one
    std::uint32_t nack_percent = 0;
    std::uint32_t stuck_percent = 0; // a message is worked on for longer than its lease
};

struct Plan {
    pipeline::SourceLimits limits{};
    std::uint32_t workers = 3;
    std::uint32_t messages = 40;
    std::uint32_t keys = 0; // 0: no keys
    bool one_hangs = false; // the first worker, from some moment of the first 100 ms on, for good
    Weather storm{};
    Duration submit_after = 1ms;
    Duration storm_lasts = 2s; // then the weather is fine and nobody dies
};

class World {
public:
    World(const Plan& plan, std::uint64_t seed);
    ~World();
    // Runs until every message is finished or dead, or ten simulated minutes have passed.
    void run();

    bool all_done() const;
    const pipeline::SourceMachine& source() const { return source_; }
    std::uint64_t finished_without_ack() const;
    std::uint64_t never_acked() const; // by any program, and not dead
    std::uint64_t silent_repeats() const { return silent_repeats_; }
    std::uint64_t repeats() const { return repeats_; }
    std::uint64_t duplicates_dropped() const;
    std::uint64_t broken_order() const { return broken_order_; }
    std::uint64_t hung() const { return hung_; } // times that a worker with something in hand was
    std::uint64_t events() const { return events_run_; }
    const std::set<std::uint64_t>& dead() const { return dead_; }

private:
    struct Worker;
    struct Connection;
    using Action = std::function<void()>;

    void at(Instant when, Action action);
    void after(Duration wait, Action action) { at(now_ + wait, std::move(action)); }
    const Weather& weather() const { return now_ < storm_ends_ ? plan_.storm : fine_; }
    bool percent(std::uint32_t share) { return random_.below(100) < share; }
    Duration up_to(Duration most);

    void submit_some();
    void source_step(const std::function<void(pipeline::SourceOutputs&)>& input);
    void source_outputs(pipeline::SourceOutputs& out);
    void note_delivery(const pipeline::SourceOutputs::Delivery& delivery);
    void source_timer();
    void to_worker(const std::string& peer, wire::Frames message);
    void to_source(std::shared_ptr<Connection> connection, wire::Frames message);
    void travel(Connection& connection, bool to_source, Action arrive);
    void reach_worker(std::shared_ptr<Connection> connection,
                      std::shared_ptr<wire::Frames> message);

    void start_worker(std::size_t index);
    void worker_step(std::size_t index, const std::function<void(taker::TakerOutputs&)>& input);
    void worker_timer(std::size_t index);
    void worker_timer_ends(std::size_t index, Instant timer, std::uint64_t life);
    void worker_receive(std::size_t index, wire::Frames message);
    void hand_out(std::size_t index, wire::leased::LeaseToken lease, std::uint64_t id,
                  wire::leased::Redelivered redelivered);
    void work_on(std::size_t index);
    void work_ends(std::size_t index, std::uint64_t life);
    void hang_up(std::shared_ptr<Connection> connection);
    void plan_trouble();
    void crash(std::size_t index);
    void hang(std::size_t index, Duration lasts);

    Plan plan_;
    Weather fine_{};
    Random random_;
    Instant now_{};
    Instant storm_ends_;
    pipeline::SourceMachine source_;
    std::multimap<std::pair<Instant, std::uint64_t>, Action> events_;
    std::uint64_t serial_ = 0;
    std::uint64_t events_run_ = 0;
    std::uint32_t submitted_ = 0;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::map<std::string, std::shared_ptr<Connection>> connections_; // by peer, while open
    int last_descriptor_ = 10;

    std::map<std::uint64_t, std::uint32_t> deliveries_; // by message
    std::map<std::uint64_t, std::uint32_t> handed_out_;
    std::set<std::uint64_t> unmarked_; // handed out as not redelivered
    std::set<std::uint64_t> acked_;
    std::set<std::uint64_t> dead_;
    std::map<std::string, std::pair<std::string, std::uint64_t>> keys_; // last peer and id
    std::uint64_t silent_repeats_ = 0;
    std::uint64_t repeats_ = 0;
    std::uint64_t broken_order_ = 0;
    std::uint64_t hung_ = 0;
};

} // namespace flotilla::sim
