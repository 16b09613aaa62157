// SPDX-License-Identifier: Apache-2.0
//
// A BrokerMachine at a desk: peers are names, time stands until it is moved, and what the machine
// sends is read one by one. Its invariants are checked after every input.
#pragma once

#include <flotilla/request/broker_machine.hpp>

#include <support/catch.hpp>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::request {

struct Desk {
    explicit Desk(BrokerLimits limits = {}) : machine(std::move(limits), 7) {}

    using Send = BrokerOutputs::Send;

    void say(const std::string& peer, Message message, int descriptor = -1,
             const std::string& user = {}) {
        machine.receive({peer, user, descriptor}, std::move(message), now, out);
        collect();
    }
    void malformed(const std::string& peer, const std::optional<Message>& origin, Errc code) {
        machine.receive_malformed({peer, {}, -1}, origin, Error{code, "it is wrong"}, now, out);
        collect();
    }
    void gone(const std::string& peer, Side side = Side::worker) {
        machine.unreachable(peer, side, BrokerMachine::Unreachable::gone, now, out);
        machine.settle(now, out);
        collect();
    }
    void connection_lost(int descriptor, Instant before) {
        machine.connection_lost(descriptor, before, now, out);
        collect();
    }
    void permit(std::shared_ptr<const Permissions> permissions) {
        machine.set_permissions(std::move(permissions), now, out);
        collect();
    }
    void limit(BrokerLimits limits) {
        machine.set_limits(std::move(limits), now, out);
        collect();
    }
    // Moves the time, ticking whenever something is due.
    void wait(Duration time) {
        const Instant until = now + time;
        while (machine.next_deadline() <= until) {
            now = std::max(now, machine.next_deadline());
            machine.tick(now, out);
            collect();
        }
        now = until;
    }

    // ---- messages

    static Message ask(std::string_view service, std::string_view body = "x",
                       Dialect dialect = Dialect::mdp_02, std::string id = {}) {
        Message message;
        message.dialect = dialect;
        message.side = Side::client;
        message.verb = Verb::request;
        message.service = Blob::copy(service);
        message.id = std::move(id);
        message.body.add(body);
        return message;
    }
    static Message ask_by_id(std::string id, std::string_view service = "echo",
                             std::string_view body = "x") {
        return ask(service, body, Dialect::flotilla, std::move(id));
    }
    static Message of_worker(Verb verb, Dialect dialect = Dialect::mdp_02) {
        Message message;
        message.dialect = dialect;
        message.side = Side::worker;
        message.verb = verb;
        return message;
    }
    static Message ready(std::string_view service, Dialect dialect = Dialect::mdp_02,
                         std::uint32_t capacity = 1) {
        Message message = of_worker(Verb::ready, dialect);
        message.service = Blob::copy(service);
        message.capacity = capacity;
        return message;
    }
    // An answer to what the worker was sent.
    static Message answer(const Send& request, std::string_view body = "y",
                          Verb verb = Verb::final) {
        Message message = of_worker(verb, request.message.dialect);
        message.address = request.message.address.share();
        message.body.add(body);
        return message;
    }
    static Message error(const Send& request, ErrorCode code) {
        Message message = of_worker(Verb::error, Dialect::flotilla);
        message.address = request.message.address.share();
        message.code = code;
        message.text = "because";
        return message;
    }

    // ---- what was sent

    // The oldest that was sent and not looked at; heartbeats are left out.
    Send next() {
        REQUIRE_FALSE(sent.empty());
        Send first = std::move(sent.front());
        sent.pop_front();
        return first;
    }
    // The next has to be this.
    Send next(const std::string& peer, Verb verb) {
        Send send = next();
        CHECK(send.peer == peer);
        CHECK(name(send.message.verb) == name(verb));
        return send;
    }
    bool quiet() const { return sent.empty(); }
    static std::string body(const Send& send) {
        return std::string(send.message.body.empty() ? ByteView{} : send.message.body[0].view());
    }
    const BrokerCounters& counters() const { return machine.counters(); }
    BrokerLevels levels() const { return machine.levels(); }

    void collect() {
        for (Send& each : out.sends) {
            if (each.message.verb == Verb::heartbeat)
                ++heartbeats;
            else
                sent.push_back(std::move(each));
        }
        notices += out.notices.size();
        refusals += out.refusals.size();
        cuts.insert(cuts.end(), out.cuts.begin(), out.cuts.end());
        out.clear();
        machine.check();
    }

    BrokerMachine machine;
    Instant now{1h};
    BrokerOutputs out{};
    std::deque<Send> sent{};
    std::uint64_t heartbeats = 0;
    std::uint64_t notices = 0;
    std::uint64_t refusals = 0;
    std::vector<int> cuts{};
};

} // namespace flotilla::request
