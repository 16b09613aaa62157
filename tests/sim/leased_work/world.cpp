// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace flotilla::sim {

namespace leased = wire::leased;
using namespace flotilla::pipeline;
using namespace flotilla::taker;

struct World::Connection {
    std::string peer;
    std::size_t worker;
    int descriptor;
    bool open = true;
    Instant last_arrival[2]{}; // in order: nothing overtakes
    Instant given = never;     // the first delivery since its last word
};

struct World::Worker {
    std::unique_ptr<TakerMachine> machine; // none: dead
    std::shared_ptr<Connection> connection;
    std::uint64_t life = 0; // timers of an earlier one are void
    std::deque<std::pair<leased::LeaseToken, std::uint64_t>> in_hand;
    bool busy = false;
    std::uint64_t duplicates = 0;
    Instant timer = never;
    Instant hangs_until{}; // what happens to it before happens then
};

World::World(const Plan& plan, std::uint64_t seed)
    : plan_(plan), random_(seed), storm_ends_(Instant{} + plan.storm_lasts),
      source_(plan.limits, seed * 31 + 7) {
    fine_.delay_max = plan.storm.delay_max;
    fine_.in_order = plan.storm.in_order;
    for (std::size_t i = 0; i < plan.workers; ++i) {
        workers_.push_back(std::make_unique<Worker>());
        after(up_to(50ms), [this, i] { start_worker(i); });
    }
    after(plan.submit_after, [this] { submit_some(); });
    plan_trouble();
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
    const Instant end = Instant{} + std::chrono::minutes{10};
    while (!events_.empty() && !all_done() && now_ < end) {
        auto node = events_.extract(events_.begin());
        now_ = node.key().first;
        ++events_run_;
        node.mapped()();
    }
}

bool World::all_done() const {
    return submitted_ == plan_.messages && source_.levels().unfinished() == 0;
}

std::uint64_t World::finished_without_ack() const {
    const std::uint64_t finished = source_.counters().finished_total;
    return finished > acked_.size() ? finished - acked_.size() : 0;
}

std::uint64_t World::never_acked() const {
    std::uint64_t missing = 0;
    for (std::uint64_t id = 1; id <= submitted_; ++id)
        missing += acked_.count(id) == 0 && dead_.count(id) == 0 ? 1 : 0;
    return missing;
}

std::uint64_t World::duplicates_dropped() const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_)
        sum += worker->duplicates +
               (worker->machine ? worker->machine->counters().duplicate_total : 0);
    return sum;
}

// ---- the source --------------------------------------------------------------------------------

void World::submit_some() {
    const std::uint64_t burst = 1 + random_.below(8);
    source_step([&](SourceOutputs&) {
        for (std::uint64_t i = 0; i < burst && submitted_ < plan_.messages; ++i) {
            const std::string key =
                plan_.keys > 0 ? "key " + std::to_string(random_.below(plan_.keys)) : "";
            wire::Frames body{"message", std::to_string(submitted_ + 1)};
            const auto id = source_.submit(body, key);
            if (!id) // full: later
                break;
            FLOTILLA_CHECK(id->value() == ++submitted_, "ids are not in order of submission");
        }
    });
    if (submitted_ < plan_.messages)
        after(up_to(30ms), [this] { submit_some(); });
}

void World::source_step(const std::function<void(SourceOutputs&)>& input) {
    SourceOutputs out;
    input(out);
    source_.tick(now_, out);
    source_.dispatch(now_, out);
    source_outputs(out);
    source_.check();
    source_timer();
}

void World::source_timer() {
    const Instant next = source_.next_deadline();
    if (next != never)
        at(next, [this, next] {
            if (source_.next_deadline() <= next)
                source_step([](SourceOutputs&) {});
        });
}

