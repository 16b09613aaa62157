// SPDX-License-Identifier: Apache-2.0
//
// WorkerLine: a Worker's connection to one broker: a WorkerMachine, and the socket that does what
// it says. Every connection is a new socket, and so a new peer to the broker. Private to the
// component; one thread.
#pragma once

#include "job_desk.hpp"

#include <flotilla/net/monitor.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/request/message_pack.hpp>
#include <flotilla/request/worker_machine.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace flotilla::request::detail {

class WorkerLine {
public:
    // All but the options must outlive it; so must `tasks`, where requests are laid.
    WorkerLine(net::Context& context, const WorkerOptions& options, std::size_t index,
               std::shared_ptr<JobDesk> desk, net::Poller& poller, std::deque<Task>& tasks);
    ~WorkerLine();

    // Reads a bounded number of messages, does what is due, sends. False: nothing came.
    bool turn();
    // Until the context stops; before the first connection also: bad_endpoint, insecure.
    const Status& alive() const noexcept { return alive_; }

    // Whether an answer may wait for others, to leave with them as a pack, until send_gathered() or
    // turn(). Only where more than one request is taken at a time.
    enum class Leaves : std::uint8_t { at_once, gathered };
    void finish(std::uint64_t number, Outcome&& outcome, Leaves when);
    void send_gathered();
    // False: nobody waits for it.
    bool partial(std::uint64_t number, wire::Frames&& piece);
    // The broker reads what it is sent; else requests and pieces of answers should wait.
    bool has_room() const noexcept;
    void drain();

    Duration wait_max() const;
    const WorkerMachine& machine() const noexcept { return machine_; }
    bool is_stopped() const noexcept { return machine_.state() == WorkerMachine::State::stopped; }

private:
    void act();
    void tell_registration();
    Status open_connection();
    void close_connection();
    void send(Message&& message);
    void send(wire::Frames&& frames);
    void flush();
    Instant deaf_at() const noexcept;
    bool read_inputs();
    void hear_monitor();
    void handle(wire::Frames& message);
    void take(Result<Message>&& read);
    void lay_down(WorkerOutputs::Given&& given);
    void watch_room();

    net::Context& context_;
    const WorkerOptions& options_;
    std::size_t index_;
    std::shared_ptr<JobDesk> desk_;
    net::Poller& poller_;
    std::deque<Task>& tasks_;
    WorkerMachine machine_;
    WorkerOutputs out_;
    std::unique_ptr<net::Socket> dealer_; // by pointer: a Poller knows its address
    std::optional<net::Monitor> monitor_;
    Instant monitor_heard_{};
    bool gathers_ = false;              // while finish() is at it
    std::optional<Message> gathered_{}; // an answer that waits; with others it is in pack_ too
    PackWriter pack_{};
    std::deque<wire::Frames> unsent_;
    std::uint64_t unsent_bytes_ = 0;
    Instant stuck_since_{}; // something is unsent: since then nothing has left
    bool watches_room_ = false;
    bool was_kept_ = false;
    std::vector<std::shared_ptr<JobLink>> links_; // by WorkerMachine::place()
    bool first_ = true;
    Status alive_{};
};

} // namespace flotilla::request::detail
