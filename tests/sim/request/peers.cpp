// SPDX-License-Identifier: Apache-2.0
//
// RequestWorld: its clients and workers.
#include "world.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/request/codec.hpp>

#include <utility>

namespace flotilla::sim {

using namespace flotilla::request;
using wire::Frames;

namespace {

constexpr Duration patience = 250ms; // of a client

} // namespace

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
            connect([this, index](Frames frames) { client_hear(index, std::move(frames)); },
                    "client-" + std::to_string(index));
    }
    Message message;
    message.dialect = client.dialect;
    message.side = Side::client;
    message.verb = Verb::request;
    message.service = Blob::copy(client.service);
    message.body.add(ByteView{client.question});
    pad(message);
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
        FLOTILLA_CHECK(request_text(*message) == "re:" + asked, "an answer to another question");
    const bool current = client.dialect != Dialect::flotilla || message->id == client.id;
    if (message->verb != Verb::final || !current || client.question.empty())
        return;
    client.question.clear();
    if (client.dialect != Dialect::flotilla)
        hang_up(client.line); // so that a doubled answer is not taken for the next one
    after(up_to(10ms), [this, index] { client_ask(index); });
}

void RequestWorld::pad(Message& message) {
    if (plan_.padding_bytes > 0)
        message.body.add(ByteView{std::string(random_.below(plan_.padding_bytes + 1), '.')});
}

// Many questions at once over one connection, from somebody who then leaves.
void RequestWorld::burst() {
    const std::string name = "b" + std::to_string(++bursts_);
    Line line = connect(
        [name](Frames frames) {
            const auto message = read_at_client(frames);
            FLOTILLA_CHECK(message, "a client is told what it cannot read");
            FLOTILLA_CHECK(request_text(*message).substr(0, name.size() + 4) == "re:" + name + "#",
                           "an answer to a question of somebody else");
        },
        "burst");
    const std::string service = "s" + std::to_string(random_.below(plan_.services));
    for (int i = 0; i < 6; ++i) {
        Message message;
        message.dialect = Dialect::mdp_02;
        message.side = Side::client;
        message.verb = Verb::request;
        message.service = Blob::copy(service);
        message.body.add(ByteView{name + "#" + std::to_string(i)});
        pad(message);
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
    worker.leaves = false;
    worker.hangs_until = now_;
    worker.heard = now_;
    worker.line =
        connect([this, index, life](Frames frames) { worker_hear(index, life, std::move(frames)); },
                "worker-" + std::to_string(index));
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
    if (worker.hangs_until > now_) {
        auto later = std::make_shared<Frames>(std::move(frames));
        return at(worker.hangs_until,
                  [this, index, life, later] { worker_hear(index, life, std::move(*later)); });
    }
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
    const bool hangs = percent(weather().hang_percent);
    const Duration takes = up_to(hangs ? 2 * plan_.limits.service.busy_max : 30ms);
    worker.hangs_until = hangs ? now_ + takes : now_;
    after(takes, [this, index, life = worker.life] {
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
        const std::string answer = "re:" + request_text(request);
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
        if (with.dialect == Dialect::flotilla && !with.leaves && percent(weather().leave_percent)) {
            Message draining;
            draining.dialect = with.dialect;
            draining.side = Side::worker;
            draining.verb = Verb::draining;
            to_broker(with.line, std::move(draining));
            with.leaves = true;
        }
        if (!with.held.empty())
            worker_work(index);
        else if (with.leaves)
            worker_start(index);
    });
}

} // namespace flotilla::sim