void World::source_outputs(SourceOutputs& out) {
    for (const Dead& dead : out.dead)
        dead_.insert(dead.id.value());
    for (auto& send : out.sends) {
        wire::Frames message;
        leased::write(send.envelope, std::move(send.event), message);
        to_worker(send.peer, std::move(message));
    }
    // Each session's deliveries in one packed frame.
    for (std::size_t i = 0; i < out.deliveries.size();) {
        const Slot slot = out.deliveries[i].session;
        const WorkSession& session = source_.session(slot);
        leased::PackedWriter writer;
        writer.begin(source_.epoch(), source_.item(out.deliveries[i].item).lease);
        for (; i < out.deliveries.size() && out.deliveries[i].session == slot; ++i) {
            const WorkItem& item = source_.item(out.deliveries[i].item);
            note_delivery(out.deliveries[i]);
            writer.begin_record(item.lease, item.id, item.attempts,
                                item.attempts > 1 ? leased::Redelivered::yes
                                                  : leased::Redelivered::no,
                                item.key, item.frame_count());
            for (std::size_t f = 0; f < item.frame_count(); ++f)
                writer.add_frame(item.frame(f).view());
        }
        wire::Compressor plain(wire::Compression::none);
        wire::Frames message;
        leased::write({},
                      leased::DeliverPacked{plan_.limits.lease, Blob::copy(writer.finish(plain))},
                      message);
        to_worker(session.peer, std::move(message));
    }
}

void World::note_delivery(const SourceOutputs::Delivery& delivery) {
    const WorkItem& item = source_.item(delivery.item);
    const WorkSession& session = source_.session(delivery.session);
    const std::uint32_t before = deliveries_[item.id]++;
    FLOTILLA_CHECK(item.attempts == before + 1, "a delivery's attempt is not the true one");
    FLOTILLA_CHECK(session.outstanding <= session.credit, "a window was overrun");
    FLOTILLA_CHECK(session.state == WorkSession::State::live, "a delivery to somebody gone");
    if (const auto open = connections_.find(session.peer); open != connections_.end()) {
        Instant& given = open->second->given;
        FLOTILLA_CHECK(deadline_after(given, plan_.limits.lease) > now_,
                       "a delivery to somebody who let a lease run out in silence");
        given = std::min(given, now_);
    }
    if (before == 0 && !item.key.empty()) {
        auto& [peer, last] = keys_[item.key];
        if (!peer.empty() && (peer != session.peer || last >= item.id))
            ++broken_order_;
        peer = session.peer;
        last = item.id;
    }
}

// ---- the network -------------------------------------------------------------------------------

void World::travel(Connection& connection, bool to_source, Action arrive) {
    if (percent(weather().lose_percent))
        return;
    const int copies = percent(weather().double_percent) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        Instant when = now_ + up_to(weather().delay_max);
        if (weather().in_order)
            when = std::max(when, connection.last_arrival[to_source]);
        connection.last_arrival[to_source] = when;
        at(when, arrive);
    }
}

void World::to_worker(const std::string& peer, wire::Frames message) {
    const auto found = connections_.find(peer);
    if (found == connections_.end()) {
        // As a mandatory ROUTER does: nobody is there.
        after(0ms, [this, peer] {
            source_step([&](SourceOutputs& out) {
                source_.unreachable(peer, SourceMachine::Unreachable::gone, now_, out);
            });
        });
        return;
    }
    auto connection = found->second;
    auto shared = std::make_shared<wire::Frames>(std::move(message));
    travel(*connection, false, [this, connection, shared] { reach_worker(connection, shared); });
}

void World::reach_worker(std::shared_ptr<Connection> connection,
                         std::shared_ptr<wire::Frames> message) {
    if (!connection->open)
        return;
    if (const Instant wakes = workers_[connection->worker]->hangs_until; wakes > now_)
        return at(wakes, [this, connection, message] { reach_worker(connection, message); });
    worker_receive(connection->worker, message->share());
}

