// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/wire/leased_pack.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace flotilla::sim {

namespace leased = queue::leased;
using queue::Times;

namespace {

// FLOTILLA_SIM_TRACE=1 tells what passes the engine's door, to find out why a seed fails.
const bool is_tracing = std::getenv("FLOTILLA_SIM_TRACE") != nullptr;

std::string frames_text(const wire::Frames& message) {
    std::string text;
    for (std::size_t i = 0; i < message.size(); ++i) {
        text.append(i > 0 ? " | " : "");
        for (const char c : message[i].view().substr(0, 2000))
            text.push_back(c >= ' ' && c < 0x7f ? c : c == '\n' ? ' ' : '.');
    }
    return text;
}

} // namespace

void World::trace(const std::string& what) const {
    if (is_tracing)
        std::fprintf(stderr, "%8.3f %s\n",
                     std::chrono::duration<double, std::milli>(now_ - Instant{}).count(),
                     what.c_str());
}

Promise promise_of(const Plan& plan) {
    const queue::QueueProperties& properties = plan.properties;
    Promise promise;
    promise.order = properties.order;
    promise.attempts_max = properties.attempts_max;
    promise.has_dead_letters = !properties.dead_letter_queue.empty();
    promise.is_at_most_once = properties.acknowledge == queue::Acknowledge::automatic;
    promise.is_durable = properties.durability == queue::Durability::fsync;
    promise.is_kept =
        properties.overflow != queue::Overflow::drop_oldest && plan.purges_every == 0ms;
    promise.forgets_producers = plan.producers_known > 0;
    promise.is_deleted = plan.deletes_every > 0ms;
    return promise;
}

World::World(const Plan& plan, std::uint64_t seed)
    : plan_(plan), random_(seed), seed_(seed), storm_ends_(Instant{} + plan.storm_lasts),
      disk_(std::make_shared<Disk>(seed * 31 + 7)), oracle_(promise_of(plan)) {
    fine_.delay_max = plan.storm.delay_max;
    plan_messages();
    open_engine();
    disk_->faults = plan.storm.faults;
    peers_.push_back(make_operator(*this));
    for (std::size_t i = 0; i < plan.producers; ++i)
        peers_.push_back(make_producer(*this, i));
    for (std::size_t i = 0; i < plan.consumers; ++i)
        peers_.push_back(i % 3 == 2 && plan.properties.order == Order::plain
                             ? make_taker(*this)
                             : make_consumer(*this, i, "work"));
    if (!plan.properties.dead_letter_queue.empty())
        peers_.push_back(make_consumer(*this, plan.consumers, "dead"));
    if (plan.storm.rights_change_every > 0ms)
        for (const auto& peer : peers_)
            peer->user = "user-" + std::to_string(++serial_);
    for (const auto& peer : peers_)
        peer->start();
    plan_trouble();
}
World::~World() = default;

void World::at(Instant when, Action action) {
    events_.emplace(std::pair{std::max(when, now_), ++serial_}, std::move(action));
}

void World::when_awake(const Peer& peer, Action action) {
    if (peer.hangs_until > now_)
        return at(peer.hangs_until, [this, &peer, action] { when_awake(peer, action); });
    action();
}

Duration World::up_to(Duration most) {
    return Duration{
        static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(most.count()) + 1))};
}

