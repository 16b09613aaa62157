// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/client_machine.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace flotilla::request {

namespace {

// Of the ids that are made up: no other client has it, so the number behind it is enough. Up to 33
// bytes, which are calls by the hundred million, lie inside a message of libzmq.
std::string prefix_of(Random& random) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto bytes = random.bytes16();
    std::string prefix;
    for (const char byte : std::string_view{bytes.data(), 12}) {
        prefix += digits[static_cast<unsigned char>(byte) >> 4];
        prefix += digits[static_cast<unsigned char>(byte) & 15];
    }
    return prefix + '-';
}

bool is_id(std::string_view id) {
    return id.size() <= limits::id_bytes_max &&
           std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

} // namespace

ClientMachine::ClientMachine(ClientOptions options, std::uint64_t seed)
    : options_(std::move(options)), random_(seed), id_prefix_(prefix_of(random_)),
      calls_(options_.calls_max, options_.calls_bytes_max), brokers_(options_.brokers.size()) {
    FLOTILLA_CHECK(!brokers_.empty(), "a client needs a broker");
    for (Broker& broker : brokers_)
        broker.dialect = options_.dialect;
}

// ---- calls come --------------------------------------------------------------------------------

Status ClientMachine::check(std::string_view service, const wire::Frames& body,
                            const CallOptions& options, std::uint64_t bytes) const {
    if (service.empty() || service.size() > limits::service_bytes_max)
        return fail(Errc::bad_option, "the name of a service has 1 to 255 bytes");
    if (options.deadline && (*options.deadline < 1ms || *options.deadline > limits::expires_max))
        return fail(Errc::bad_option, "a call's deadline must be 1ms to 24h");
    if (!is_id(options.id))
        return fail(Errc::bad_option,
                    "a call's id is 1 to 64 printable ASCII characters without blanks");
    if (body.size() > limits::body_frames_max)
        return fail(Errc::too_many, "a body has at most 1000 frames");
    if (bytes > options_.calls_bytes_max)
        return fail(Errc::too_large, "the body is larger than calls_bytes_max");
    if (!calls_.has_room(bytes))
        return fail(Errc::would_block);
    return {};
}

Result<CallId> ClientMachine::call(std::string_view service, wire::Frames& body,
                                   const CallOptions& options, Instant now, ClientOutputs& out) {
    if (stopped_)
        return fail(*stopped_);
    const std::uint64_t bytes = body.held_bytes();
    if (const Status checked = check(service, body, options, bytes); !checked)
        return fail(checked.error());
    if (!options.id.empty() && calls_.find(options.id))
        return fail(Errc::bad_option, "a call with the id '" + options.id + "' is under way");
    ClientCall call;
    call.number = CallId{++last_call_};
    call.service = service;
    call.id = options.id.empty() ? id_prefix_ + std::to_string(last_call_) : options.id;
    call.body = std::move(body);
    call.bytes = bytes;
    call.begun = now;
    call.deadline = deadline_after(now, options.deadline.value_or(options_.deadline));
    call.retry = options.retry;
    body.clear();
    ++counters_.calls_total;
    const CallId number = calls_.add(std::move(call)).number;
    send_waiting(now, out);
    return number;
}

bool ClientMachine::may_send(const ClientCall& call) const noexcept {
    return call.attempts == 0 || (call.retry && call.attempts < options_.attempts_max);
}

void ClientMachine::send_waiting(Instant now, ClientOutputs& out) {
    while (ClientCall* call = calls_.first_waiting()) {
        const auto link = link_for_call(now, out);
        if (link == links_.end())
            return;
        send(*call, link, now, out);
    }
}

void ClientMachine::send(ClientCall& call, Links::iterator link, Instant now, ClientOutputs& out) {
    Link& at = link->second;
    Message message;
    message.dialect = at.dialect;
    message.verb = Verb::request;
    message.service = Blob::copy(call.service);
    message.body = call.body.share();
    message.id = call.id;
    message.attempt = ++call.attempts;
    call.refused.clear();
    message.expires = std::max<Duration>(time_left(now, call.deadline), 1ms);
    counters_.retries_total += call.attempts > 1 ? 1 : 0;

    const bool reused = at.use == Link::Use::idle;
    if (call.link != link->first) {
        call.link = link->first;
        call.reminders = 0;
        call.partials.moved();
        if (at.use == Link::Use::shared) {
            if (at.calls++ == 0)
                at.ping_at = deadline_after(now, options_.broker_silence_max / 3);
            watch_at_ = std::min(watch_at_, at.ping_at);
        } else {
            if (reused)
                idle_.erase(std::find(idle_.begin(), idle_.end(), link->first));
            at.use = Link::Use::busy;
            at.call = call.number;
        }
    }
    owe(at.broker, now);
    calls_.set_state(call, ClientCall::State::sent);
    if (at.use == Link::Use::busy) {
        calls_.set_next(call, deadline_after(now, options_.attempt_max));
    } else if (may_send(call)) {
        const std::uint32_t doublings = std::min(call.reminders, 20U);
        const Duration wait = options_.broker_silence_max * (std::int64_t{1} << doublings);
        calls_.set_next(call, deadline_after(now, random_.jitter(wait, 0.25)));
    } else {
        calls_.set_next(call, never);
    }
    out.acts.push_back(ClientOutputs::Send{link->first, std::move(message), reused});
}