void World::to_source(std::shared_ptr<Connection> connection, wire::Frames message) {
    auto shared = std::make_shared<wire::Frames>(std::move(message));
    travel(*connection, true, [this, connection, shared] {
        wire::Frames copy = shared->share();
        const auto head = leased::read_head(copy, 0);
        FLOTILLA_CHECK(head, "a worker's message has no head");
        const auto command = leased::read_command(*head, copy);
        FLOTILLA_CHECK(command, "a worker's message is malformed");
        connection->given = never;
        const WorkPeer peer{connection->peer, {}, connection->descriptor};
        source_step([&](SourceOutputs& out) {
            source_.receive(peer, head->envelope, *command, now_, out);
        });
    });
}

void World::hang_up(std::shared_ptr<Connection> connection) {
    if (!connection || !connection->open)
        return;
    connection->open = false;
    const auto hint = [this, descriptor = connection->descriptor] {
        source_step([&](SourceOutputs& out) { source_.connection_lost(descriptor, now_, out); });
    };
    // The transport may notice before or after the monitor tells.
    after(up_to(20ms), [this, peer = connection->peer] { connections_.erase(peer); });
    if (percent(weather().hint_percent))
        after(up_to(40ms), hint);
}

void World::plan_trouble() {
    const Weather& storm = plan_.storm;
    const auto again = [this](Duration every, Action trouble) {
        if (every == Duration::zero())
            return;
        for (Instant when = now_ + up_to(2 * every); when < storm_ends_;
             when += 1ms + up_to(2 * every))
            at(when, trouble);
    };
    again(storm.crash_every, [this] { crash(random_.below(workers_.size())); });
    again(storm.hang_every,
          [this] { hang(random_.below(workers_.size()), up_to(plan_.storm.hang_max)); });
    if (plan_.one_hangs)
        after(up_to(100ms), [this] { hang(0, std::chrono::minutes{10}); });
    again(storm.hang_up_every,
          [this] { hang_up(workers_[random_.below(workers_.size())]->connection); });
    if (storm.false_hint_percent > 0)
        again(100ms, [this] {
            const auto& connection = workers_[random_.below(workers_.size())]->connection;
            if (connection && percent(plan_.storm.false_hint_percent))
                source_step([&](SourceOutputs& out) {
                    source_.connection_lost(connection->descriptor, now_, out);
                });
        });
}

void World::crash(std::size_t index) {
    Worker& worker = *workers_[index];
    if (!worker.machine)
        return;
    hang_up(worker.connection);
    worker.duplicates += worker.machine->counters().duplicate_total;
    worker.machine.reset();
    worker.in_hand.clear();
    worker.busy = false;
    worker.hangs_until = now_;
    ++worker.life;
    after(up_to(300ms), [this, index] { start_worker(index); });
}

void World::hang(std::size_t index, Duration lasts) {
    Worker& worker = *workers_[index];
    if (!worker.machine || worker.hangs_until > now_)
        return;
    hung_ += worker.in_hand.empty() ? 0 : 1;
    worker.hangs_until = now_ + lasts;
}

// ---- the workers -------------------------------------------------------------------------------

void World::start_worker(std::size_t index) {
    Worker& worker = *workers_[index];
    if (worker.machine)
        return;
    TakerLimits limits;
    limits.worker = "worker " + std::to_string(index);
    limits.credit = static_cast<std::uint32_t>(1 + random_.below(10));
    limits.weight = static_cast<std::uint32_t>(1 + random_.below(3));
    limits.answer_max = 200ms;
    limits.reconnect_min = 10ms;
    limits.reconnect_max = 100ms;
    worker.machine = std::make_unique<TakerMachine>(limits, 1, random_.next());
    worker_step(index, [&](TakerOutputs& out) { worker.machine->tick(now_, out); });
}

