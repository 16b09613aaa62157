// SPDX-License-Identifier: Apache-2.0
//
// A world of one queue engine on a faulty disk, producers, consumers and a bad network, all of it
// decided by one seed. The engine is the real one and every message goes through the codec; time is
// an event queue. The oracle (oracle.hpp) sees what passes the engine's door.
//
//     producers: four puts outstanding, resent from the first unconfirmed, packed or alone
//     consumers: sessions with credit, or takes; ack, nack with and without delay, forget, touch
//     both:      stand still for a while, connected, and go on
//     engine:    crashes between turns, and after a commit in the midst of answering; is drained
//                and stopped in order; holds back who reads too slowly
//     operator:  looks, alters, purges, redrives, deletes
//     clock:     the wall clock jumps, also backward
#pragma once

#include "faulty_store.hpp"
#include "oracle.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/base/permissions.hpp>
#include <flotilla/base/random.hpp>
#include <flotilla/queue/engine/engine.hpp>

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
    Duration delay_max = 5ms; // each message's own, so that they overtake each other
    Duration crash_every{0};  // of the engine, on average; 0: never
    Duration consumer_dies_every{0};
    Duration clock_jumps_every{0};
    Duration rights_change_every{0}; // each peer is then a user of its own
    Duration holds_every{0};         // of somebody who does not read fast enough
    Duration drains_every{0};        // of the engine: an end in order, and a start
    Duration hangs_every{0};         // of somebody: it stands still, connected
    Duration hang_max{0};            // and goes on after this at most
    std::uint32_t nack_percent = 0;
    std::uint32_t forget_percent = 0; // a message is left until its lease is over
    Faults faults{};
};

struct Plan {
    queue::QueueProperties properties{}; // of the queue "work"
    queue::StoreLimits limits{};
    std::size_t producers = 2;
    std::size_t consumers = 3;
    std::uint64_t messages = 25; // of each producer
    std::uint32_t credit = 0;    // of each consumer; 0: a few, by the seed
    std::uint32_t keys = 0;
    std::uint32_t delay_percent = 0;
    std::uint32_t ttl_percent = 0;
    std::uint32_t poison_percent = 0;
    std::uint32_t too_large_percent = 0;
    std::uint32_t repeat_percent = 0; // of application message ids
    std::uint32_t waits_percent = 0;  // puts that are answered when they are acknowledged
    bool redrives = false;            // dead letters go back when the storm is over
    Duration purges_every{0};
    Duration deletes_every{0};         // of the queue, which the next put makes anew
    std::uint32_t producers_known = 0; // so few that the store forgets some; 0: it need not
    // As of a store that takes a sequence with gaps before it: no put can be out of order, and a
    // confirmation still settles all before it.
    bool gaps_are_accepted = false;
    bool one_hangs = false; // the first consumer, from some moment of the first 100 ms on, for good
    Weather storm{};
    Duration storm_lasts = 600ms;
};

Promise promise_of(const Plan& plan);

class Peer;

class World {
public:
    World(const Plan& plan, std::uint64_t seed);
    ~World();
    // Runs until every put is settled and the queues are empty, or a promise is broken: the oracle
    // says which.
    void run();

    const Oracle& oracle() const { return oracle_; }
    const Disk& disk() const { return *disk_; }
    std::uint64_t crashes() const { return crashes_; }
    std::uint64_t reloads() const { return reloads_; }
    std::uint64_t mute() const {
        return mute_;
    } // times that a consumer let a lease run out silently

