// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/request/codec.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::sim {

using namespace flotilla::request;
using wire::Frames;

RequestWorld::RequestWorld(const RequestPlan& plan, std::uint64_t seed)
    : plan_(plan), random_(seed), storm_ends_(now_ + plan.storm_lasts),
      broker_(std::make_unique<BrokerMachine>(plan.limits, seed)) {
    fine_.delay_max = plan.storm.delay_max;
    fine_.in_order = true; // as TCP does
    for (std::size_t i = 0; i < plan.workers; ++i) {
        auto worker = std::make_unique<Worker>();
        worker->dialect = static_cast<Dialect>(random_.below(3));
        worker->service = "s" + std::to_string(i % plan.services);
        workers_.push_back(std::move(worker));
        after(up_to(50ms), [this, i] { worker_start(i); });
    }
    for (std::size_t i = 0; i < plan.clients; ++i) {
        clients_.push_back(std::make_unique<Client>());
        clients_.back()->dialect = static_cast<Dialect>(random_.below(3));
        after(up_to(50ms), [this, i] { client_ask(i); });
    }
    plan_trouble();
}
RequestWorld::~RequestWorld() = default;

void RequestWorld::at(Instant when, Action action) {
    events_.emplace(std::pair{std::max(when, now_), ++serial_}, std::move(action));
}

Duration RequestWorld::up_to(Duration most) {
    return Duration{
        static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(most.count()) + 1))};
}

bool RequestWorld::all_done() const {
    for (const auto& client : clients_)
        if (client->asked < plan_.asks || !client->question.empty())
            return false;
    const BrokerLevels levels = broker_->levels();
    return levels.queued == 0 && levels.running == 0;
}

void RequestWorld::run() {
    const Instant end = now_ + std::chrono::minutes{10};
    while (!events_.empty() && !all_done() && now_ < end) {
        auto node = events_.extract(events_.begin());
        now_ = node.key().first;
        node.mapped()();
    }
}

void RequestWorld::plan_trouble() {
    const auto every = [this](Duration pause, auto what) {
        if (pause <= Duration::zero())
            return;
        for (Instant when = now_ + up_to(2 * pause); when < storm_ends_; when += up_to(2 * pause))
            at(when, what);
    };
    every(plan_.storm.worker_crash_every, [this] {
        const std::size_t index = random_.below(workers_.size());
        hang_up(workers_[index]->line);
        ++workers_[index]->life;
        workers_[index]->held.clear();
        after(up_to(100ms), [this, index] { worker_start(index); });
    });
    every(plan_.storm.broker_crash_every, [this] { broker_crash(); });
    every(plan_.storm.rights_change_every, [this] { change_rights(); });
    if (plan_.storm.rights_change_every > Duration::zero())
        at(storm_ends_, [this] { set_rights(nullptr); });
    every(plan_.storm_lasts / 4, [this] { burst(); });
}

// ---- the network -------------------------------------------------------------------------------

RequestWorld::Line RequestWorld::connect(std::function<void(Frames)> to_peer, std::string user) {
    auto line = std::make_shared<Connection>();
    line->peer = "peer " + std::to_string(++last_peer_);
    if (plan_.storm.rights_change_every > Duration::zero())
        line->user = std::move(user);
    users_[line->peer] = line->user;
    line->to_peer = std::move(to_peer);
    for (line->descriptor = 10; descriptors_.count(line->descriptor) > 0;)
        ++line->descriptor;
    descriptors_.insert(line->descriptor);
    lines_[line->peer] = line;
    return line;
}

void RequestWorld::hang_up(Line& line) {
    if (!line || !line->open)
        return;
    line->open = false;
    descriptors_.erase(line->descriptor);
    lines_.erase(line->peer);
    if (!percent(weather().hint_percent))
        return;
    after(up_to(2ms), [this, descriptor = line->descriptor, until = now_] {
        broker_step(
            [&](BrokerOutputs& out) { broker_->connection_lost(descriptor, until, now_, out); });
    });
}

void RequestWorld::travel(Connection& line, std::size_t way, Action arrive) {
    if (percent(weather().lose_percent))
        return;
    const int copies = percent(weather().double_percent) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        Instant when = now_ + up_to(weather().delay_max);
        if (weather().in_order)
            when = std::max(when, line.last_arrival[way]);
        line.last_arrival[way] = std::max(when, line.last_arrival[way]);
        at(when, arrive);
    }
}