bool ClientMachine::cancel(CallId number, Instant now, ClientOutputs& out) {
    ClientCall* call = calls_.find(number);
    if (!call)
        return false;
    const auto link = call->link ? links_.find(*call->link) : links_.end();
    if (link != links_.end() && link->second.use == Link::Use::shared) {
        Message message;
        message.verb = Verb::cancel;
        message.id = call->id;
        message.service = Blob::copy(call->service);
        out.acts.push_back(ClientOutputs::Send{link->first, std::move(message)});
    }
    ++counters_.cancelled_total;
    end(number, fail(Errc::refused, "cancelled"), out);
    send_waiting(now, out);
    return true;
}

// ---- answers -----------------------------------------------------------------------------------

void ClientMachine::receive(LinkId from, Message&& message, Instant now, ClientOutputs& out) {
    const auto link = links_.find(from);
    if (link == links_.end())
        return receive_unexpected();
    switch (link->second.use) {
    case Link::Use::asking:
        decide(link, std::move(message), now, out);
        break;
    case Link::Use::shared:
        receive_on_shared(link, std::move(message), now, out);
        break;
    case Link::Use::busy:
        receive_on_busy(link, std::move(message), now, out);
        break;
    case Link::Use::idle: // it answers twice: the next would be taken for the next call's
        receive_unexpected();
        close(link, out);
        break;
    }
    send_waiting(now, out);
}

void ClientMachine::receive_on_busy(Links::iterator link, Message&& message, Instant now,
                                    ClientOutputs& out) {
    ClientCall& call = *calls_.find(*link->second.call);
    if (message.dialect != link->second.dialect || message.service != ByteView{call.service})
        return receive_unexpected();
    heard(link->second, now);
    message.attempt = call.attempts;
    message.part = call.partials.next_part(call.attempts);
    if (message.verb == Verb::final)
        return take_final(call, std::move(message), out);
    take_partial(call, std::move(message), out);
    if (call.state == ClientCall::State::pausing)
        calls_.set_state(call, ClientCall::State::sent); // it is being answered after all
    if (call.state == ClientCall::State::sent)
        calls_.set_next(call, deadline_after(now, options_.attempt_max));
}

void ClientMachine::receive_on_shared(Links::iterator link, Message&& message, Instant now,
                                      ClientOutputs& out) {
    if (message.dialect != Dialect::flotilla)
        return receive_unexpected();
    if (message.verb == Verb::error && message.code == ErrorCode::wrong_peer)
        return not_a_broker(link->second.broker, message.text, now, out);
    if (message.verb != Verb::error || message.code != ErrorCode::draining)
        heard(link->second, now);
    link->second.ping_at = deadline_after(now, options_.broker_silence_max / 3);
    if (message.verb == Verb::pong)
        return;
    ClientCall* call = calls_.find(message.id);
    if (!call || call->link != link->first || message.service != ByteView{call->service})
        return receive_unexpected();
    if (message.verb == Verb::final)
        return take_final(*call, std::move(message), out);
    if (message.verb == Verb::partial)
        return take_partial(*call, std::move(message), out);
    if (message.code == ErrorCode::draining)
        drain(link, now, out);
    take_error(*call, std::move(message), out);
}

void ClientMachine::take_partial(ClientCall& call, Message&& message, ClientOutputs& out) {
    const auto place = call.partials.take(message.attempt, message.part);
    if (!place)
        return receive_unexpected();
    ++counters_.partials_total;
    out.events.push_back({call.number, PartialReply{call.number, std::move(message.body),
                                                    place->restarted, place->missed}});
}

void ClientMachine::take_final(ClientCall& call, Message&& message, ClientOutputs& out) {
    ++counters_.answered_total;
    detach(call, Left::answered, out);
    end(call.number,
        Reply{std::move(message.body), call.attempts, message.kept,
              call.partials.is_restarted_by(message.attempt)},
        out);
}

void ClientMachine::take_error(ClientCall& call, Message&& message, ClientOutputs& out) {
    std::string sentence{name(message.code)};
    if (!message.text.empty())
        sentence += ": " + message.text;
    // It was not taken, so even a call that may be sent only once may go elsewhere.
    if (message.code == ErrorCode::draining && call.attempts < options_.attempts_max) {
        detach(call, Left::unanswered, out);
        calls_.set_state(call, ClientCall::State::waiting);
        calls_.set_next(call, never);
        call.refused = std::move(sentence);
        return;
    }
    if (message.code == ErrorCode::expired) {
        ++counters_.timeout_total;
        return end(call.number, fail(Errc::timeout, std::move(sentence)), out);
    }
    ++counters_.refused_total;
    end(call.number, fail(Errc::refused, std::move(sentence)), out);
}

