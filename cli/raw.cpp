// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/wire/subscription.hpp>

#include <cli/doctor/advice.hpp>
#include <cli/raw.hpp>
#include <cli/raw_run.hpp>
#include <cli/signals.hpp>
#include <cli/words.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::cli {

using net::SocketType;
using Flow = TrafficRules::Flow;

namespace {

constexpr int moved_batch_max = 256; // messages moved before the loop looks around again

bool is_publisher(SocketType type) {
    return type == SocketType::pub;
}

} // namespace

void RawRun::hear_subscriptions() {
    if (is_publisher(verb_.type) && link_->hear_subscriptions())
        moved_ = true;
}

void RawRun::count_peers(Instant now) {
    const Peers& peers = link_->peers();
    // A connection of an XPUB is nobody who gets something, until there is a subscription.
    const bool is_early = verb_.type == SocketType::xpub && flags_.wait_peers && !is_subscribed_to_;
    if (!is_publisher(verb_.type))
        traffic_->peers(is_early ? 0 : peers.connected(now), now);
    else if (flags_.wait_sub)
        traffic_->peers(peers.subscribed_to(*flags_.wait_sub), now);
    else
        traffic_->peers(peers.subscribed(), now);
}

void RawRun::stage(wire::Frames message) {
    pending_ = std::move(message);
    unlent_ = true;
}

// Fills pending_, or says that the input must be waited for or has ended.
Status RawRun::take_message(Instant now) {
    if (reply_ && !pending_)
        stage(wire::Frames{
            ByteView{reply_->make(traffic_->sent_total() + 1, net::wall_now(), random_)}});
    if (pending_ || !input_)
        return {};
    auto next = input_->next(net::wall_now());
    if (!next)
        return fail(next.error());
    if (*next)
        stage(std::move(**next));
    if (pending_)
        return {};
    needs_input_ = !input_->ended();
    if (input_->ended())
        traffic_->input_ended(now);
    return {};
}

Status RawRun::send_pending(Instant now) {
    const Peers& peers = link_->peers();
    const ByteView topic = (*pending_)[0];
    const bool heard = !is_publisher(verb_.type) || peers.anybody_hears(topic);
    const bool waits = !heard && peers.anybody_away_hears(topic);
    if (pending_->bytes() > flags_.socket.message_bytes_max)
        return fail(Errc::too_large,
                    "message " + std::to_string(traffic_->sent_total() + 1) + " has " +
                        std::to_string(pending_->bytes()) + " bytes; the limit is " +
                        format_bytes(flags_.socket.message_bytes_max) + " (--max-size)");
    if (std::exchange(unlent_, false))
        link_->lend(*pending_);
    const auto given = link_->give(*pending_, traffic_->sent_total() + 1);
    if (!given && given.error().code == Errc::would_block) {
        blocked_ = true;
        traffic_->blocked(now);
        return {};
    }
    if (!given)
        return fail(given.error());
    pending_.reset();
    moved_ = true;
    traffic_->sent(now);
    unheard_ += heard || waits ? 0 : 1;
    waiting_ += waits ? 1 : 0;
    return {};
}

Status RawRun::pump_send() {
    blocked_ = needs_input_ = false;
    for (int i = 0; i < moved_batch_max && !blocked_ && !needs_input_; ++i) {
        const Instant now = net::now();
        const bool due = traffic_->wants_send(now);
        // Of a stream, one message is read ahead: only so is it known that the last one was it.
        const bool ahead = input_ && input_->descriptor() >= 0 && traffic_->wants_input();
        if (!due && (!ahead || pending_))
            break;
        if (Status taken = take_message(now); !taken)
            return taken;
        if (!pending_ || !due)
            break;
        if (!traffic_->peers_ready()) {
            traffic_->blocked(now);
            break;
        }
        if (Status sent = send_pending(now); !sent)
            return sent;
    }
    return {};
}

Status RawRun::show(wire::Frames message) {
    if (verb_.type == SocketType::xpub)
        if (const auto asked = wire::read_subscription(message[0].view()))
            is_subscribed_to_ |= asked->subscribes;
    std::string user_id;
    if (std::holds_alternative<net::CurveServer>(link_->socket().options().security)) {
        net::Part first = net::Part::from(std::move(message[0]));
        user_id = first.property("User-Id").value_or("");
        message[0] = std::move(first).to_blob();
    }
    Shown shown{message};
    shown.number = traffic_->received_total() + 1;
    shown.time = net::wall_now();
    shown.type = net::name(verb_.type);
    shown.endpoint = link_->endpoint_text();
    shown.user_id = user_id;
    if (verb_.type == SocketType::router)
        shown.routing = Shown::Routing::first_frame;
    text_.clear();
    if (Status formatted = format_->append(text_, shown); !formatted)
        return formatted;
    if (flags_.echo)
        stage(std::move(message));
    return out_.write(text_);
}

Status RawRun::pump_receive() {
    for (int i = 0; i < moved_batch_max && traffic_->wants_receive() && !out_.closed(); ++i) {
        auto message = link_->socket().receive(Duration::zero());
        if (!message) {
            const Error& error = message.error();
            if (error.code == Errc::too_large || error.code == Errc::too_many) {
                terminal_.note(error.detail + "; dropped");
                continue;
            }
            return error.code == Errc::would_block ? Status{} : fail(error);
        }
        if (Status shown = show(std::move(*message)); !shown)
            return shown;
        traffic_->received(net::now());
        moved_ = true;
    }
    return {};
}

