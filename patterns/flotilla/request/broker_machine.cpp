// SPDX-License-Identifier: Apache-2.0
//
// BrokerMachine: inputs, time, and giving requests to workers.
#include <flotilla/base/check.hpp>
#include <flotilla/base/random.hpp>
#include <flotilla/request/broker_said.hpp>
#include <flotilla/request/codec.hpp>
#include <flotilla/request/mmi.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::request {

using State = BrokerRequest::State;

namespace {

constexpr std::size_t refusals_max = 10'000; // peers and services remembered
constexpr std::uint32_t due_max = 1'000;     // of each kind, in one tick

} // namespace

BrokerMachine::BrokerMachine(BrokerLimits limits, std::uint64_t seed)
    : limits_(std::move(limits)), services_(limits_), requests_(Random(seed).next()),
      kept_(limits_.kept_answers_max, limits_.kept_bytes_max, limits_.kept_for),
      refusals_(refusals_max) {}

void BrokerMachine::set_limits(BrokerLimits limits, Instant now, BrokerOutputs& out) {
    limits.heartbeat = limits_.heartbeat;
    limits.liveness = limits_.liveness;
    limits.message_bytes_max = limits_.message_bytes_max;
    limits.held_messages_max = limits_.held_messages_max;
    limits.held_bytes_max = limits_.held_bytes_max;
    limits.kept_answers_max = limits_.kept_answers_max;
    limits.kept_bytes_max = limits_.kept_bytes_max;
    limits.kept_for = limits_.kept_for;
    limits_ = std::move(limits);
    services_.limits_changed();
    set_capacities(now, out);
}

// Of the RFCs' workers, which take what the broker gives them.
void BrokerMachine::set_capacities(Instant now, BrokerOutputs& out) {
    workers_.for_each([&](Slot slot) {
        BrokerWorker& worker = workers_[slot];
        BrokerService& service = services_[worker.service];
        if (worker.dialect == Dialect::flotilla)
            return;
        worker.held_beyond = std::max(worker.held_beyond, worker.held.size);
        worker.capacity = service.limits->prefetch;
        // Only who gains or loses room: among the others it is known who waits longest.
        if (worker.has_room != (worker.held.size < worker.capacity))
            workers_.update(service.room, slot, worker.held.size);
    });
    services_.for_each([&](Slot slot) { serve(slot, now, out); });
}

void BrokerMachine::note(Kind kind, std::string_view service, std::string_view peer,
                         std::string_view text, BrokerOutputs& out) {
    if (out.notices.size() < BrokerOutputs::notices_max)
        out.notices.push_back({kind, printable(service), hex(peer), std::string(text)});
}

// ---- inputs ------------------------------------------------------------------------------------

void BrokerMachine::receive(const BrokerPeer& peer, Message&& message, Instant now,
                            BrokerOutputs& out) {
    if (stopped_)
        return;
    Said said{peer, message, now, out};
    if (message.side == Side::client)
        from_client(said);
    else
        from_worker(said);
}

void BrokerMachine::receive_malformed(const BrokerPeer& peer, const std::optional<Message>& origin,
                                      const Error& error, Instant now, BrokerOutputs& out) {
    if (stopped_)
        return;
    ++counters_.malformed_total;
    note(Kind::malformed, {}, peer.id, error.detail, out);
    const ErrorCode code = error_code(error.code);
    if (const Slot worker = workers_.find(peer.id); worker != no_slot)
        return breach(peer, worker, code, error.detail, now, out);
    if (!origin)
        return;
    if (origin->side == Side::worker)
        return disconnect(peer.id, peer.id, origin->dialect, origin->delimited, code, error.detail,
                          now, out);
    if (origin->dialect != Dialect::flotilla)
        return; // these clients have no word for it
    Message answer;
    answer.side = Side::client;
    answer.verb = Verb::error;
    answer.delimited = origin->delimited;
    answer.id = origin->id;
    answer.service = origin->service.share();
    answer.code = code;
    answer.text = error.detail;
    out.sends.push_back({std::string(peer.id), std::move(answer)});
}