void RequestWorld::to_broker(const Line& line, Message message) {
    auto frames = std::make_shared<Frames>();
    write(std::move(message), *frames);
    // What was sent before a connection ended may still arrive.
    travel(*line, Connection::to_broker_way, [this, line, frames] {
        Frames copy = frames->share();
        auto read = read_at_broker(copy);
        FLOTILLA_CHECK(read, "the codec does not read what it wrote");
        broker_heard(*line, *read);
        const std::string asked = read->side == Side::client ? request_text(*read) : "";
        broker_step([&](BrokerOutputs& out) {
            const std::uint64_t accepted = broker_->counters().accepted_total;
            broker_->receive({line->peer, line->user, line->descriptor}, std::move(*read), now_,
                             out);
            if (broker_->counters().accepted_total > accepted)
                came_.emplace(asked, ++serial_);
        });
    });
}

// ---- the broker --------------------------------------------------------------------------------

void RequestWorld::broker_step(const std::function<void(BrokerOutputs&)>& input) {
    BrokerOutputs out;
    input(out);
    broker_->tick(now_, out);
    if (++steps_ % 8 == 0) // it counts everything again
        broker_->check();
    for (auto& send : out.sends)
        broker_send(std::move(send));
    broker_timer();
}

void RequestWorld::broker_timer() {
    const Instant next = broker_->next_deadline();
    if (next >= timer_)
        return;
    timer_ = next;
    at(next, [this, next] {
        if (timer_ != next)
            return; // an earlier one came to be after this
        timer_ = never;
        broker_step([](BrokerOutputs&) {});
    });
}

void RequestWorld::broker_send(BrokerOutputs::Send&& send) {
    const Side side = send.message.side;
    if (side == Side::worker && send.message.verb == Verb::request)
        note_given(send.peer, send.message);
    const auto found = lines_.find(send.peer);
    if (found == lines_.end()) {
        // As a mandatory ROUTER does: nobody is there.
        const bool work = side == Side::worker && send.message.verb == Verb::request;
        const std::string token(work ? send.message.address.view() : ByteView{});
        after(0ms, [this, side, token, peer = send.peer] {
            broker_step([&](BrokerOutputs& out) {
                broker_->unreachable(peer, side, BrokerMachine::Unreachable::gone, now_, out);
                const Blob unseen = Blob::copy(token);
                broker_->undelivered({&unseen, 1}, now_, out);
                broker_->settle(now_, out);
            });
        });
        return;
    }
    auto frames = std::make_shared<Frames>();
    write(std::move(send.message), *frames);
    travel(*found->second, Connection::to_peer_way, [line = found->second, frames] {
        if (line->open)
            line->to_peer(frames->share());
    });
}

void RequestWorld::broker_heard(const Connection& line, const Message& message) {
    if (message.verb == Verb::ready) // what it held in an earlier registration is not its any more
        std::erase_if(holders_, [&](const auto& each) { return each.second == line.peer; });
    if (message.verb != Verb::final && message.verb != Verb::error)
        return;
    const auto token = tokens_.find(std::string(message.address.view()));
    if (token != tokens_.end() && holders_[token->second] == line.peer)
        holders_.erase(token->second);
}

void RequestWorld::note_given(const std::string& worker, const Message& message) {
    ++worked_;
    FLOTILLA_CHECK(may_work(worker), "a request is given to a worker that may not serve");
    const std::string asked = request_text(message);
    // Ids are in the questions of clients that have them: "id/..."; others are told apart by token.
    const std::string token(message.address.view());
    const std::string id = asked.substr(0, 2) == "id" ? asked : token;
    if (const auto holder = holders_.find(id); holder != holders_.end())
        FLOTILLA_CHECK(holder->second == worker || !broker_->is_worker(holder->second),
                       "a request is with two workers");
    holders_[id] = worker;
    tokens_[token] = id;
    // The order of one address: of questions in a burst, "b5#3" is the third of burst five. Where
    // messages are doubled, one that was refused may come and be accepted again.
    if (plan_.storm.double_percent > 0 || asked.front() != 'b' || !given_.insert(asked).second)
        return;
    std::uint64_t& newest = newest_[asked.substr(0, asked.find('#'))];
    FLOTILLA_CHECK(came_.at(asked) > newest, "requests of one address were given out of order");
    newest = came_.at(asked);
}

void RequestWorld::broker_crash() {
    ++restarts_;
    requeued_ += broker_->counters().requeued_total;
    expired_workers_ += broker_->counters().workers_expired_total;
    broker_ = std::make_unique<BrokerMachine>(plan_.limits, random_.next());
    BrokerOutputs nothing;
    broker_->set_permissions(permissions_, now_, nothing);
    holders_.clear();
    tokens_.clear();
    came_.clear();
    newest_.clear();
    // Connections end with it; whoever asked or worked finds out by silence.
    for (auto& [peer, line] : lines_) {
        line->open = false;
        descriptors_.erase(line->descriptor);
    }
    lines_.clear();
}

} // namespace flotilla::sim