void World::worker_step(std::size_t index, const std::function<void(TakerOutputs&)>& input) {
    Worker& worker = *workers_[index];
    if (!worker.machine)
        return;
    TakerOutputs out;
    input(out);
    worker.machine->tick(now_, out);
    if (out.connect) {
        hang_up(worker.connection);
        worker.connection = std::make_shared<Connection>(
            Connection{"peer " + std::to_string(++serial_), index, ++last_descriptor_});
        connections_[worker.connection->peer] = worker.connection;
    }
    for (const auto& send : out.sends) {
        wire::Frames message;
        leased::write(send.envelope, send.command, message);
        if (worker.connection && worker.connection->open)
            to_source(worker.connection, std::move(message));
    }
    worker_timer(index);
}

void World::worker_timer(std::size_t index) {
    Worker& worker = *workers_[index];
    const Instant next = worker.machine->next_deadline();
    if (next == never || next == worker.timer)
        return;
    worker.timer = next;
    at(next, [this, index, next, life = worker.life] { worker_timer_ends(index, next, life); });
}

void World::worker_timer_ends(std::size_t index, Instant timer, std::uint64_t life) {
    Worker& worker = *workers_[index];
    if (worker.life != life || worker.timer != timer)
        return;
    if (worker.hangs_until > now_)
        return at(worker.hangs_until, [=, this] { worker_timer_ends(index, timer, life); });
    worker.timer = never;
    worker_step(index, [](TakerOutputs&) {});
}

void World::worker_receive(std::size_t index, wire::Frames message) {
    if (!workers_[index]->machine)
        return;
    const auto head = leased::read_head(message, 0);
    FLOTILLA_CHECK(head, "a source's message has no head");
    auto event = leased::read_event(*head, message);
    FLOTILLA_CHECK(event, "a source's message is malformed");
    worker_step(index, [&](TakerOutputs& out) {
        auto* packed = std::get_if<leased::DeliverPacked>(&*event);
        if (!packed)
            return workers_[index]->machine->receive(*event, now_, out);
        wire::Expander expander;
        auto reader = leased::PackedReader::open(std::move(packed->packed), expander);
        FLOTILLA_CHECK(reader, "a source's delivery is malformed");
        while (const auto record = reader->next())
            hand_out(index, {reader->epoch(), record->lease}, record->id, record->redelivered);
    });
    work_on(index);
}

void World::hand_out(std::size_t index, leased::LeaseToken lease, std::uint64_t id,
                     leased::Redelivered redelivered) {
    Worker& worker = *workers_[index];
    if (!worker.machine->deliver(lease, redelivered, now_))
        return;
    repeats_ += handed_out_[id]++ > 0 ? 1 : 0;
    // A first delivery may be so slow that a second one overtakes it; but there is one first.
    if (redelivered == leased::Redelivered::no && !unmarked_.insert(id).second)
        ++silent_repeats_;
    worker.in_hand.emplace_back(lease, id);
}

void World::work_on(std::size_t index) {
    Worker& worker = *workers_[index];
    if (worker.busy || worker.in_hand.empty())
        return;
    worker.busy = true;
    const bool stuck = percent(weather().stuck_percent);
    const Duration takes = stuck ? plan_.limits.lease * 2 : up_to(8ms);
    after(takes, [this, index, life = worker.life] { work_ends(index, life); });
}

void World::work_ends(std::size_t index, std::uint64_t life) {
    Worker& worker = *workers_[index];
    if (worker.life != life)
        return;
    if (worker.hangs_until > now_)
        return at(worker.hangs_until, [=, this] { work_ends(index, life); });
    worker.busy = false;
    if (worker.in_hand.empty())
        return;
    const auto [lease, id] = worker.in_hand.front();
    worker.in_hand.pop_front();
    worker_step(index, [&, token = lease, number = id](TakerOutputs& out) {
        if (percent(weather().nack_percent))
            return (void)worker.machine->nack(token, up_to(50ms), "no", now_, out);
        acked_.insert(number);
        (void)worker.machine->ack(token, now_, out);
    });
    work_on(index);
}

} // namespace flotilla::sim