    // ---- for its peers
    using Action = std::function<void()>;
    void at(Instant when, Action action);
    void after(Duration wait, Action action) { at(now_ + wait, std::move(action)); }
    Instant now() const { return now_; }
    const Plan& plan() const { return plan_; }
    Random& random() { return random_; }
    bool is_storm() const { return now_ < storm_ends_; }
    const Weather& weather() const { return is_storm() ? plan_.storm : fine_; }
    bool percent(std::uint32_t share) { return random_.below(100) < share; }
    Duration up_to(Duration most);
    Oracle& oracle() { return oracle_; }
    // Does it when the peer goes on, if it hangs.
    void when_awake(const Peer& peer, Action action);
    // A new connection; the old one, if any, is lost.
    void connect(Peer& peer);
    void hang_up(Peer& peer);
    void send(Peer& peer, const queue::leased::Envelope& envelope, const queue::Command& command);
    // What the oracle has to know when a command with this correlation arrives, or its answer
    // leaves.
    void expect_put(const std::string& correlation, const SentPut& put) {
        puts_[correlation] = put;
    }
    void expect_ack(const std::string& correlation, std::vector<std::string> bodies) {
        acks_[correlation] = std::move(bodies);
    }
    std::uint64_t serial() { return ++serial_; }

private:
    void trace(const std::string& what) const;
    void travel(Action arrive);
    void plan_messages();
    void plan_trouble();
    queue::Times times(); // what the engine is told

    void open_engine();
    void crash();
    void end_engine();
    void drain();
    Peer* somebody();
    void hold_somebody();
    void forget(const std::string& peer);
    void arrive(const std::string& name, int descriptor, wire::Frames message);
    void schedule_turn(Duration wait);
    void turn();
    void give_out(queue::EngineOutputs& out);
    void reach(const std::string& name, std::shared_ptr<wire::Frames> message);
    void watch_silence(const std::string& name);
    void watch(const queue::EngineOutputs::Send& send);
    void change_rights();
    void set_rights(std::shared_ptr<const Permissions> permissions);
    void watch_rights(const std::string& peer, const queue::leased::Event& event);
    void watch_delivery(const std::string& queue, const queue::leased::Event& event);
    void check_disk();
    bool is_quiet() const;

    Plan plan_;
    Weather fine_{};
    Random random_;
    std::uint64_t seed_;
    Instant now_{};
    Instant storm_ends_;
    Duration clock_offset_{0};
    std::shared_ptr<Disk> disk_;
    std::optional<queue::QueueEngine> engine_{};
    std::uint64_t starts_ = 0;
    std::uint64_t crashes_ = 0;
    std::uint64_t reloads_ = 0;
    bool crashes_next_ = false;
    Instant turn_at_ = never;
    Instant timer_at_ = never;
    std::multimap<std::pair<Instant, std::uint64_t>, Action> events_{};
    std::uint64_t serial_ = 0;
    Oracle oracle_;
    std::vector<std::unique_ptr<Peer>> peers_{};
    std::map<std::string, Peer*> connected_{};
    std::set<std::string> held_{}; // by name of the connection
    // When each was first given something since its last word, by name of the connection.
    std::map<std::string, Instant> given_{};
    std::uint64_t mute_ = 0;
    int last_descriptor_ = 10;
    std::shared_ptr<const Permissions> permissions_{}; // nullptr: everybody may do everything
    std::set<std::string> permitted_{};
    std::map<std::string, std::string> users_{}; // by name of the connection
    std::map<std::string, SentPut> puts_{};
    std::set<std::string> told_{}; // of these, that were acknowledged or dead
    std::map<std::string, std::vector<std::string>> acks_{};
};

// Somebody at the other end of a connection.
class Peer {
public:
    explicit Peer(World& world) : world_(world) {}
    virtual ~Peer() = default;
    virtual void start() = 0;
    virtual void receive(const queue::leased::Head& head, wire::Frames& message) = 0;
    virtual bool is_done() const { return true; }
    virtual std::string_view queue() const { return "work"; }
    virtual bool has_credit() const { return false; } // it is given what it has not asked for
    std::string name{};                               // of its connection
    std::string user{};                               // empty: there are none
    int descriptor = -1;
    Instant hangs_until{};

protected:
    void after(Duration wait, World::Action action) {
        world_.after(wait,
                     [this, action = std::move(action)] { world_.when_awake(*this, action); });
    }
    World& world_;
};

std::unique_ptr<Peer> make_operator(World& world);
std::unique_ptr<Peer> make_producer(World& world, std::size_t number);
std::unique_ptr<Peer> make_consumer(World& world, std::size_t number, std::string queue);
std::unique_ptr<Peer> make_taker(World& world);

} // namespace flotilla::sim
