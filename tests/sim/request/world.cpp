// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/request/codec.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace flotilla::sim {

using namespace flotilla::request;
using wire::Frames;

namespace {

constexpr Duration patience = 250ms; // of a client
constexpr std::size_t to_peer_way = 0;
constexpr std::size_t to_broker_way = 1;

std::string text_of(const Message& message) {
    return std::string(message.body[0].view());
}

} // namespace

struct RequestWorld::Connection {
    std::string peer;
    int descriptor = -1;
    bool open = true;
    std::function<void(Frames)> to_peer;
    Instant last_arrival[2]{};
};

struct RequestWorld::Client {
    Dialect dialect{};
    Line line;
    std::uint32_t asked = 0;
    std::string question; // empty: nothing under way
    std::string id;       // of it; flotilla
    std::string service;
    std::uint32_t tries = 0;
    std::uint64_t send = 0; // number of the last one; timers of earlier ones are void
    std::map<std::string, std::string> questions; // by id
};

struct RequestWorld::Worker {
    Dialect dialect{};
    std::string service;
    Line line;
    std::uint64_t life = 0; // timers of an earlier one are void
    std::deque<Message> held;
    bool working = false;
    Instant heard{};
};

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
    every(plan_.storm_lasts / 4, [this] { burst(); });
}

// ---- the network -------------------------------------------------------------------------------

