// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/request/codec.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::sim {

using namespace flotilla::request;

struct World::Broker {
    std::unique_ptr<BrokerMachine> machine;
    std::uint64_t life = 0; // what was on its way to an earlier one is lost
};

struct World::Worker {
    std::size_t broker;
    std::string peer{};
    std::uint64_t life = 0; // plans of an earlier one are void
};

struct World::Wire {
    LinkId link;
    std::size_t broker;
    bool watched;
    std::string peer{};
    int descriptor = 0;
    Instant last[2]{}; // in order: nothing overtakes
};

namespace {

BrokerLimits broker_limits() {
    BrokerLimits limits;
    limits.heartbeat = 100ms;
    limits.service.requeue = true;
    limits.service.attempts_max = 1'000;
    limits.service.busy_max = 1s;
    return limits;
}

} // namespace

World::World(const Plan& plan, std::uint64_t seed)
    : plan_(plan), random_(seed), storm_ends_(Instant{} + plan.storm_lasts) {
    fine_.delay_max = plan.storm.delay_max;
    fine_.in_order = plan.storm.in_order;
    ClientOptions options = plan.client;
    options.dialect = plan.dialect;
    for (std::uint32_t i = 0; i < plan.brokers; ++i) {
        options.brokers.push_back(*net::Endpoint::parse("inproc://broker-" + std::to_string(i)));
        brokers_.push_back(std::make_unique<Broker>());
        brokers_.back()->machine = std::make_unique<BrokerMachine>(broker_limits(), random_.next());
        for (std::uint32_t w = 0; w < plan.workers; ++w) {
            workers_.push_back(std::make_unique<Worker>(Worker{i}));
            after(up_to(20ms), [this, worker = workers_.back().get()] { start(*worker); });
        }
    }
    client_ = std::make_unique<ClientMachine>(std::move(options), random_.next());
    after(up_to(20ms), [this] { call_some(); });
    trouble();
}
World::~World() = default;

void World::at(Instant when, Action action) {
    events_.emplace(std::pair{std::max(when, now_), ++serial_}, std::move(action));
}

Duration World::up_to(Duration most) {
    return Duration{
        static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(most.count()) + 1))};
}

void World::run() {
    const Instant end = Instant{} + 2 * plan_.deadline + std::chrono::minutes{1};
    while (!events_.empty() && ended_ < plan_.calls && now_ < end) {
        auto node = events_.extract(events_.begin());
        now_ = node.key().first;
        node.mapped()();
    }
}

std::uint64_t World::joined() const {
    std::uint64_t sum = joined_before_;
    for (const auto& broker : brokers_)
        sum += broker->machine->counters().joined_total;
    return sum;
}

// ---- the network -------------------------------------------------------------------------------

void World::travel(Instant& last, const Action& arrive) {
    if (chance(weather().lose_percent))
        return;
    const int copies = chance(weather().double_percent) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        Instant when = now_ + up_to(weather().delay_max);
        if (weather().in_order)
            when = std::max(when, last);
        last = std::max(when, last);
        at(when, arrive);
    }
}

void World::to_broker(Wire& wire, Message&& message) {
    auto frames = std::make_shared<wire::Frames>();
    write(std::move(message), *frames);
    const auto life = brokers_[wire.broker]->life;
    travel(wire.last[0], [this, frames, life, broker = wire.broker, peer = wire.peer,
                          descriptor = wire.descriptor] {
        if (brokers_[broker]->life != life)
            return;
        wire::Frames copy = frames->share();
        auto read = read_at_broker(copy);
        FLOTILLA_CHECK(read.has_value(), "a client wrote what a broker cannot read");
        broker_step(broker, [&](BrokerOutputs& out) {
            brokers_[broker]->machine->receive({peer, {}, descriptor}, std::move(*read), now_, out);
        });
    });
}

void World::to_client(const std::string& peer, Message&& message) {
    const LinkId link = wire_of_.at(peer);
    auto frames = std::make_shared<wire::Frames>();
    write(std::move(message), *frames);
    travel(wires_.at(link)->last[1], [this, frames, peer, link] {
        const auto wire = wires_.find(link);
        if (wire == wires_.end() || wire->second->peer != peer)
            return; // closed, or another connection by now
        wire::Frames copy = frames->share();
        auto read = read_at_client(copy);
        FLOTILLA_CHECK(read.has_value(), "a broker wrote what a client cannot read");
        client_step(
            [&](ClientOutputs& out) { client_->receive(link, std::move(*read), now_, out); });
    });
}

