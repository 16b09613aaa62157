// SPDX-License-Identifier: Apache-2.0
//
// Oracle: what was promised to whom, seen at the engine's door, and whether it is kept:
//
//  1. No confirmed message is lost: in the end each was acknowledged, or is a dead letter, or had
//     its time to live run out.
//  2. None is given out again after its acknowledgement was confirmed.
//  3. No second delivery is silent: it says redelivered=yes or maybe.
//  4. order=strict: what is given out next is what follows, or something before that came back.
//     order=key: nothing is given out while something before it of its key is not finished.
//  5. Nothing is given out before it is due or after it expired.
//  6. No put is stored twice, and none that was refused for good is given out.
//  7. A put that waits until it is acknowledged is not told so before.
//
// Queues that promise less are held to that: see Promise.
//
// It knows each message by its body. What it finds broken it keeps as sentences.
#pragma once

#include <flotilla/queue/engine/engine.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace flotilla::sim {

using queue::Order;

// One message, as its producer means it.
struct Planned {
    std::string body{}; // unique
    std::size_t producer = 0;
    std::uint64_t number = 0; // of the producer, from 1
    std::string key{};
    std::uint8_t priority = 0;
    Duration delay{0};
    Duration ttl{0};
    std::string message_id{};
    bool is_too_large = false;
    bool is_repeat = false; // has the message_id of the one before it
    bool is_poison = false; // every program fails on it while the storm lasts
};

// Which messages of a producer a put carried.
struct SentPut {
    std::size_t producer = 0;
    std::uint64_t first = 0; // numbers
    std::uint64_t count = 0;
    std::uint64_t base = 0;    // number of the message before sequence 1
    std::uint64_t after = 0;   // what an answer settles begins behind this number
    std::string id{};          // producer id of this epoch
    std::uint64_t settled = 0; // all up to here, when it was sent
};

// What a queue with these properties promises.
struct Promise {
    Order order = Order::plain;
    std::uint32_t attempts_max = 1;
    bool has_dead_letters = false;
    bool is_at_most_once = false;   // acknowledge=auto: nothing twice, but lost in a crash
    bool is_durable = true;         // else a crash may undo what was confirmed: puts and acks
    bool is_kept = true;            // else ready messages may be dropped or purged, and are counted
    bool forgets_producers = false; // some of them: what they repeat may be stored twice
    bool is_deleted = false;        // now and then, and made anew: with ids from the beginning
    bool may_double() const { return forgets_producers || is_deleted; }
};

class Oracle {
public:
    explicit Oracle(const Promise& promise) : promise_(promise) {}
    const Promise& promise() const noexcept { return promise_; }

    // The producers' messages, all of them, before anything runs.
    void plan(std::vector<Planned> messages);
    const Planned& planned(std::size_t producer, std::uint64_t number) const {
        return tracks_.at({producer, number}).planned;
    }

    // ---- what reaches the engine
    void told(WallTime wall) {
        if (latest_wall_ == WallTime{})
            everybody_is_there_ = wall + 100ms;
        latest_wall_ = std::max(latest_wall_, wall);
    }
    void put_arrives(const SentPut& put, WallTime wall);
    void ack_arrives(const std::string& body);
    // ---- what it says
    void put_answered(const SentPut& put, const queue::PutOutcome& outcome);
    void ack_confirmed(const std::string& body);
    struct Seen {
        std::string_view queue{};
        std::uint64_t id = 0;
        std::uint32_t attempt = 1;
        queue::leased::Redelivered redelivered{};
        std::string body{};
    };
    void delivered(const Seen& seen, WallTime wall);
    void redriven() { was_redriven_ = true; }
    // What a stop takes from consumers is no fault of theirs: it may be given out once more.
    void stopped() { ++stops_; }
    // The queue is about to be deleted: what was put before may be gone with it.
    void deleted();

    void put_acked(const SentPut& put); // a put that waited
    // durability=memory: the queue is empty after a crash, and begins anew.
    void forgot() {
        given_out_.clear();
        body_of_.clear();
        last_id_ = 0;
    }
    // Everything is quiet, and the queues are empty; so many were dropped or purged, it says.
    void finish(std::uint64_t dropped);

    void broken(std::string what);
    const std::vector<std::string>& breaches() const noexcept { return breaches_; }
    std::uint64_t confirmed() const noexcept { return confirmed_; }
    std::uint64_t deliveries() const noexcept { return deliveries_; }
    std::uint64_t repeats() const noexcept { return repeats_; }
    std::uint64_t maybes() const noexcept { return maybes_; }
    std::uint64_t dead() const noexcept { return dead_; }
    std::uint64_t expired() const noexcept { return expired_; }
    // How long after it was due a message was first given out, at worst, when its delay is counted
    // from the confirmation (an arrival may have been refused, and come again). (In the first 100
    // ms those who take it may not be there.)
    Duration worst_lateness() const noexcept { return worst_lateness_; }

private:
    struct Track {
        Planned planned{};
        bool has_arrived = false;
        WallTime first_arrival{};
        WallTime last_arrival{}; // of the engine's clock: the latest it was told until then
        WallTime confirmed_at{};
        bool is_confirmed = false;
        bool is_given = false;
        bool is_ack_sent = false;
        bool is_ack_confirmed = false;
        bool may_be_dead = false;
        bool is_dead_letter = false;
        bool may_be_deleted = false;
        std::set<std::uint64_t> ids{}; // in the queue of work
        bool may_be_finished() const {
            return is_ack_sent || may_be_dead || planned.is_too_large || planned.is_repeat;
        }
    };
    Track* find(const std::string& body);
    void note_ids(const SentPut& put, const queue::PutOutcome& outcome);
    void check_strict(const Track& track, std::uint64_t id);
    void check_key(const Track& track);

    Promise promise_;
    std::map<std::pair<std::size_t, std::uint64_t>, Track> tracks_{}; // producer, number
    std::map<std::string, std::pair<std::size_t, std::uint64_t>> by_body_{};
    // Queue, id, body: of a queue that is made anew the ids begin again.
    std::set<std::tuple<std::string, std::uint64_t, std::string>> given_out_{};
    std::map<std::uint64_t, std::string> body_of_{}; // by id, in the queue of work
    std::uint64_t last_id_ = 0;                      // given out
    WallTime latest_wall_{};
    WallTime everybody_is_there_{};
    bool was_redriven_ = false;
    std::uint32_t stops_ = 0;
    std::vector<std::string> breaches_{};
    std::uint64_t confirmed_ = 0;
    std::uint64_t deliveries_ = 0;
    std::uint64_t repeats_ = 0;
    std::uint64_t maybes_ = 0;
    std::uint64_t dead_ = 0;
    std::uint64_t expired_ = 0;
    Duration worst_lateness_{0};
};

} // namespace flotilla::sim