RequestWorld::Line RequestWorld::connect(std::function<void(Frames)> to_peer) {
    auto line = std::make_shared<Connection>();
    line->peer = "peer " + std::to_string(++last_peer_);
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
    travel(*line, to_broker_way, [this, line, frames] {
        Frames copy = frames->share();
        auto read = read_at_broker(copy);
        FLOTILLA_CHECK(read, "the codec does not read what it wrote");
        broker_heard(*line, *read);
        const std::string asked = read->side == Side::client ? text_of(*read) : "";
        broker_step([&](BrokerOutputs& out) {
            const std::uint64_t accepted = broker_->counters().accepted_total;
            broker_->receive({line->peer, {}, line->descriptor}, std::move(*read), now_, out);
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
    broker_->check();
    for (auto& send : out.sends)
        broker_send(std::move(send));
    broker_timer();
}

void RequestWorld::broker_timer() {
    const Instant next = broker_->next_deadline();
    if (next != never)
        at(next, [this, next] {
            if (broker_->next_deadline() <= next)
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
        after(0ms, [this, side, peer = send.peer] {
            broker_step([&](BrokerOutputs& out) {
                broker_->unreachable(peer, side, BrokerMachine::Unreachable::gone, now_, out);
            });
        });
        return;
    }
    auto frames = std::make_shared<Frames>();
    write(std::move(send.message), *frames);
    travel(*found->second, to_peer_way, [line = found->second, frames] {
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
    const std::string asked = text_of(message);
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
    broker_ = std::make_unique<BrokerMachine>(plan_.limits, random_.next());
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

// ---- clients -----------------------------------------------------------------------------------

void RequestWorld::client_ask(std::size_t index) {
    Client& client = *clients_[index];
    if (client.asked == plan_.asks)
        return;
    ++client.asked;
    client.tries = 0;
    client.service = "s" + std::to_string(random_.below(plan_.services));
    const std::string number = std::to_string(index) + "-" + std::to_string(client.asked);
    client.question = client.dialect == Dialect::flotilla ? "id" + number : "q" + number;
    client.id = client.question;
    client_send(index);
}

// Asks, or asks again: under a new address, except that a flotilla client now and then keeps it.
void RequestWorld::client_send(std::size_t index) {
    Client& client = *clients_[index];
    const bool flotilla = client.dialect == Dialect::flotilla;
    if (++client.tries > 1)
        ++resends_;
    if (!client.line || !client.line->open || !flotilla || random_.one_in(3)) {
        hang_up(client.line);
        client.line =
            connect([this, index](Frames frames) { client_hear(index, std::move(frames)); });
    }
    Message message;
    message.dialect = client.dialect;
    message.side = Side::client;
    message.verb = Verb::request;
    message.service = Blob::copy(client.service);
    message.body.add(ByteView{client.question});
    if (flotilla) {
        message.id = client.id;
        message.attempt = client.tries;
        client.questions[client.id] = client.question;
    }
    to_broker(client.line, std::move(message));
    after(patience, [this, index, send = ++client.send] {
        if (clients_[index]->send == send && !clients_[index]->question.empty())
            client_send(index);
    });
}

void RequestWorld::client_hear(std::size_t index, Frames frames) {
    Client& client = *clients_[index];
    const auto message = read_at_client(frames);
    FLOTILLA_CHECK(message, "a client is told what it cannot read");
    FLOTILLA_CHECK(message->dialect == client.dialect, "a client is told in another dialect");
    if (message->verb == Verb::error) {
        // Another request, about the same: what failed may have been done.
        if (message->id == client.id && !client.question.empty()) {
            client.id = client.id.substr(0, client.id.find('.')) + "." + std::to_string(++serial_);
            client.question = client.id;
            after(up_to(20ms), [this, index, send = ++client.send] {
                if (clients_[index]->send == send)
                    client_send(index);
            });
        }
        return;
    }
    const std::string asked =
        client.dialect == Dialect::flotilla ? client.questions[message->id] : client.question;
    // An RFC client has one question a connection; when it is answered, a doubled answer may come.
    if (client.dialect == Dialect::flotilla || !client.question.empty())
        FLOTILLA_CHECK(text_of(*message) == "re:" + asked, "an answer to another question");
    const bool current = client.dialect != Dialect::flotilla || message->id == client.id;
    if (message->verb != Verb::final || !current || client.question.empty())
        return;
    client.question.clear();
    if (client.dialect != Dialect::flotilla)
        hang_up(client.line); // so that a doubled answer is not taken for the next one
    after(up_to(10ms), [this, index] { client_ask(index); });
}

// Many questions at once over one connection, from somebody who then leaves.
void RequestWorld::burst() {
    const std::string name = "b" + std::to_string(++bursts_);
    Line line = connect([name](Frames frames) {
        const auto message = read_at_client(frames);
        FLOTILLA_CHECK(message, "a client is told what it cannot read");
        FLOTILLA_CHECK(text_of(*message).substr(0, name.size() + 4) == "re:" + name + "#",
                       "an answer to a question of somebody else");
    });
    const std::string service = "s" + std::to_string(random_.below(plan_.services));
    for (int i = 0; i < 6; ++i) {
        Message message;
        message.dialect = Dialect::mdp_02;
        message.side = Side::client;
        message.verb = Verb::request;
        message.service = Blob::copy(service);
        message.body.add(ByteView{name + "#" + std::to_string(i)});
        to_broker(line, std::move(message));
    }
    after(up_to(500ms), [this, line]() mutable { hang_up(line); });
}

// ---- workers -----------------------------------------------------------------------------------

void RequestWorld::worker_start(std::size_t index) {
    Worker& worker = *workers_[index];
    hang_up(worker.line);
    const std::uint64_t life = ++worker.life;
    worker.held.clear();
    worker.working = false;
    worker.heard = now_;
    worker.line = connect(
        [this, index, life](Frames frames) { worker_hear(index, life, std::move(frames)); });
    Message ready;
    ready.dialect = worker.dialect;
    ready.side = Side::worker;
    ready.verb = Verb::ready;
    ready.service = Blob::copy(worker.service);
    ready.capacity = 3;
    to_broker(worker.line, std::move(ready));
    worker_beat(index, life);
}

// A heartbeat while it is idle, and a look at whether the broker is there.
void RequestWorld::worker_beat(std::size_t index, std::uint64_t life) {
    after(plan_.limits.heartbeat, [this, index, life] {
        Worker& worker = *workers_[index];
        if (worker.life != life)
            return;
        if (now_ - worker.heard > plan_.limits.heartbeat * plan_.limits.liveness &&
            !worker.working) {
            after(up_to(50ms), [this, index, life] {
                if (workers_[index]->life == life)
                    worker_start(index);
            });
            return;
        }
        if (!worker.working) {
            Message beat;
            beat.dialect = worker.dialect;
            beat.side = Side::worker;
            to_broker(worker.line, std::move(beat));
        }
        worker_beat(index, life);
    });
}

void RequestWorld::worker_hear(std::size_t index, std::uint64_t life, Frames frames) {
    Worker& worker = *workers_[index];
    if (worker.life != life)
        return;
    auto message = read_at_worker(frames);
    FLOTILLA_CHECK(message, "a worker is told what it cannot read");
    FLOTILLA_CHECK(message->dialect == worker.dialect, "a worker is told in another dialect");
    worker.heard = now_;
    if (message->verb == Verb::disconnect) {
        worker_start(index);
    } else if (message->verb == Verb::request) {
        worker.held.push_back(std::move(*message));
        if (!worker.working)
            worker_work(index);
    }
}

void RequestWorld::worker_work(std::size_t index) {
    Worker& worker = *workers_[index];
    worker.working = true;
    after(up_to(30ms), [this, index, life = worker.life] {
        Worker& with = *workers_[index];
        if (with.life != life)
            return;
        with.working = false;
        with.heard = now_; // it did not listen
        Message reply;
        reply.dialect = with.dialect;
        reply.side = Side::worker;
        const Message request = std::move(with.held.front());
        with.held.pop_front();
        const std::string answer = "re:" + text_of(request);
        if (with.dialect != Dialect::mdp_01 && random_.one_in(4)) {
            Message piece;
            piece.dialect = with.dialect;
            piece.side = Side::worker;
            piece.verb = Verb::partial;
            piece.address = request.address.share();
            piece.body.add(ByteView{answer});
            to_broker(with.line, std::move(piece));
        }
        reply.verb = Verb::final;
        reply.address = request.address.share();
        if (with.dialect == Dialect::flotilla && percent(weather().retry_percent)) {
            reply.verb = Verb::error;
            reply.code = ErrorCode::retry;
        } else {
            reply.body.add(ByteView{answer});
        }
        to_broker(with.line, std::move(reply));
        if (!with.held.empty())
            worker_work(index);
    });
}

} // namespace flotilla::sim
