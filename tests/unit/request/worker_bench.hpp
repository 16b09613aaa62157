// SPDX-License-Identifier: Apache-2.0
//
// A WorkerMachine at a bench: time stands until it is moved.
#pragma once

#include <flotilla/request/worker_machine.hpp>

#include <support/catch.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::request {

inline WorkerLimits limits_of(std::optional<Dialect> dialect, std::uint32_t capacity = 2) {
    WorkerLimits limits;
    limits.service = std::string{"echo"}; // GCC 12 -O2 misreads an assignment
    limits.dialect = dialect;
    limits.capacity = capacity;
    limits.heartbeat = 1s;
    return limits;
}

struct WorkerBench {
    using Words = std::vector<std::string>;
    WorkerMachine machine;
    Instant now{};
    WorkerOutputs out;

    explicit WorkerBench(std::optional<Dialect> dialect, std::uint32_t capacity = 2)
        : machine(limits_of(dialect, capacity), 1) {
        tick();
    }
    void tick() { machine.tick(now, out); }
    void pass(Duration time) {
        now += time;
        tick();
    }
    // The next thing that is due.
    void pass_on() { pass(time_left(now, machine.next_deadline())); }
    void connect() { machine.connection_made(now, out); }
    void hear(Verb verb, ByteView address = {}, std::uint32_t attempt = 1) {
        Message message;
        message.dialect = machine.dialect();
        message.side = Side::worker;
        message.verb = verb;
        message.address = Blob::copy(address);
        message.attempt = attempt;
        if (verb == Verb::request)
            message.body.add(ByteView{"body"});
        machine.receive(std::move(message), now, out);
    }
    void hear_as_client(Verb verb, ByteView body = {}) {
        Message message;
        message.side = Side::client;
        message.verb = verb;
        message.body.add(body);
        machine.receive(std::move(message), now, out);
    }
    // Gives a request; its number.
    std::uint64_t give(ByteView address) {
        hear(Verb::request, address);
        REQUIRE_FALSE(out.given.empty());
        return out.given.back().number;
    }
    bool answer(std::uint64_t number) {
        return machine.answer(number, wire::Frames{"answer"}, now, out);
    }
    // The verbs said since the last call, in order.
    Words said() {
        Words words;
        for (const Message& message : out.sends)
            words.emplace_back(name(message.verb));
        out.clear();
        return words;
    }
    const WorkerCounters& counters() const { return machine.counters(); }
};

} // namespace flotilla::request
