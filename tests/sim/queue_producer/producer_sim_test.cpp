// SPDX-License-Identifier: Apache-2.0
//
// ProducerMachine against two stores that the test plays: connections break with all that is on
// them, puts come twice, a store is full, drains, refuses, forgets producers, or loses what it
// had confirmed (relaxed).
#include <flotilla/base/random.hpp>
#include <flotilla/queue/producer_machine.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

using Code = leased::ErrorCode;

// One put on its way: the numbers it carries stand for the messages.
struct Packet {
    std::uint64_t correlation = 0;
    ProducerLane lane = 0;
    ProducerSequence from{};
    std::uint64_t first = 0;
    std::uint64_t messages = 0;
};

// A store: what is in it, by lane, and how far each producer has come.
struct Store {
    struct Stored {
        std::uint64_t number = 0;
        bool maybe_duplicate = false;
    };
    std::map<ProducerLane, std::vector<Stored>> stored;
    std::map<std::pair<std::string, ProducerLane>, std::uint64_t> sequences;
    std::set<std::pair<ProducerLane, std::uint64_t>> refused; // for good, their numbers used up

    Event take(const Packet& put, Random& random, unsigned faults) {
        std::uint64_t& settled = sequences[{put.from.producer, put.lane}];
        const auto refuse = [&](Code code) {
            return PutRefused{{0, 0, 0, settled, {}}, code, "sim"};
        };
        if (faults > 0 && random.one_in(50))
            return refuse(random.one_in(2) ? Code::full : Code::busy);
        if (faults > 0 && random.one_in(400))
            return refuse(Code::draining);
        if (settled == 0 && put.from.sequence > 1)
            return refuse(Code::unknown_producer);
        if (put.from.sequence > settled + 1)
            return refuse(Code::out_of_order);
        if (faults > 0 && random.one_in(100))
            return leased::Event{leased::ErrorReply{Code::not_allowed, "sim", 0, 0, 0}};
        PutOutcome outcome;
        std::vector<Stored>& lane = stored[put.lane];
        outcome.first_id = lane.size() + 1;
        const bool stops = faults > 0 && random.one_in(20);
        const std::uint64_t stop = stops ? random.below(put.messages) : put.messages;
        for (std::uint64_t i = 0; i < stop; ++i) {
            const std::uint64_t sequence = put.from.sequence + i;
            if (sequence <= settled) {
                ++outcome.duplicates;
                continue;
            }
            settled = sequence;
            if (faults > 0 && random.one_in(200)) {
                outcome.exceptions.refused.push_back(
                    {static_cast<std::uint32_t>(i), Code::too_large});
                refused.insert({put.lane, put.first + i});
                continue;
            }
            lane.push_back({put.first + i, put.from.maybe_duplicate});
            ++outcome.accepted;
        }
        outcome.sequence = settled;
        if (stops)
            return PutRefused{outcome, Code::full, "sim"};
        return PutOk{outcome, Acked::unsaid};
    }
};

class World {
public:
    explicit World(std::uint64_t seed)
        : random_(seed), machine_(limits(random_), 2, random_.next()) {
        for (int i = 0; i < 3; ++i)
            machine_.add_lane();
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i)
            step(1);
        // Then everything heals, and what was put must come to an end.
        for (int i = 0; machine_.unsettled() > 0; ++i) {
            REQUIRE(i < 200'000);
            step(0);
        }
        judge();
    }

private:
    static ProducerLimits limits(Random& random) {
        ProducerLimits out;
        out.window_messages = static_cast<std::uint32_t>(1 + random.below(50));
        out.window_bytes = 64 << 10;
        out.put_bytes_max = 1000;
        return out;
    }

    void step(unsigned faults) {
        now_ += Duration{static_cast<std::int64_t>(random_.below(5'000'000))};
        switch (random_.below(faults > 0 ? 8 : 6)) {
        case 0:
            if (faults > 0)
                put();
            break;
        case 1:
        case 2:
            send();
            break;
        case 3:
            to_store(faults);
            break;
        case 4:
            to_producer();
            break;
        case 5:
            tick();
            break;
        default:
            if (random_.one_in(20))
                fault();
        }
        machine_.check();
        take_outputs();
    }

    void put() {
        const auto lane = static_cast<ProducerLane>(random_.below(3));
        for (std::uint64_t i = 1 + random_.below(10); i > 0; --i) {
            const bool is_told = random_.one_in(4);
            std::optional<Instant> until;
            if (is_told)
                until =
                    random_.one_in(2) ? never : now_ + std::chrono::milliseconds(random_.below(20));
            machine_.append(lane, 100, until);
            if (is_told)
                acked_is_told_[{lane, machine_.appended(lane)}] = *until;
        }
    }