void World::run() {
    const Instant end = Instant{} + std::chrono::minutes{3};
    std::uint64_t events = 0;
    while (!events_.empty() && !is_quiet() && oracle_.breaches().empty()) {
        auto node = events_.extract(events_.begin());
        now_ = node.key().first;
        if (now_ > end || ++events > 100'000)
            return oracle_.broken("it does not come to rest");
        node.mapped()();
    }
    if (!oracle_.breaches().empty())
        return;
    check_disk();
    std::uint64_t dropped = 0;
    for (const queue::QueueStat& stat : engine_->queues())
        if (stat.name == "work")
            dropped = stat.counters.dropped_total + stat.counters.purged_total;
    oracle_.finish(dropped);
}

// Empty queues leave nothing of their messages behind.
void World::check_disk() {
    for (const Instant end = now_ + 1s; now_ < end;) { // what the last turns owe is written
        auto node = events_.extract(events_.begin());
        now_ = node.key().first;
        node.mapped()();
    }
    const auto disk = disk_->store.read();
    FLOTILLA_CHECK(disk, "the disk cannot be read");
    for (const auto table :
         {queue::Table::block, queue::Table::done, queue::Table::attempt, queue::Table::delayed}) {
        const auto row = (*disk)->at_or_after(table, {});
        FLOTILLA_CHECK(row, "the disk cannot be read");
        // What a deleted queue delayed goes when it is due.
        if (*row && (table != queue::Table::delayed || plan_.deletes_every == 0ms))
            oracle_.broken("a row is left in table " + std::to_string(static_cast<int>(table)));
    }
}

bool World::is_quiet() const {
    if (is_storm() || !engine_)
        return false;
    if (!std::all_of(peers_.begin(), peers_.end(),
                     [](const auto& peer) { return peer->is_done(); }))
        return false;
    const auto queues = engine_->queues();
    return std::all_of(queues.begin(), queues.end(),
                       [](const queue::QueueStat& stat) { return stat.levels.unfinished() == 0; });
}

// ---- what happens ------------------------------------------------------------------------------

void World::plan_messages() {
    std::vector<Planned> messages;
    for (std::size_t producer = 0; producer < plan_.producers; ++producer) {
        bool can_repeat = false;
        std::string last_id;
        for (std::uint64_t number = 1; number <= plan_.messages; ++number) {
            Planned message;
            message.producer = producer;
            message.number = number;
            message.body = "p" + std::to_string(producer) + "-" + std::to_string(number);
            if (plan_.keys > 0)
                message.key = "k" + std::to_string(producer) + "." +
                              std::to_string(random_.below(plan_.keys));
            message.priority =
                static_cast<std::uint8_t>(random_.below(plan_.properties.priority_levels));
            if (percent(plan_.delay_percent))
                message.delay =
                    std::chrono::milliseconds{1 + random_.below(random_.one_in(4) ? 3000 : 100)};
            if (percent(plan_.ttl_percent))
                message.ttl = std::chrono::milliseconds{1 + random_.below(400)};
            message.is_poison = percent(plan_.poison_percent);
            message.is_too_large = percent(plan_.too_large_percent);
            if (plan_.repeat_percent > 0 && !message.is_too_large) {
                message.is_repeat = can_repeat && percent(plan_.repeat_percent);
                if (!message.is_repeat)
                    last_id = "m-" + message.body;
                message.message_id = last_id;
            }
            can_repeat = !message.is_too_large && plan_.repeat_percent > 0;
            messages.push_back(std::move(message));
        }
    }
    oracle_.plan(std::move(messages));
}

Times World::times() {
    const auto start = std::chrono::hours{24 * 365 * 50};
    const Times times{now_, WallTime{} + start + (now_ - Instant{}) + clock_offset_};
    oracle_.told(times.wall);
    return times;
}

// ---- the engine --------------------------------------------------------------------------------

void World::open_engine() {
    queue::StoreLimits limits = plan_.limits;
    queue::QueueProperties dead;
    limits.auto_create = {{"work", plan_.properties}, {"dead", dead}};
    if (plan_.producers_known > 0)
        limits.producers_max = plan_.producers_known;
    const Faults faults = std::exchange(disk_->faults, {});
    auto opened = queue::QueueEngine::open(std::make_unique<FaultyStore>(disk_), limits,
                                           seed_ * 1000 + ++starts_, times());
    disk_->faults = faults;
    FLOTILLA_CHECK(opened, "the engine does not start");
    engine_.emplace(std::move(*opened));
    set_rights(permissions_);
    schedule_turn(0ms);
}

void World::arrive(const std::string& name, int descriptor, wire::Frames message) {
    if (is_tracing)
        trace((engine_ ? "in   " : "lost ") + name + ": " + frames_text(message));
    if (!engine_)
        return;
    if (const auto given = given_.extract(name);
        given && deadline_after(given.mapped(), plan_.properties.lease) <= now_)
        ++mute_;
    const queue::Peer peer{name, users_[name], descriptor};
    const auto head = leased::read_head(message, 0);
    FLOTILLA_CHECK(head, "a peer's message has no head");
    auto command = queue::read_command(*head, message);
    if (!command) {
        engine_->malformed(peer, head->envelope, command.error(), times());
        return schedule_turn(up_to(1ms));
    }
    const std::string& correlation = head->envelope.correlation;
    if (const auto put = puts_.find(correlation); put != puts_.end())
        oracle_.put_arrives(put->second, times().wall);
    if (const auto ack = acks_.find(correlation); ack != acks_.end())
        for (const std::string& body : ack->second)
            oracle_.ack_arrives(body);
    if (std::holds_alternative<queue::Delete>(*command))
        oracle_.deleted();
    engine_->apply(peer, head->envelope, std::move(*command), times());
    schedule_turn(engine_->is_turn_full() ? 0ms : up_to(1ms));
}

void World::schedule_turn(Duration wait) {
    const Instant when = now_ + wait;
    if (when >= turn_at_)
        return;
    turn_at_ = when;
    at(when, [this, when] {
        if (turn_at_ == when)
            turn();
    });
}

void World::turn() {
    turn_at_ = never;
    if (!engine_)
        return;
    queue::EngineOutputs out;
    if (const Status done = engine_->finish_turn(times(), out); !done)
        return oracle_.broken("the engine gave up: " + to_string(done.error()));
    engine_->check();
    for (const auto& notice : out.notices)
        trace("     notice " + std::string(notice.event) + " " + notice.detail);
    if (crashes_next_ && !out.sends.empty()) {
        // It dies while it answers: what was committed was not told to everybody.
        out.sends.resize(random_.below(out.sends.size()));
        give_out(out);
        return crash();
    }
    give_out(out);
    if (engine_->has_more())
        return schedule_turn(0ms);
    const Instant next = engine_->next_deadline();
    if (next == never || next == timer_at_)
        return;
    timer_at_ = next;
    at(next, [this, next] {
        if (timer_at_ != next)
            return;
        timer_at_ = never;
        schedule_turn(0ms);
    });
}

void World::give_out(queue::EngineOutputs& out) {
    for (auto& send : out.sends) {
        watch(send);
        const auto found = connected_.find(send.peer);
        if (found == connected_.end()) {
            after(0ms, [this, name = send.peer] { forget(name); });
            continue;
        }
        auto shared = std::make_shared<wire::Frames>();
        queue::write(send.envelope, std::move(send.event), *shared);
        if (is_tracing)
            trace("out  " + send.peer + ": " + frames_text(*shared));
        travel([this, name = send.peer, shared] { reach(name, shared); });
    }
}

void World::reach(const std::string& name, std::shared_ptr<wire::Frames> message) {
    const auto to = connected_.find(name);
    if (to == connected_.end())
        return;
    if (const Instant wakes = to->second->hangs_until; wakes > now_)
        return at(wakes, [this, name, message] { reach(name, message); });
    wire::Frames copy = message->share();
    const auto head = leased::read_head(copy, 0);
    FLOTILLA_CHECK(head, "the engine's message has no head");
    to->second->receive(*head, copy);
}

// ---- what the oracle sees ----------------------------------------------------------------------

void World::watch(const queue::EngineOutputs::Send& send) {
    const std::string& correlation = send.envelope.correlation;
    if (const auto put = puts_.find(correlation); put != puts_.end()) {
        const auto* ok = std::get_if<queue::PutOk>(&send.event);
        const bool is_told = ok && ok->acked != queue::Acked::unsaid; // and no answer, or both
        if (ok && (!is_told || ok->accepted > 0))
            oracle_.put_answered(put->second, *ok);
        if (const auto* refused = std::get_if<queue::PutRefused>(&send.event))
            oracle_.put_answered(put->second, *refused);
        if (is_told && !told_.insert(correlation).second && !oracle_.promise().may_double())
            oracle_.broken(correlation + " is told of twice");
        if (is_told && ok->acked == queue::Acked::yes)
            oracle_.put_acked(put->second);
        return;
    }
    const auto* event = std::get_if<leased::Event>(&send.event);
    if (!event)
        return;
    if (const auto* ok = std::get_if<leased::Ok>(event)) {
        const auto ack = acks_.find(correlation);
        if (ack != acks_.end() && ok->done == ack->second.size())
            for (const std::string& body : ack->second)
                oracle_.ack_confirmed(body);
        return;
    }
    watch_rights(send.peer, *event);
    const bool is_delivery = std::holds_alternative<leased::Deliver>(*event) ||
                             std::holds_alternative<leased::DeliverPacked>(*event);
    if (is_delivery && held_.contains(send.peer))
        oracle_.broken(send.peer + " is held, and is given something");
    const auto peer = connected_.find(send.peer);
    if (is_delivery && peer != connected_.end() && peer->second->has_credit() &&
        peer->second->queue() == "work" && !oracle_.promise().is_at_most_once &&
        oracle_.promise().order !=
            Order::strict) // what follows a message that comes back does, too
        watch_silence(send.peer);
    // A delivery to somebody who has just gone may be of either queue; those of a session are of
    // the one in its name.
    watch_delivery(peer != connected_.end() ? std::string(peer->second->queue())
                   : send.peer.find("dead") != std::string::npos ? "dead"
                                                                 : "work",
                   *event);
}

// Who let a lease run out, and said nothing since it began, is given nothing.
void World::watch_silence(const std::string& name) {
    Instant& given = given_.emplace(name, never).first->second;
    if (deadline_after(given, plan_.properties.lease) <= now_)
        oracle_.broken(name + " let a lease run out in silence, and is given something");
    given = std::min(given, now_);
}

void World::watch_delivery(const std::string& queue, const leased::Event& event) {
    const std::size_t before = oracle_.breaches().size();
    if (const auto* one = std::get_if<leased::Deliver>(&event))
        oracle_.delivered(
            {queue, one->id, one->attempt, one->redelivered, std::string(one->body[0].view())},
            times().wall);
    if (const auto* packed = std::get_if<leased::DeliverPacked>(&event)) {
        wire::Expander expander;
        auto reader = leased::PackedReader::open(packed->packed.share(), expander);
        FLOTILLA_CHECK(reader, "the engine's delivery is malformed");
        while (auto record = reader->next())
            oracle_.delivered({queue, record->id, record->attempt, record->redelivered,
                               std::string(leased::next_frame(record->body))},
                              times().wall);
    }
    for (std::size_t i = before; i < oracle_.breaches().size(); ++i)
        trace("     BROKEN: " + oracle_.breaches()[i]);
}

// ---- the network -------------------------------------------------------------------------------

void World::travel(Action arrive) {
    if (percent(weather().lose_percent))
        return;
    const int copies = percent(weather().double_percent) ? 2 : 1;
    for (int i = 0; i < copies; ++i)
        after(up_to(weather().delay_max), arrive);
}

void World::connect(Peer& peer) {
    hang_up(peer);
    peer.descriptor = ++last_descriptor_;
    peer.name = std::string(peer.queue()) + " peer " + std::to_string(peer.descriptor);
    connected_[peer.name] = &peer;
    users_[peer.name] = peer.user;
}

void World::hang_up(Peer& peer) {
    if (peer.name.empty())
        return;
    connected_.erase(peer.name);
    if (random_.one_in(2))
        after(up_to(20ms), [this, descriptor = peer.descriptor] {
            if (!engine_)
                return;
            engine_->connection_lost(descriptor, times());
            schedule_turn(0ms);
        });
    peer.name.clear();
}

void World::send(Peer& peer, const leased::Envelope& envelope, const queue::Command& command) {
    auto shared = std::make_shared<wire::Frames>();
    queue::write(envelope, command, *shared);
    travel([this, name = peer.name, descriptor = peer.descriptor, shared] {
        arrive(name, descriptor, shared->share());
    });
}

} // namespace flotilla::sim