void BrokerMachine::connection_lost(int descriptor, Instant before, Instant now,
                                    BrokerOutputs& out) {
    if (stopped_)
        return;
    std::vector<Slot> shortened;
    requests_.for_connection(descriptor, [&](Slot slot) {
        BrokerRequest& request = requests_[slot];
        if (request.asked >= before)
            return;
        if (request.dialect == Dialect::flotilla) {
            request.asked_attempt = 0; // it comes back with the same id, maybe as a new process
            return;
        }
        request.orphaned = true;
        if (request.state != State::queued)
            return; // what its worker makes of it goes nowhere
        shortened.push_back(request.service);
        end(slot, counters_.dropped_total, ErrorCode::cancelled, {}, now, out);
    });
    serve_behind(std::move(shortened), now, out);
    workers_.for_connection(descriptor, [&](Slot worker) {
        workers_[worker].left = workers_[worker].heard < before;
        beat(worker, now, out);
    });
}

void BrokerMachine::unreachable(std::string_view peer, Side side, Unreachable why, Instant,
                                BrokerOutputs& out) {
    constexpr std::string_view text = "it does not read";
    if (side == Side::client) {
        ++counters_.replies_undelivered_total;
        if (why == Unreachable::too_slow)
            note(Kind::peer_too_slow, {}, peer, text, out);
        return;
    }
    const Slot worker = workers_.find(peer);
    if (stopped_ || worker == no_slot)
        return;
    BrokerWorker& with = workers_[worker];
    if (std::exchange(with.unreachable, true))
        return;
    if (why == Unreachable::too_slow)
        note(Kind::peer_too_slow, services_[with.service].name, peer, text, out);
    workers_.leave(services_[with.service].room, worker, with.held.size);
    ghosts_.push_back({std::string(peer), why});
}

void BrokerMachine::undelivered(std::span<const Blob> tokens, Instant now, BrokerOutputs& out) {
    Slot service = no_slot; // they are of one worker, and so of one service
    // The newest first, each to the front: so the oldest comes to stand there.
    for (auto token = tokens.rbegin(); token != tokens.rend(); ++token) {
        const Slot slot = requests_.find_token(token->view());
        if (stopped_ || slot == no_slot || requests_[slot].state != State::running)
            continue;
        service = requests_[slot].service;
        take_from(requests_[slot].worker, slot, now);
        give_back(slot, Because::undelivered, {}, now, out);
    }
    if (service != no_slot)
        serve(service, now, out);
}

void BrokerMachine::settle(Instant now, BrokerOutputs& out) {
    for (const auto& [peer, why] : std::exchange(ghosts_, {})) {
        const Slot worker = workers_.find(peer);
        if (worker == no_slot || !workers_[worker].unreachable)
            continue; // it took its leave, or came back
        ++counters_.workers_gone_total;
        if (why == Unreachable::gone) // else it was told when it was found
            note(Kind::worker_gone, services_[workers_[worker].service].name, peer,
                 "its connection is gone", out);
        drop(worker, now, out);
    }
}

void BrokerMachine::stop(BrokerOutputs& out) {
    if (std::exchange(stopped_, true))
        return;
    requests_.for_each([&](Slot slot) {
        if (requests_[slot].state != State::abandoned)
            end(slot, counters_.failed_total, ErrorCode::draining, "the broker is going",
                requests_[slot].asked, out);
    });
    workers_.for_each([&](Slot slot) {
        const BrokerWorker& worker = workers_[slot];
        disconnect(worker.peer, worker.peer, worker.dialect, worker.delimited, ErrorCode::draining,
                   "the broker is going", never, out);
        drop(slot, Instant{}, out);
    });
}

// ---- time --------------------------------------------------------------------------------------