    void send() {
        while (const auto order = machine_.next(now_, out_)) {
            const std::uint64_t messages = 1 + random_.below(order->messages_max);
            const PutHead head = machine_.sent(*order, messages, messages * 100, now_);
            sent_.insert({order->lane, order->first});
            // Whoever is told of is alone, and is always told of while somebody waits.
            for (std::uint64_t i = 0; i < messages; ++i) {
                const auto awaited = acked_is_told_.find({order->lane, order->first + i});
                const bool is_awaited = awaited != acked_is_told_.end();
                REQUIRE((is_awaited && awaited->second > now_) == head.tell_acked);
                REQUIRE((!is_awaited || messages == 1));
                REQUIRE((!head.tell_acked || head.acked_max >= 1ms));
            }
            wire_.push_back({head.correlation, order->lane, head.from, order->first, messages});
            take_outputs();
        }
    }

    void to_store(unsigned faults) {
        if (wire_.empty())
            return;
        const Packet put = wire_.front();
        wire_.pop_front();
        answers_.emplace_back(put.correlation,
                              stores_[machine_.store()].take(put, random_, faults));
    }

    void to_producer() {
        if (answers_.empty())
            return;
        const auto [correlation, answer] = std::move(answers_.front());
        answers_.pop_front();
        machine_.heard();
        machine_.receive(correlation, answer, now_, out_);
    }

    void tick() {
        machine_.tick(now_, out_);
        if (out_.connect) {
            wire_.clear();
            answers_.clear();
            machine_.connection_made();
        }
        if (machine_.state() == ProducerMachine::State::greeting)
            machine_.heard();
        // Nothing moves by itself: time passes to the next deadline now and then.
        if (random_.one_in(4) && machine_.next_deadline() != never)
            now_ = std::max(now_, machine_.next_deadline());
    }

    void fault() {
        Store& store = stores_[random_.below(2)];
        switch (random_.below(5)) {
        case 0: // the connection breaks and comes back: what was on it is gone
            wire_.clear();
            answers_.clear();
            machine_.connection_made();
            break;
        case 1:
            machine_.connection_lost(now_);
            wire_.clear();
            answers_.clear();
            break;
        case 2: // producers are evicted: such as have been settled beyond what is under way
            std::erase_if(store.sequences, [](const auto& each) { return each.second > 60; });
            break;
        case 3: // a put comes twice, and so does its answer
            if (!wire_.empty())
                wire_.push_front(Packet(wire_.front()));
            break;
        default: // relaxed: the last confirmed ones are lost, sequences with them
            for (auto& [key, sequence] : store.sequences)
                sequence -= std::min<std::uint64_t>(sequence, random_.below(3));
            has_lost_ = true;
        }
    }

    void take_outputs() {
        for (const Settled& each : out_.settled) {
            std::uint64_t& next = told_[each.lane];
            REQUIRE(each.first == next + 1); // in order, each once
            next += each.count;
            if (each.outcome == Settled::Outcome::refused)
                for (std::uint64_t i = 0; i < each.count; ++i)
                    refused_.insert({each.lane, each.first + i});
        }
        out_.clear();
    }

    // What was confirmed is in a store; what is there twice was marked the second time.
    void judge() {
        std::map<std::pair<ProducerLane, std::uint64_t>, std::vector<bool>> copies;
        for (const Store& store : stores_)
            for (const auto& [lane, all] : store.stored)
                for (const Store::Stored& each : all)
                    copies[{lane, each.number}].push_back(each.maybe_duplicate);
        for (ProducerLane lane = 0; lane < 3; ++lane) {
            REQUIRE(told_[lane] == machine_.appended(lane));
            for (std::uint64_t number = 1; number <= told_[lane]; ++number) {
                const auto& marks = copies[{lane, number}];
                INFO("lane " << lane << " number " << number);
                // When the answer with a refusal was lost, a repeat hears only that it is settled.
                const std::pair message{lane, number};
                if (refused_.count(message) + stores_[0].refused.count(message) +
                        stores_[1].refused.count(message) ==
                    0)
                    REQUIRE(!marks.empty());
                // Unless a store lost its memory of a sequence, at most one copy is unmarked.
                if (!has_lost_)
                    REQUIRE(std::count(marks.begin(), marks.end(), false) <= 1);
            }
        }
    }

    Random random_;
    ProducerMachine machine_;
    ProducerOutputs out_;
    Instant now_{1h};
    Store stores_[2];
    std::deque<Packet> wire_;
    std::deque<std::pair<std::uint64_t, Event>> answers_;
    std::set<std::pair<ProducerLane, std::uint64_t>> sent_;
    std::map<std::pair<ProducerLane, std::uint64_t>, Instant> acked_is_told_; // until when
    std::set<std::pair<ProducerLane, std::uint64_t>> refused_;
    std::map<ProducerLane, std::uint64_t> told_;
    bool has_lost_ = false;
};

} // namespace

TEST_CASE("producer: whatever happens, what is confirmed is stored and repeats are marked",
          "[sim][queue]") {
    for (const std::uint64_t seed : test::Seeds(1'000)) {
        INFO("seed " << seed);
        World world(seed);
        world.run(600);
    }
}