void World::trouble() {
    const auto plan = [this](Duration every, Action action) {
        if (every <= Duration::zero())
            return;
        for (Instant when = now_ + up_to(2 * every); when < storm_ends_; when += up_to(2 * every))
            at(when, action);
    };
    plan(plan_.storm.restart_every, [this] { restart(random_.below(brokers_.size())); });
    plan(plan_.storm.crash_every, [this] {
        Worker& worker = *workers_[random_.below(workers_.size())];
        end(worker);
    });
}

// ---- the client --------------------------------------------------------------------------------

void World::call_some() {
    const std::uint64_t burst = 1 + random_.below(5);
    client_step([&](ClientOutputs& out) {
        for (std::uint64_t i = 0; i < burst && calls_.size() < plan_.calls; ++i) {
            const std::string text = "call " + std::to_string(calls_.size());
            wire::Frames body{text};
            const auto number =
                client_->call("echo", body, {.deadline = plan_.deadline}, now_, out);
            FLOTILLA_CHECK(number.has_value(), "a call was refused");
            calls_[*number].text = text;
            if (chance(plan_.cancel_percent))
                after(up_to(100ms), [this, call = *number] {
                    client_step([&](ClientOutputs& more) { client_->cancel(call, now_, more); });
                });
        }
    });
    if (calls_.size() < plan_.calls)
        after(up_to(100ms), [this] { call_some(); });
}

void World::client_step(const std::function<void(ClientOutputs&)>& input) {
    ClientOutputs out;
    input(out);
    client_->tick(now_, out);
    for (auto& act : out.acts) {
        if (const auto* opening = std::get_if<ClientOutputs::Open>(&act)) {
            open(*opening);
        } else if (auto* send = std::get_if<ClientOutputs::Send>(&act)) {
            to_broker(*wires_.at(send->link), std::move(send->message));
        } else {
            const auto wire = wires_.find(std::get<ClientOutputs::Close>(act).link);
            FLOTILLA_CHECK(wire != wires_.end(), "a link was closed twice");
            wire_of_.erase(wire->second->peer);
            if (chance(weather().hint_percent))
                after(up_to(10ms), [this, broker = wire->second->broker,
                                    descriptor = wire->second->descriptor, then = now_] {
                    broker_step(broker, [&](BrokerOutputs& more) {
                        brokers_[broker]->machine->connection_lost(descriptor, then, now_, more);
                    });
                });
            wires_.erase(wire);
        }
    }
    for (auto& event : out.events)
        tell(event);
    if (const Instant next = client_->next_deadline(); next != never)
        at(next, [this, next] {
            if (client_->next_deadline() <= next)
                client_step([](ClientOutputs&) {});
        });
}

void World::open(const ClientOutputs::Open& opening) {
    const auto wire = std::make_shared<Wire>(Wire{opening.link, opening.broker, opening.watched});
    wires_[opening.link] = wire;
    made(opening.link);
}

// A connection, the first or another: the broker calls it by a new name.
void World::made(LinkId link) {
    Wire& wire = *wires_.at(link);
    wire_of_.erase(wire.peer);
    wire.descriptor = static_cast<int>(++serial_);
    wire.peer = "client " + std::to_string(wire.descriptor);
    wire_of_[wire.peer] = link;
    if (wire.watched && (wire.last[0] == Instant{} || chance(weather().hint_percent)))
        after(up_to(5ms), [this, link] {
            if (wires_.count(link) > 0)
                client_step([&](ClientOutputs& out) { client_->connection_made(link, now_, out); });
        });
}

void World::tell(ClientOutputs::Event& event) {
    Call& call = calls_.at(event.call);
    FLOTILLA_CHECK(!call.ended, "something came after the end of a call");
    if (const auto* piece = std::get_if<PartialReply>(&event.what)) {
        call.next_piece = (piece->restarted ? 0 : call.next_piece) + piece->missed;
        const std::string right = call.text + " / " + std::to_string(call.next_piece++);
        // Pieces of the RFC dialects have no number: neither a lost one nor another worker's is
        // told.
        if (client_->dialect() == Dialect::flotilla ||
            (plan_.storm.lose_percent == 0 && plan_.storm.crash_every == Duration::zero()))
            FLOTILLA_CHECK(piece->body == wire::Frames{right}, "a piece out of its place");
        restarted_ += piece->restarted ? 1 : 0;
        missed_ += piece->missed;
        return;
    }
    call.ended = true;
    ++ended_;
    const auto& how = std::get<Result<Reply>>(event.what);
    if (how) {
        FLOTILLA_CHECK(how->body == wire::Frames{call.text}, "an answer to another call");
        ++answered_;
        restarted_ += how->restarted ? 1 : 0;
        kept_ += how->kept ? 1 : 0;
    } else {
        timed_out_ += how.error().code == Errc::refused ? 0 : 1;
    }
}

