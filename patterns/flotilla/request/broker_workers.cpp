// SPDX-License-Identifier: Apache-2.0
//
// BrokerMachine, the half that faces workers: registration, replies, the end of a worker.
#include <flotilla/request/broker_said.hpp>
#include <flotilla/request/mmi.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace flotilla::request {

using State = BrokerRequest::State;

namespace {

constexpr Duration refusal_pause = 1s; // between two refusals of one peer or service

} // namespace

void BrokerMachine::from_worker(Said& said) {
    Slot slot = workers_.find(said.peer.id);
    if (slot != no_slot && workers_[slot].user != said.peer.user_id) {
        // Somebody else has the address now: the one before is gone.
        ++counters_.workers_gone_total;
        note(Kind::worker_gone, services_[workers_[slot].service].name, said.peer.id,
             "another user has its address", said.out);
        drop(slot, said.now, said.out);
        slot = no_slot;
    }
    if (said.message.verb == Verb::ready)
        return ready(said);
    if (slot == no_slot)
        return from_stranger(said);
    BrokerWorker& worker = workers_[slot];
    if (said.message.dialect != worker.dialect) {
        ++counters_.unexpected_total;
        return breach(said.peer, slot, ErrorCode::unsupported,
                      "a worker speaks the dialect of its READY", said.now, said.out);
    }
    const Duration gap = said.now - std::exchange(worker.heard, said.now);
    worker.left = false;
    if (worker.descriptor != said.peer.descriptor)
        workers_.set_descriptor(slot, said.peer.descriptor);
    switch (said.message.verb) {
    case Verb::disconnect:
        ++counters_.workers_gone_total;
        note(Kind::worker_gone, services_[worker.service].name, worker.peer, "it said so",
             said.out);
        return drop(slot, said.now, said.out);
    case Verb::draining: // another may take what it would not have
        worker.draining = true;
        workers_.leave(services_[worker.service].room, slot, worker.held.size);
        return serve(worker.service, said.now, said.out);
    case Verb::heartbeat:
        return answer_heartbeat(slot, gap, said.now, said.out);
    default:
        return reply(said, slot);
    }
}

// A worker whose clock is much faster than ours would else take us for dead. Not to one that
// echoes: what comes back soon after our own heartbeat is no question.
void BrokerMachine::answer_heartbeat(Slot slot, Duration gap, Instant now, BrokerOutputs& out) {
    if (gap >= limits_.heartbeat / 2)
        return;
    if (now - workers_[slot].beaten >= std::max(limits::heartbeat_answer_min, gap / 2))
        beat(slot, now, out);
}

// A word of a worker that is not registered: it was given up, or the broker is new. It is told, so
// that it registers again.
void BrokerMachine::from_stranger(Said& said) {
    if (said.message.verb == Verb::disconnect)
        return;
    const bool beat = said.message.verb == Verb::heartbeat || said.message.verb == Verb::draining;
    ++(beat ? counters_.unexpected_total : counters_.replies_late_total);
    note(Kind::unexpected, {}, said.peer.id, "a worker that is not registered", said.out);
    disconnect(said.peer.id, said.peer.id, said.message.dialect, said.message.delimited,
               ErrorCode::not_allowed, "not registered here (any more); say READY", said.now,
               said.out);
}

