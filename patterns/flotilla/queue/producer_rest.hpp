// SPDX-License-Identifier: Apache-2.0
//
// What a Producer is made of: the machine that decides, the outbox that holds, and the socket.
// Private to the component.
#pragma once

#include <flotilla/base/check.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/queue/ack_watch.hpp>
#include <flotilla/queue/outbox.hpp>
#include <flotilla/queue/producer.hpp>
#include <flotilla/queue/producer_machine.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flotilla::queue {

// Tickets of a lane's messages, of which many follow each other.
struct TicketRun {
    std::uint64_t ticket = 0;
    std::uint64_t count = 0;
};

struct LaneInfo {
    std::string queue{};
    std::deque<TicketRun> tickets{};

    void add(std::uint64_t ticket) {
        if (!tickets.empty() && tickets.back().ticket + tickets.back().count == ticket)
            ++tickets.back().count;
        else
            tickets.push_back({ticket, 1});
    }
    std::uint64_t take() {
        FLOTILLA_CHECK(!tickets.empty(), "a message without ticket was settled");
        const std::uint64_t ticket = tickets.front().ticket++;
        if (--tickets.front().count == 0)
            tickets.pop_front();
        return ticket;
    }
};

struct Producer::Rest {
    Rest(ProducerOptions given, net::Socket socket, net::Monitor watcher, Outbox box);

    void restore();
    Result<ProducerLane> lane_of(std::string_view queue);
    Result<std::uint64_t> put(std::string_view queue, std::span<const ByteView> frames,
                              const PutOptions& with);
    void connect(std::size_t store);
    void act();
    bool send(const PutOrder& order);
    void send_lone(ProducerLane lane);
    void send_gathered();
    void handle(wire::Frames& message);
    Status read_inputs();
    struct Listeners {
        const std::function<void(const Confirm&)>& confirm;
        const std::function<void(const Acknowledgement&)>& acknowledged;
    };
    void turn(const Listeners& listeners);
    void confirm(const Settled& settled, const Listeners& listeners);
    void look_for_losses();
    bool has_room_to_wait(const PutOptions& with) const noexcept {
        return with.acknowledged_max == 0ns || watch.size() < options.acknowledged_waits_max;
    }
    Duration wait_max() const;
    std::string state_text() const;
    std::string full_text(const PutOptions& with) const; // why a put has no room

    ProducerOptions options;
    net::Socket dealer;
    net::Monitor monitor;
    Outbox outbox;
    ProducerMachine machine;
    ProducerOutputs out;
    wire::Compressor compressor;
    std::string scratch;
    std::deque<LaneInfo> lanes;
    std::unordered_map<std::string, ProducerLane> lane_by_queue;
    ProducerLane last_lane = 0;
    std::uint64_t tickets = 0;
    std::optional<std::size_t> connected;
    std::vector<Settled> settled; // of this turn, being told
    struct Told {
        ProducerLane lane;
        MessageId id;
        Acked acked;
    };
    std::vector<Told> told; // in this turn, of what was confirmed in it or before
    AckWatch watch;
    std::uint64_t losses = 0; // of the machine, that the watch knows of
    ProducerCounters counters;
    Status alive{};
};

} // namespace flotilla::queue
