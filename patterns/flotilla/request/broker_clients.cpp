// SPDX-License-Identifier: Apache-2.0
//
// BrokerMachine, the half that faces clients: accepting, repeats, refusals, and what they are told.
#include <flotilla/request/broker_said.hpp>
#include <flotilla/request/mmi.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::request {

using State = BrokerRequest::State;

namespace {

constexpr std::uint64_t lent_requests_max = 1'000; // queued, in memory that is not theirs

} // namespace

void BrokerMachine::from_client(Said& said) {
    switch (said.message.verb) {
    case Verb::request:
        ++counters_.requests_total;
        return request(said);
    case Verb::cancel:
        return cancel(said);
    default: // ping; the codec lets nothing else through
        if (!judge_.knows(said.peer.user_id))
            return refuse(said, ErrorCode::not_allowed,
                          not_allowed(said.peer, Operation::call, {}, said.out));
        said.message.verb = Verb::pong;
        said.out.sends.push_back({std::string(said.peer.id), std::move(said.message)});
    }
}

void BrokerMachine::request(Said& said) {
    Message& message = said.message;
    const bool asks_broker = is_mmi(message.service);
    if (asks_broker ? !judge_.knows(said.peer.user_id)
                    : !may(said.peer, Operation::call, message.service))
        return refuse(said, ErrorCode::not_allowed,
                      not_allowed(said.peer, Operation::call, message.service, said.out));
    if (asks_broker) {
        ++counters_.mmi_total;
        message.body =
            answer_mmi(message.service, message.body, services_, [&](std::string_view service) {
                return may_see(said.peer.user_id, service);
            });
        message.verb = Verb::final;
        message.attempt = 1;
        said.out.sends.push_back({std::string(said.peer.id), std::move(message)});
        return;
    }
    if (!message.id.empty() && repeat(said))
        return;
    if (draining_)
        return refuse(said, ErrorCode::draining, "the broker is going; ask another");
    const Slot service = services_.get(message.service);
    if (service == no_slot)
        return refuse(said, ErrorCode::queue_full, "the broker has no room for another service");
    accept(said, service);
    services_.release(service);
}

// A known id joins its request or is given its answer.
bool BrokerMachine::repeat(Said& said) {
    const RequestName name{said.peer.user_id, said.message.id};
    if (const Slot known = requests_.find(name); known != no_slot) {
        if (services_[requests_[known].service].name == said.message.service.view())
            join(said, known);
        else
            refuse(said, ErrorCode::malformed, "this id names a request to another service");
        return true;
    }
    const KeptAnswer* kept = kept_.find(name);
    if (kept == nullptr)
        return false;
    if (kept->service != said.message.service.view()) {
        refuse(said, ErrorCode::malformed, "this id named a request to another service");
        return true;
    }
    ++counters_.kept_total;
    Message& answer = said.message;
    answer.verb = kept->is_error ? Verb::error : Verb::final;
    answer.attempt = kept->attempt;
    answer.body = kept->body.share();
    answer.code = kept->code;
    answer.text = kept->text;
    answer.kept = true;
    said.out.sends.push_back({std::string(said.peer.id), std::move(answer)});
    return true;
}

void BrokerMachine::join(Said& said, Slot known) {
    ++counters_.joined_total;
    BrokerRequest& request = requests_[known];
    // Repeats over two connections may come in either order; the asker listens to the later one.
    if (said.message.attempt >= request.asked_attempt) {
        request.asked_attempt = said.message.attempt;
        requests_.set_asker(known, said.peer.id, said.message.delimited, said.peer.descriptor);
    }
    // Never beyond what the service allows from the first time on: a request whose worker hangs
    // would else live as long as somebody repeats it.
    const Instant last = deadline_after(request.asked, services_[request.service].limits->expiry);
    const Instant deadline = said.message.expires
                                 ? std::min(last, deadline_after(said.now, *said.message.expires))
                                 : last;
    if (deadline > request.deadline)
        requests_.set_deadline(known, deadline);
}

void BrokerMachine::accept(Said& said, Slot service) {
    Message& message = said.message;
    const std::uint64_t bytes = message.body.held_bytes();
    if (message.body.bytes() > limits_.message_bytes_max)
        return refuse(said, ErrorCode::too_large, "the body is larger than this broker takes");
    if (requests_.size() >= limits_.requests_max || bytes_ + bytes > limits_.requests_bytes_max)
        return refuse(said, ErrorCode::queue_full, "the broker holds as many requests as it may");
    if (!make_room(said, service, bytes))
        return refuse(said, ErrorCode::queue_full, "the queue of the service is full");
    const Slot slot = requests_.open();
    BrokerRequest& request = requests_[slot];
    request.dialect = message.dialect;
    request.delimited = message.delimited;
    request.descriptor = said.peer.descriptor;
    request.peer = said.peer.id;
    request.asked_attempt = message.attempt;
    request.user = said.peer.user_id;
    request.id = message.id;
    request.service = service;
    request.asked = said.now;
    const Duration most = services_[service].limits->expiry;
    request.deadline = deadline_after(said.now, std::min(message.expires.value_or(most), most));
    request.body = std::move(message.body);
    request.bytes = bytes;
    requests_.index(slot);
    ++counters_.accepted_total;
    bytes_ += bytes;
    enqueue(slot, false);
    serve(service, said.now, said.out);
    // It may lie in a buffer of 8 KiB; a copy costs more than passing it on at once.
    if (queued_ > lent_requests_max && requests_[slot].state == State::queued)
        requests_[slot].body.own_small();
}