void BrokerMachine::ready(Said& said) {
    Message& message = said.message;
    if (const Slot before = workers_.find(said.peer.id); before != no_slot) {
        const int descriptor = workers_[before].descriptor;
        const bool same = (descriptor == said.peer.descriptor && !workers_[before].left) ||
                          descriptor < 0; // the kernel gives descriptors away again
        if (same) {
            ++counters_.workers_refused_total;
            note(Kind::worker_refused, message.service, said.peer.id, "READY twice", said.out);
            return breach(said.peer, before, ErrorCode::not_allowed,
                          "a worker says READY once a connection", said.now, said.out);
        }
        // Another connection: the one before is gone, whoever made it.
        ++counters_.workers_gone_total;
        note(Kind::worker_gone, services_[workers_[before].service].name, said.peer.id,
             "it came back over another connection", said.out);
        drop(before, said.now, said.out);
    }
    if (is_mmi(message.service))
        return refuse_worker(said, ErrorCode::not_allowed, "mmi.* is the broker's own");
    if (!may(said.peer, Operation::serve, message.service))
        return refuse_worker(said, ErrorCode::not_allowed,
                             not_allowed(said.peer, Operation::serve, message.service, said.out));
    if (workers_.size() >= limits_.workers_max)
        return refuse_worker(said, ErrorCode::queue_full, "as many workers as may be");
    const Slot service = services_.get(message.service);
    if (service == no_slot)
        return refuse_worker(said, ErrorCode::queue_full, "as many services as may be");
    const Slot slot = workers_.add(said.peer.id, said.peer.descriptor,
                                   deadline_after(said.now, limits_.heartbeat));
    BrokerWorker& worker = workers_[slot];
    worker.dialect = message.dialect;
    worker.delimited = message.delimited;
    worker.packs = message.packs && !message.delimited;
    worker.service = service;
    worker.user = said.peer.user_id;
    worker.capacity = message.dialect == Dialect::flotilla ? message.capacity
                                                           : services_[service].limits->prefetch;
    worker.heard = said.now;
    ++services_[service].workers;
    ++services_[service].waiting;
    ++waiting_;
    workers_.update(services_[service].room, slot, 0);
    ++counters_.workers_registered_total;
    note(Kind::worker_registered, message.service, said.peer.id, name(message.dialect), said.out);
    serve(service, said.now, said.out);
}

void BrokerMachine::reply(Said& said, Slot worker) {
    const Slot slot = requests_.find_token(said.message.address);
    if (slot == no_slot || requests_[slot].worker != worker) {
        ++counters_.replies_late_total;
        return;
    }
    BrokerRequest& request = requests_[slot];
    const Verb verb = said.message.verb;
    if (verb == Verb::partial) {
        const bool open = request.state == State::running && !request.orphaned;
        if (!open || request.dialect == Dialect::mdp_01) {
            ++counters_.partials_dropped_total;
            return;
        }
        ++counters_.partials_total;
        pass_on(slot, Verb::partial, std::move(said.message.body), said.out);
        ++request.parts;
        return;
    }
    const Slot service = request.service;
    if (request.state == State::abandoned) {
        ++counters_.replies_late_total;
        finish(slot, worker, said.now);
    } else if (verb == Verb::error) {
        worker_error(said, slot, worker);
    } else {
        ++counters_.answered_total;
        counters_.answer_times.add(said.now - request.asked);
        ++services_[service].answered_total;
        keep(slot, &said.message.body, ErrorCode::unknown, {}, said.now);
        if (request.orphaned)
            ++counters_.replies_undelivered_total;
        else
            pass_on(slot, Verb::final, std::move(said.message.body), said.out);
        finish(slot, worker, said.now);
    }
    serve(service, said.now, said.out);
}

void BrokerMachine::worker_error(Said& said, Slot slot, Slot worker) {
    if (said.message.code == ErrorCode::retry) {
        take_from(worker, slot, said.now);
        requests_[slot].declined = worker;
        return give_back(slot, Because::retry, said.message.text, said.now, said.out);
    }
    ++counters_.failed_total;
    tell_error(slot, ErrorCode::worker_failed, said.message.text, said.out);
    keep(slot, nullptr, ErrorCode::worker_failed, said.message.text, said.now);
    finish(slot, worker, said.now);
}

// The worker is done with it, and so is everybody.
void BrokerMachine::finish(Slot slot, Slot worker, Instant now) {
    take_from(worker, slot, now);
    if (requests_[slot].state == State::running) {
        stop_running(slot);
        bytes_ -= requests_[slot].bytes;
    }
    requests_.close(slot);
}

// ---- refusals ----------------------------------------------------------------------------------

void BrokerMachine::refuse_worker(Said& said, ErrorCode code, std::string_view text) {
    ++counters_.workers_refused_total;
    note(Kind::worker_refused, said.message.service, said.peer.id, text, said.out);
    // By the service, not the peer: whoever is refused comes back at once under a new address.
    const std::string key = "READY " + std::string(said.message.service.view());
    disconnect(key, said.peer.id, said.message.dialect, said.message.delimited, code, text,
               said.now, said.out);
}