Instant BrokerMachine::next_deadline() const noexcept {
    if (stopped_)
        return never;
    Instant next = kept_.next_deadline();
    if (const Slot due = requests_.first_due(); due != no_slot)
        next = std::min(next, requests_[due].deadline);
    if (!pauses_.empty())
        next = std::min(next, pauses_.begin()->first);
    if (const Slot worker = workers_.first_look(); worker != no_slot)
        next = std::min(next, workers_[worker].look);
    return next;
}

void BrokerMachine::tick(Instant now, BrokerOutputs& out) {
    if (stopped_)
        return;
    std::vector<Slot> shortened;
    for (std::uint32_t i = 0; i < due_max; ++i) {
        const Slot due = requests_.first_due();
        if (due == no_slot || requests_[due].deadline > now)
            break;
        shortened.push_back(requests_[due].service);
        end(due, counters_.expired_total, ErrorCode::expired, "nobody answered in time", now, out);
    }
    serve_behind(std::move(shortened), now, out); // when no one that is due can be given out
    end_pauses(now, out);
    for (std::uint32_t i = 0; i < due_max; ++i) {
        const Slot worker = workers_.first_look();
        if (worker == no_slot || workers_[worker].look > now)
            break;
        look(worker, now, out);
    }
    kept_.tick(now);
}

// Every heartbeat: silent for too long, or told that the broker is there. Under mandatory routing
// that also finds out whose connection is gone.
void BrokerMachine::look(Slot slot, Instant now, BrokerOutputs& out) {
    const BrokerWorker& worker = workers_[slot];
    const BrokerService& service = services_[worker.service];
    const bool busy = !worker.held.empty();
    // Heartbeats are a word, but no sign of life of what it holds when nobody waits for any of it.
    const bool stuck = busy && worker.running == 0;
    const Instant heard = stuck ? worker.busy_since : worker.heard;
    const Instant since = std::max(busy ? std::max(heard, worker.busy_since) : heard, resumed_);
    const Duration most = busy ? service.limits->busy_max : limits_.heartbeat * limits_.liveness;
    if (deadline_after(since, most) <= now) {
        ++counters_.workers_expired_total;
        note(Kind::worker_expired, service.name, worker.peer,
             busy ? "it held a request for too long" : "it was silent", out);
        disconnect(worker.peer, worker.peer, worker.dialect, worker.delimited, ErrorCode::expired,
                   "silent for too long; say READY", now, out);
        return drop(slot, now, out);
    }
    beat(slot, now, out);
    workers_.look_again(slot, deadline_after(now, limits_.heartbeat));
}

void BrokerMachine::beat(Slot slot, Instant now, BrokerOutputs& out) {
    BrokerWorker& worker = workers_[slot];
    worker.beaten = now;
    Message message;
    message.dialect = worker.dialect;
    message.side = Side::worker;
    message.verb = Verb::heartbeat;
    message.delimited = worker.delimited;
    out.sends.push_back({worker.peer, std::move(message)});
}

// ---- giving out --------------------------------------------------------------------------------

void BrokerMachine::enqueue(Slot slot, bool in_front) {
    BrokerRequest& request = requests_[slot];
    BrokerService& service = services_[request.service];
    request.state = State::queued;
    if (in_front)
        RequestLinks(requests_).push_front(service.queue, slot);
    else
        RequestLinks(requests_).push_back(service.queue, slot);
    service.queue_bytes += request.bytes;
    ++queued_;
}

// Those that end together go back in the order of their acceptance.
void BrokerMachine::end_pauses(Instant now, BrokerOutputs& out) {
    std::vector<Slot> over;
    for (auto at = pauses_.begin(); at != pauses_.end() && at->first <= now; ++at)
        if (over.push_back(at->second); over.size() == due_max)
            break;
    std::stable_sort(over.begin(), over.end(),
                     [this](Slot a, Slot b) { return requests_[a].asked > requests_[b].asked; });
    for (const Slot slot : over) {
        dequeue(slot);
        enqueue(slot, true);
    }
    for (const Slot slot : over)
        if (requests_[slot].state == State::queued) // else it was served with one before it
            serve(requests_[slot].service, now, out);
}