void RawRun::set_interest() {
    net::Poller& poller = link_->poller();
    net::Socket& socket = link_->socket();
    const bool listen = traffic_->wants_receive() || is_publisher(verb_.type);
    if (listen != listens_)
        poller.on_readable(socket, (listens_ = listen) ? [] {} : net::Poller::Handler{});
    const bool room = blocked_ && socket.type() != SocketType::xpub;
    if (room != watches_room_)
        poller.on_writable(socket, (watches_room_ = room) ? [] {} : net::Poller::Handler{});
    if (input_)
        input_watch_.set(poller, *input_, needs_input_);
}

void RawRun::show_progress(Instant now) {
    if (!terminal_.shows_progress() || (verb_.flow != Flow::out && out_.is_terminal()))
        return;
    std::string text;
    if (verb_.flow != Flow::in)
        text = std::to_string(traffic_->sent_total()) + " sent";
    if (verb_.flow != Flow::out)
        text +=
            (text.empty() ? "" : ", ") + std::to_string(traffic_->received_total()) + " received";
    terminal_.progress(now, text + (blocked_ ? "; waiting for room" : ""));
}

Status RawRun::loop() {
    while (signal_caught() == 0 && !out_.closed()) {
        moved_ = false;
        if (Status seen = link_->look_at_connections(); !seen)
            return seen;
        hear_subscriptions();
        count_peers(net::now());
        if (Status sent = pump_send(); !sent)
            return sent;
        if (Status received = pump_receive(); !received)
            return received;
        const Instant now = net::now();
        show_progress(now);
        if ((end_ = traffic_->end(now)))
            return {};
        if (moved_)
            continue;
        if (Status flushed = out_.flush(); !flushed)
            return flushed;
        set_interest();
        Duration wait =
            std::min(time_left(now, traffic_->next_deadline()), link_->look_again_within());
        if (blocked_ && link_->socket().type() == SocketType::xpub)
            wait = std::min(wait, Link::xpub_retry_interval);
        if (Status turned = link_->poller().turn(wait); !turned)
            return turned;
    }
    return {};
}

// What a work queue's consumer has already taken in and will not print: it is lost to the others.
void RawRun::note_leftovers() {
    if (verb_.type != SocketType::pull || !(flags_.count || out_.closed()))
        return;
    std::uint64_t left = 0;
    while (left < flags_.socket.hwm && link_->socket().receive(Duration::zero()))
        ++left;
    if (out_.closed() && (left > 0 || out_.written_bytes() < out_.given_bytes()))
        terminal_.note("stdout was closed: messages taken after that are lost to others; -n ends "
                       "in time");
    else if (left > 0)
        terminal_.note(counted(left, "more message") +
                       " had already arrived and will not be printed: lost to others; a small "
                       "--hwm keeps them at the sender");
}

void RawRun::note_unheard() {
    const std::string of_all = " of " + std::to_string(traffic_->sent_total()) + " messages ";
    if (unheard_ > 0)
        terminal_.note(std::to_string(unheard_) + of_all + "had no subscriber" +
                       (flags_.wait_peers.value_or(0) > 0
                            ? " at that time, or none for their topic"
                            : " (--wait-peers 1 waits for one first)"));
    if (waiting_ > 0)
        terminal_.note(std::to_string(waiting_) + of_all +
                       "were sent while their subscriber was away; up to " +
                       std::to_string(flags_.socket.hwm) +
                       " (--hwm) wait for it each time, more are lost");
}

Result<ExitCode> RawRun::finish(Status ended) {
    Status written = out_.flush();
    if (ended && !written)
        ended = written;
    note_leftovers();
    note_unheard();
    const std::string advice =
        doctor::advice(link_->attachments(), verb_.type, flags_.socket.security, flags_.prefixes);
    ExitCode code = end_ ? end_->code : ExitCode::ok;
    if (end_ && !end_->why.empty())
        terminal_.error(end_->why + ": " + link_->peers_text() + advice);
    const bool hopeless = code == ExitCode::not_flushed || code == ExitCode::nothing ||
                          (!ended && ended.error().code == Errc::refused);
    if (code == ExitCode::not_flushed)
        link_->give_up();
    if (verb_.flow != Flow::in && !hopeless) {
        const ExitCode flushed = link_->flush(flags_.socket.linger, advice);
        code = code == ExitCode::ok ? flushed : code;
    }
    if (link_->dropped_total() > 0 && code == ExitCode::ok)
        code = ExitCode::not_flushed;
    if (!ended)
        return fail(ended.error());
    return code;
}

Result<ExitCode> RawRun::run() {
    return finish(loop());
}

Result<ExitCode> run_raw(const RawVerb& verb, const RawFlags& flags, Terminal& terminal) {
    RawRun run{verb, flags, terminal};
    if (Status prepared = run.prepare(); !prepared)
        return fail(prepared.error());
    return run.run();
}

} // namespace flotilla::cli