// A registered worker broke the protocol: it is told and forgotten.
void BrokerMachine::breach(const BrokerPeer& peer, Slot worker, ErrorCode code,
                           std::string_view text, Instant now, BrokerOutputs& out) {
    const BrokerWorker& with = workers_[worker];
    const std::string key = "BREACH " + services_[with.service].name;
    disconnect(key, peer.id, with.dialect, with.delimited, code, text, now, out);
    drop(worker, now, out);
}

// Peers come back at once, so that one that will be refused again would loop at full speed: the
// same refusal is said once a second at most, and the peer's own patience ends the rest.
void BrokerMachine::disconnect(std::string_view key, std::string_view peer, Dialect dialect,
                               bool delimited, ErrorCode code, std::string_view text, Instant now,
                               BrokerOutputs& out) {
    Instant* last = refusals_.touch(key);
    if (last != nullptr && now - *last < refusal_pause)
        return;
    if (last != nullptr)
        *last = now;
    else
        (void)refusals_.insert(std::string(key), now);
    Message message;
    message.dialect = dialect;
    message.side = Side::worker;
    message.verb = Verb::disconnect;
    message.delimited = delimited;
    message.code = code;
    message.text = text;
    out.sends.push_back({std::string(peer), std::move(message)});
}

// ---- the end of a worker -----------------------------------------------------------------------

void BrokerMachine::drop(Slot slot, Instant now, BrokerOutputs& out) {
    BrokerWorker& worker = workers_[slot];
    const Slot service = worker.service;
    workers_.leave(services_[service].room, slot, worker.held.size);
    if (worker.held.empty()) {
        --services_[service].waiting;
        --waiting_;
    }
    // The newest first, each to the front: so the oldest comes to stand there.
    while (!worker.held.empty()) {
        const Slot request = worker.held.last;
        RequestLinks(requests_).erase(worker.held, request);
        if (requests_[request].state == State::abandoned)
            requests_.close(request);
        else
            give_back(request, Because::worker_gone, {}, now, out);
    }
    out.ended.push_back(worker.peer);
    workers_.remove(slot);
    --services_[service].workers;
    serve(service, now, out);
    services_.release(service);
}

// A running request that its worker will not answer; it is in no list.
void BrokerMachine::give_back(Slot slot, Because why, std::string_view text, Instant now,
                              BrokerOutputs& out) {
    BrokerRequest& request = requests_[slot];
    const ServiceLimits& limits = *services_[request.service].limits;
    stop_running(slot);
    request.worker = no_slot;
    const bool again = (why != Because::worker_gone || limits.requeue) && !request.orphaned;
    if (why == Because::undelivered)
        --request.attempt;
    if (again && request.attempt < limits.attempts_max) {
        requests_.renumber(slot);
        request.parts = 0;
        ++counters_.requeued_total;
        Room& room = services_[request.service].room;
        if (why == Because::retry && workers_.best_but(room, request.declined) == no_slot)
            return pause(slot, now);
        return enqueue(slot, true);
    }
    if (request.orphaned) {
        ++counters_.dropped_total;
    } else {
        const ErrorCode code = again ? ErrorCode::worker_failed : ErrorCode::worker_gone;
        std::string sentence = again ? "no worker did it, after as many attempts as may be"
                                     : "its worker is gone, and the service allows no second try";
        if (!text.empty())
            sentence.append(": ").append(text);
        ++counters_.failed_total;
        tell_error(slot, code, sentence, out);
        keep(slot, nullptr, code, sentence, now);
    }
    bytes_ -= request.bytes;
    requests_.close(slot);
}

// Queued, but nobody is given it before its pause is over.
void BrokerMachine::pause(Slot slot, Instant now) {
    BrokerRequest& request = requests_[slot];
    Duration length = retry_pause_min;
    for (std::uint32_t i = 1; i < request.attempt && length < retry_pause_max; ++i)
        length *= 2;
    request.state = State::queued;
    request.paused_until = deadline_after(now, std::min(length, retry_pause_max));
    pauses_.emplace(request.paused_until, slot);
    ++services_[request.service].paused;
    ++queued_;
}

} // namespace flotilla::request
