// SPDX-License-Identifier: Apache-2.0
//
// A SourceMachine with workers that say what they want in one line, and a clock that stands still
// until it is told to move. Every turn is checked.
#pragma once

#include <flotilla/pipeline/source_machine.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::pipeline::test {

namespace leased = wire::leased;

// A source and a clock; what it sends is kept and looked at.
struct SourceBench {
    SourceLimits limits;
    SourceMachine machine;
    Instant now{};
    SourceOutputs out;
    std::map<std::string, std::vector<std::uint64_t>> given; // ids by peer
    std::map<std::uint64_t, leased::LeaseToken> tokens;      // the last of each id
    std::vector<Dead> dead;

    explicit SourceBench(SourceLimits with = {}) : limits(with), machine(with, 1) {}

    void say(const std::string& peer, leased::Command command, const std::string& user = "") {
        machine.receive({peer, user, -1}, {false, "c"}, command, now, out);
        turn();
    }
    void hello(const std::string& peer, std::uint32_t credit, std::uint32_t weight = 1,
               const std::string& worker = "") {
        say(peer, leased::Hello{worker, "", weight, true, {}, 0, credit});
    }
    void submit(int count, const std::string& key = "") {
        for (int i = 0; i < count; ++i)
            REQUIRE(machine.submit(ByteView{"m"}, key));
        turn();
    }
    void pass(Duration time) {
        now += time;
        machine.tick(now, out);
        turn();
    }
    void turn() {
        machine.dispatch(now, out);
        for (const auto& delivery : out.deliveries) {
            const WorkItem& item = machine.item(delivery.item);
            given[machine.session(delivery.session).peer].push_back(item.id);
            tokens[item.id] = {machine.epoch(), item.lease};
        }
        for (Dead& each : out.dead)
            dead.push_back(std::move(each));
        out.deliveries.clear();
        out.dead.clear();
        machine.check();
    }
    // The last thing sent to anybody.
    const leased::Event& last() const {
        REQUIRE_FALSE(out.sends.empty());
        return out.sends.back().event;
    }
    leased::ErrorCode last_error() const { return std::get<leased::ErrorReply>(last()).code; }
    void ack(const std::string& peer, std::uint64_t id, const std::string& user = "") {
        say(peer, leased::Ack{{tokens[id].epoch, {{tokens[id].number, 1}}}}, user);
    }
    void nack(const std::string& peer, std::uint64_t id, Duration delay = 0ns) {
        say(peer, leased::Nack{{tokens[id].epoch, {{tokens[id].number, 1}}}, delay, "why not"});
    }
};

using Ids = std::vector<std::uint64_t>;

} // namespace flotilla::pipeline::test