void BrokerMachine::dequeue(Slot slot) {
    BrokerRequest& request = requests_[slot];
    BrokerService& service = services_[request.service];
    if (request.is_paused()) {
        pauses_.erase({std::exchange(request.paused_until, Instant{}), slot});
        --service.paused;
        --queued_;
        return;
    }
    RequestLinks(requests_).erase(service.queue, slot);
    service.queue_bytes -= request.bytes;
    --queued_;
}

void BrokerMachine::serve(Slot service, Instant now, BrokerOutputs& out) {
    while (!services_[service].queue.empty()) {
        Room& room = services_[service].room;
        const Slot request = services_[service].queue.first;
        Slot worker = workers_.best_but(room, requests_[request].declined);
        if (worker == no_slot)
            worker = workers_.best(room);
        if (worker == no_slot || stopped_ || !takes(worker, requests_[request].bytes))
            return;
        give(request, worker, now, out);
    }
}

// What ended may have stood in front of what a worker takes.
void BrokerMachine::serve_behind(std::vector<Slot> services, Instant now, BrokerOutputs& out) {
    std::sort(services.begin(), services.end());
    services.erase(std::unique(services.begin(), services.end()), services.end());
    for (const Slot service : services) {
        serve(service, now, out);
        services_.release(service);
    }
}

// Besides its room: no more at once than it can be sent before it has had time to read.
bool BrokerMachine::takes(Slot slot, std::uint64_t bytes) const {
    const BrokerWorker& worker = workers_[slot];
    return worker.held.empty() || (worker.held.size < limits_.held_messages_max &&
                                   worker.held_bytes + bytes <= limits_.held_bytes_max);
}

void BrokerMachine::give(Slot slot, Slot to, Instant now, BrokerOutputs& out) {
    dequeue(slot);
    BrokerRequest& request = requests_[slot];
    BrokerWorker& worker = workers_[to];
    BrokerService& service = services_[request.service];
    request.state = State::running;
    request.worker = to;
    ++request.attempt;
    ++running_;
    ++service.running;
    ++worker.running;
    ++counters_.dispatched_total;
    const std::uint32_t held_before = worker.held.size;
    if (held_before == 0) {
        worker.busy_since = now;
        --service.waiting;
        --waiting_;
    }
    RequestLinks(requests_).push_back(worker.held, slot);
    request.given_bytes = request.bytes;
    worker.held_bytes += request.given_bytes;
    workers_.update(service.room, to, held_before);

    Message& message = out.send_to(worker.peer);
    message.dialect = worker.dialect;
    message.side = Side::worker;
    message.verb = Verb::request;
    message.delimited = worker.delimited;
    const auto token = requests_.token(slot);
    message.address.assign({token.data(), token.size()});
    const bool flotilla = worker.dialect == Dialect::flotilla;
    message.body = request.body.share(); // it comes back when nobody is there to take it
    if (flotilla) {
        message.service.assign(service.name);
        message.id = request.id;
        message.attempt = request.attempt;
        message.expires = time_left(now, request.deadline);
        message.packs = worker.packs;
    }
}

// Out of what the worker holds, which gives it room.
void BrokerMachine::take_from(Slot from, Slot slot, Instant now) {
    BrokerWorker& worker = workers_[from];
    worker.busy_since = now;
    BrokerService& service = services_[worker.service];
    const std::uint32_t held_before = worker.held.size;
    RequestLinks(requests_).erase(worker.held, slot);
    worker.held_bytes -= requests_[slot].given_bytes;
    if (worker.held.empty()) {
        ++service.waiting;
        ++waiting_;
    }
    workers_.update(service.room, from, held_before);
}

void BrokerMachine::stop_running(Slot slot) {
    --running_;
    --services_[requests_[slot].service].running;
    --workers_[requests_[slot].worker].running;
}

} // namespace flotilla::request