// Whether the service's queue takes one more, after what its policy does for that.
bool BrokerMachine::make_room(Said& said, Slot slot, std::uint64_t bytes) {
    BrokerService& service = services_[slot];
    const ServiceLimits& limits = *service.limits;
    const auto full = [&] {
        return service.queue.size >= limits.queue_messages_max ||
               service.queue_bytes + bytes > limits.queue_bytes_max;
    };
    // A worker that has room takes it past the queue, which is empty then.
    const auto passes = [&] {
        const Slot worker = workers_.best(service.room);
        return service.queue.empty() && worker != no_slot && takes(worker, bytes);
    };
    if (!full() || passes())
        return true;
    if (limits.when_full == WhenFull::refuse || bytes > limits.queue_bytes_max)
        return false;
    while (full())
        end(service.queue.first, counters_.failed_total, ErrorCode::queue_full,
            "the queue was full, and a newer request came", said.now, said.out);
    return true;
}

void BrokerMachine::cancel(Said& said) {
    const Slot known = requests_.find({said.peer.user_id, said.message.id});
    if (known == no_slot)
        return; // ended already: its answer is on its way
    const Slot service = requests_[known].service;
    end(known, counters_.dropped_total, ErrorCode::cancelled, "as you asked", said.now, said.out);
    serve_behind({service}, said.now, said.out);
}

void BrokerMachine::refuse(Said& said, ErrorCode code, std::string_view text) {
    ++counters_.refused_total;
    note(Kind::request_refused, said.message.service, said.peer.id, text, said.out);
    if (said.message.dialect != Dialect::flotilla)
        return;
    Message& error = said.message;
    error.verb = Verb::error;
    error.body.clear();
    error.code = code;
    error.text = text;
    said.out.sends.push_back({std::string(said.peer.id), std::move(error)});
}

// ---- what askers are told ----------------------------------------------------------------------

Message& BrokerMachine::to_asker(Slot slot, Verb verb, BrokerOutputs& out) const {
    const BrokerRequest& request = requests_[slot];
    Message& message = out.send_to(request.peer);
    message.dialect = request.dialect;
    message.side = Side::client;
    message.verb = verb;
    message.delimited = request.delimited;
    message.service.assign(services_[request.service].name);
    message.id = request.id;
    message.attempt = request.attempt;
    message.part = request.parts;
    return message;
}

void BrokerMachine::pass_on(Slot slot, Verb verb, wire::Frames&& body, BrokerOutputs& out) {
    to_asker(slot, verb, out).body = std::move(body);
}

void BrokerMachine::tell_error(Slot slot, ErrorCode code, std::string_view text,
                               BrokerOutputs& out) {
    const BrokerRequest& request = requests_[slot];
    if (request.dialect != Dialect::flotilla || request.orphaned)
        return;
    Message& message = to_asker(slot, Verb::error, out);
    message.code = code;
    message.text = text;
}

// For a repeat that comes after the end. An error before any worker saw the request is not kept:
// asking again is then right.
void BrokerMachine::keep(Slot slot, const wire::Frames* body, ErrorCode code, std::string_view text,
                         Instant now) {
    const BrokerRequest& request = requests_[slot];
    if (request.id.empty() || request.attempt == 0 || !kept_.takes(body ? body->held_bytes() : 0))
        return;
    KeptAnswer answer;
    answer.user = request.user;
    answer.id = request.id;
    answer.service = services_[request.service].name;
    answer.attempt = request.attempt;
    answer.is_error = body == nullptr;
    if (body)
        answer.body = body->share();
    answer.body.own_small();
    answer.code = code;
    answer.text = text;
    kept_.keep(std::move(answer), now);
}

void BrokerMachine::end(Slot slot, std::uint64_t& counter, ErrorCode code, std::string_view text,
                        Instant now, BrokerOutputs& out) {
    BrokerRequest& request = requests_[slot];
    ++counter;
    tell_error(slot, code, text, out);
    keep(slot, nullptr, code, text, now);
    bytes_ -= request.bytes;
    if (request.state == State::queued) {
        dequeue(slot);
        requests_.close(slot);
        return;
    }
    // Its worker has not answered, so that its place there stays taken.
    stop_running(slot);
    requests_.abandon(slot);
    const BrokerWorker& worker = workers_[request.worker];
    if (worker.dialect != Dialect::flotilla)
        return;
    Message cancelled;
    cancelled.side = Side::worker;
    cancelled.verb = Verb::cancel;
    cancelled.delimited = worker.delimited;
    const auto token = requests_.token(slot);
    cancelled.address = Blob::copy({token.data(), token.size()});
    out.sends.push_back({worker.peer, std::move(cancelled)});
}

} // namespace flotilla::request