// ---- brokers and workers -----------------------------------------------------------------------

void World::broker_step(std::size_t index, const std::function<void(BrokerOutputs&)>& input) {
    BrokerMachine& machine = *brokers_[index]->machine;
    BrokerOutputs out;
    input(out);
    machine.tick(now_, out);
    while (!out.sends.empty()) {
        auto sends = std::exchange(out.sends, {});
        for (auto& send : sends) {
            const Side side = send.message.side;
            if (side == Side::client && wire_of_.count(send.peer) > 0)
                to_client(send.peer, std::move(send.message));
            else if (side == Side::worker && worker_of_.count(send.peer) > 0)
                work(*worker_of_.at(send.peer), std::move(send.message));
            else
                machine.unreachable(send.peer, side, BrokerMachine::Unreachable::gone, now_, out);
        }
    }
    machine.check();
    if (const Instant next = machine.next_deadline(); next != never)
        at(next, [this, index, next, life = brokers_[index]->life] {
            if (brokers_[index]->life == life && brokers_[index]->machine->next_deadline() <= next)
                broker_step(index, [](BrokerOutputs&) {});
        });
}

void World::restart(std::size_t index) {
    Broker& broker = *brokers_[index];
    if (random_.one_in(2)) // in order: it says so, as far as that arrives
        broker_step(index, [&](BrokerOutputs& out) { broker.machine->stop(out); });
    ++broker.life;
    joined_before_ += broker.machine->counters().joined_total;
    broker.machine = std::make_unique<BrokerMachine>(broker_limits(), random_.next());
    const Duration down = up_to(50ms);
    for (const auto& [link, wire] : wires_)
        if (wire->broker == index)
            after(down, [this, id = link] {
                if (wires_.count(id) > 0)
                    made(id);
            });
    for (const auto& worker : workers_)
        if (worker->broker == index)
            end(*worker);
}

void World::start(Worker& worker) {
    worker_of_.erase(worker.peer);
    worker.peer = "worker " + std::to_string(++serial_);
    worker_of_[worker.peer] = &worker;
    Message ready;
    ready.verb = Verb::ready;
    ready.service = Blob::copy("echo");
    say(worker, std::move(ready));
    beat(worker, ++worker.life);
}

// It forgets what it held, and another takes its place.
void World::end(Worker& worker) {
    worker_of_.erase(worker.peer);
    after(up_to(100ms), [this, &worker, life = ++worker.life] {
        if (worker.life == life)
            start(worker);
    });
}

void World::beat(Worker& worker, std::uint64_t life) {
    after(90ms, [this, &worker, life] {
        if (worker.life != life)
            return;
        Message heartbeat;
        heartbeat.verb = Verb::heartbeat;
        say(worker, std::move(heartbeat));
        beat(worker, life);
    });
}

void World::say(Worker& worker, Message&& message) {
    message.dialect = plan_.workers_speak;
    message.side = Side::worker;
    // Its own connection is as good as those of a machine with itself.
    auto said = std::make_shared<Message>(std::move(message));
    after(1us, [this, &worker, said, life = brokers_[worker.broker]->life, peer = worker.peer] {
        if (brokers_[worker.broker]->life == life)
            broker_step(worker.broker, [&](BrokerOutputs& out) {
                brokers_[worker.broker]->machine->receive({peer, {}, -1}, std::move(*said), now_,
                                                          out);
            });
    });
}

void World::work(Worker& worker, Message&& order) {
    if (order.verb == Verb::disconnect)
        end(worker);
    if (order.verb != Verb::request)
        return;
    const std::uint64_t pieces =
        plan_.workers_speak == Dialect::mdp_01 ? 0 : random_.below(plan_.pieces_max + 1);
    Duration wait{0};
    for (std::uint64_t i = 0; i <= pieces; ++i) {
        wait += up_to(40ms);
        auto reply = std::make_shared<Message>();
        reply->verb = i < pieces ? Verb::partial : Verb::final;
        reply->address = order.address.share();
        reply->service = order.service.share();
        reply->body = order.body.share();
        if (i < pieces)
            reply->body =
                wire::Frames{std::string(order.body[0].view()) + " / " + std::to_string(i)};
        after(wait, [this, &worker, reply, life = worker.life] {
            if (worker.life == life)
                say(worker, std::move(*reply));
        });
    }
}

} // namespace flotilla::sim