void ClientMachine::end(CallId number, Result<Reply> how, ClientOutputs& out) {
    ClientCall call = calls_.take(number);
    detach(call, Left::unanswered, out);
    out.events.push_back({number, std::move(how)});
}

// ---- time --------------------------------------------------------------------------------------

void ClientMachine::put_back(ClientCall& call) {
    call.partials.moved();
    calls_.set_state(call,
                     may_send(call) ? ClientCall::State::waiting : ClientCall::State::resting);
    calls_.set_next(call, never);
}

// No answer in time: sent again after a pause, in which the answer may still come.
void ClientMachine::attempt_over(ClientCall& call, Instant now, ClientOutputs& out) {
    const std::size_t broker = links_.find(*call.link)->second.broker;
    const bool again = may_send(call);
    calls_.set_state(call, again ? ClientCall::State::pausing : ClientCall::State::resting);
    calls_.set_next(call, again ? deadline_after(now, pause(call.attempts - 1)) : never);
    const auto& owed = brokers_[broker].owed_since;
    if (owed && deadline_after(*owed, options_.attempt_max) <= now)
        note_silence(broker, now, out);
}

void ClientMachine::next_over(ClientCall& call, Instant now, ClientOutputs& out) {
    if (call.state == ClientCall::State::pausing) {
        detach(call, Left::unanswered, out);
        return put_back(call);
    }
    const auto link = links_.find(*call.link);
    if (link->second.use == Link::Use::busy)
        return attempt_over(call, now, out);
    if (link->second.draining) { // it would only be refused, or is gone
        detach(call, Left::unanswered, out);
        return put_back(call);
    }
    ++call.reminders;
    send(call, link, now, out);
}

void ClientMachine::end_by_deadline(CallId number, Instant now, ClientOutputs& out) {
    ClientCall& call = *calls_.find(number);
    const auto link = call.link ? links_.find(*call.link) : links_.end();
    if (link != links_.end() && link->second.use == Link::Use::busy) {
        const std::size_t broker = link->second.broker;
        const auto& owed = brokers_[broker].owed_since;
        if (owed && deadline_after(*owed, options_.attempt_max) <= now)
            note_silence(broker, now, out);
    }
    if (!call.refused.empty()) { // nobody has it
        ++counters_.refused_total;
        return end(number, fail(Errc::refused, call.refused + "; no other broker took it in time"),
                   out);
    }
    ++counters_.timeout_total;
    // In an RFC dialect nobody says that a request is at work: silence is no sign of a broker's.
    const bool is_silent = call.attempts > 0 && options_.dialect &&
                           *options_.dialect != Dialect::flotilla && !has_trouble();
    const bool found =
        is_silent || heard_at_ >= call.begun || (state_ == State::ready && failures_ == 0);
    std::string late = "no answer before the deadline";
    if (call.attempts > 1)
        late += ", to " + std::to_string(call.attempts) + " attempts";
    end(number,
        found ? fail(Errc::timeout, std::move(late))
              : fail(Errc::no_peer, "no broker answered before the deadline: " + silent_text()),
        out);
}

void ClientMachine::tick(Instant now, ClientOutputs& out) {
    if (state_ == State::asking && ask_01_at_ <= now) {
        ask_01_at_ = never;
        open({Link::Use::asking, broker_, Dialect::mdp_01}, out);
        ask(Dialect::mdp_01, now, out);
    }
    if (state_ == State::asking && asked_until_ <= now)
        leave(now, out);
    if (watch_at_ <= now)
        watch(now, out);
    while (ClientCall* call = calls_.due(now)) {
        if (call->deadline <= now)
            end_by_deadline(call->number, now, out);
        else
            next_over(*call, now, out);
    }
    send_waiting(now, out);
}

void ClientMachine::stop(const Error& why, ClientOutputs& out) {
    if (!stopped_)
        stopped_ = why;
    for (const CallId number : calls_.all()) {
        ++counters_.stopped_total;
        end(number, fail(why), out);
    }
    while (!links_.empty())
        close(links_.begin(), out);
}

Instant ClientMachine::next_deadline() const noexcept {
    const Instant next = std::min(calls_.next_due(), watch_at_);
    switch (state_) {
    case State::asking:
        return std::min({next, ask_01_at_, asked_until_});
    case State::closed:
        return calls_.any_waiting() ? std::min(next, retry_at_) : next;
    case State::ready:
        break;
    }
    return next;
}

} // namespace flotilla::request
