// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/link.hpp>
#include <cli/output.hpp>
#include <cli/raw.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <memory>

namespace flotilla::cli {

namespace {

using net::SocketType;
using Flow = TrafficRules::Flow;

constexpr int batch_max = 256;           // messages moved before the loop looks around again
constexpr Duration retry_interval = 5ms; // a full XPUB does not say when it has room again

bool is_publisher(SocketType type) {
    return type == SocketType::pub;
}

class RawRun {
public:
    RawRun(const RawVerb& verb, const RawFlags& flags, Terminal& terminal)
        : verb_(verb), flags_(flags), terminal_(terminal) {}

    Status prepare();
    Result<ExitCode> run();

private:
    Result<Link::Plan> make_plan(const Targets& targets) const;
    Status open_input(const std::vector<std::string>& messages);
    TrafficRules make_rules() const;

    Status loop();
    Status pump_send();
    Status pump_receive();
    Status take_message(Instant now);
    Status send_pending(Instant now);
    Status show(wire::Frames message);
    void hear_subscriptions();
    void count_peers(Instant now);
    void set_interest();
    void show_progress(Instant now);
    void note_leftovers();
    void note_unheard();
    Result<ExitCode> finish(Status ended);

    const RawVerb& verb_;
    const RawFlags& flags_;
    Terminal& terminal_;
    Output out_;
    std::unique_ptr<Link> link_;
    std::optional<Input> input_;
    std::optional<Payload> reply_;
    std::optional<Format> format_;
    std::optional<Traffic> traffic_;
    std::optional<Traffic::End> end_;
    std::optional<wire::Frames> pending_; // made, not yet sent
    Random random_{0};
    std::string text_; // reused for every message shown
    std::uint64_t unroutable_ = 0;
    std::uint64_t unheard_ = 0;
    bool blocked_ = false;
    bool needs_input_ = false;
    bool moved_ = false; // something happened in this round
    bool listens_ = false;
    bool watches_room_ = false;
    bool watches_input_ = false;
};

Result<Link::Plan> RawRun::make_plan(const Targets& targets) const {
    auto options = make_socket_options(flags_.socket);
    if (!options)
        return fail(options.error());
    Link::Plan plan;
    plan.type = verb_.type;
    plan.options = std::move(*options);
    plan.options.routing_id = routing_bytes(flags_.routing_id);
    plan.attachments = targets.attachments;
    if (is_publisher(verb_.type)) {
        plan.type = SocketType::xpub; // the same to its peers, and it hears the subscriptions
        plan.options.subscriptions = net::SocketOptions::Subscriptions::every;
    }
    plan.options.refuse_when_full = plan.type == SocketType::xpub && flags_.full == "block";
    if (verb_.type == SocketType::sub)
        plan.prefixes = flags_.prefixes.empty() ? std::vector<std::string>{""} : flags_.prefixes;
    if (verb_.flow != Flow::in && plan.type != SocketType::xpub)
        plan.loss = Link::Plan::Loss::report;
    return plan;
}

Status RawRun::open_input(const std::vector<std::string>& messages) {
    random_ = Random{flags_.input.seed.value_or(net::system_seed())};
    if (!flags_.reply.empty()) {
        auto reply = Payload::parse(flags_.reply);
        if (!reply)
            return fail(reply.error());
        reply_ = std::move(*reply);
    }
    if (verb_.flow == Flow::in || flags_.echo || reply_)
        return {};
    using Options = Input::Options;
    Options options;
    options.messages = messages;
    options.message_bytes_max = flags_.socket.message_bytes_max;
    const bool counts_sends = verb_.flow == Flow::out || verb_.flow == Flow::ask;
    if (flags_.interval || (flags_.count && counts_sends))
        options.repeat = Options::Repeat::yes;
    if (verb_.type == SocketType::router)
        options.routing = Options::Routing::first_frame;
    options.seed = net::system_seed();
    auto input = Input::open(flags_.input, std::move(options));
    if (!input)
        return fail(input.error());
    input_.emplace(std::move(*input));
    if (!input_->absent() || verb_.flow == Flow::both)
        return {};
    if (verb_.flow == Flow::answer)
        return fail(Errc::bad_option, "what shall it answer? --echo, --reply TEXT, or replies on "
                                      "stdin (- reads the terminal)");
    return fail(Errc::bad_option, "nothing to send: give a MESSAGE, -f FILE, or pipe it in (- "
                                  "reads the terminal)");
}

TrafficRules RawRun::make_rules() const {
    TrafficRules rules;
    rules.flow = verb_.flow;
    rules.count = flags_.count;
    rules.interval = flags_.interval.value_or(Duration::zero());
    rules.timeout = flags_.timeout;
    rules.peers_min = flags_.wait_peers.value_or(flags_.wait_sub ? 1 : verb_.peers_min);
    if (input_ && input_->absent())
        rules.input = TrafficRules::Input::none;
    return rules;
}

Status RawRun::prepare() {
    const bool messages = verb_.flow != Flow::in && verb_.flow != Flow::answer;
    auto targets = make_targets(*flags_.app, flags_.words,
                                messages ? Words::endpoints_and_messages : Words::endpoints_only);
    if (!targets)
        return fail(targets.error());
    auto format = make_format(flags_.output);
    if (!format)
        return fail(format.error());
    format_ = std::move(*format);
    if (Status opened = open_input(targets->messages); !opened)
        return opened;
    auto plan = make_plan(*targets);
    if (!plan)
        return fail(plan.error());
    auto link = Link::open(std::move(*plan), flags_.socket, terminal_);
    if (!link)
        return fail(link.error());
    link_ = std::move(*link);
    // XSUB hears nothing until it asks; who sends it messages of his own asks by them.
    if (verb_.type == SocketType::xsub && (!input_ || input_->absent() || !flags_.prefixes.empty()))
        for (const std::string& prefix :
             flags_.prefixes.empty() ? std::vector<std::string>{""} : flags_.prefixes)
            if (Status sent = link_->socket().send(ByteView{"\1" + prefix}, retry_interval); !sent)
                return sent;
    traffic_.emplace(make_rules(), net::now());
    return {};
}

void RawRun::hear_subscriptions() {
    if (!is_publisher(verb_.type))
        return;
    net::Part part;
    while (link_->socket().receive(part, Duration::zero())) {
        link_->peers().on_subscription(part.descriptor(), part);
        moved_ = true;
        if (terminal_.verbosity() == Verbosity::verbose && part.size() > 0)
            terminal_.detail((part.view()[0] == '\1' ? "subscribed: '" : "unsubscribed: '") +
                             routing_text(part.view().substr(1)) + "'");
    }
}

void RawRun::count_peers(Instant now) {
    const Peers& peers = link_->peers();
    if (!is_publisher(verb_.type))
        traffic_->peers(peers.connected(), now);
    else if (flags_.wait_sub)
        traffic_->peers(peers.subscribed_to(*flags_.wait_sub), now);
    else
        traffic_->peers(peers.subscribed(), now);
}

// Fills pending_, or says that the input must be waited for or has ended.
Status RawRun::take_message(Instant now) {
    if (reply_)
        pending_ = wire::Frames{
            ByteView{reply_->make(traffic_->sent_total() + 1, net::wall_now(), random_)}};
    if (pending_ || !input_)
        return {};
    auto next = input_->next(net::wall_now());
    if (!next)
        return fail(next.error());
    pending_ = std::move(*next);
    if (pending_) {
        // Counted out of the house: see ledger.hpp.
        pending_->back() = link_->ledger().lend(pending_->back()).to_blob();
        return {};
    }
    needs_input_ = !input_->ended();
    if (input_->ended())
        traffic_->input_ended(now);
    return {};
}

Status RawRun::send_pending(Instant now) {
    const bool heard = !is_publisher(verb_.type) || link_->peers().anybody_hears((*pending_)[0]);
    if (pending_->bytes() > flags_.socket.message_bytes_max)
        return fail(Errc::too_large,
                    "message " + std::to_string(traffic_->sent_total() + 1) + " has " +
                        std::to_string(pending_->bytes()) + " bytes; the limit is " +
                        format_bytes(flags_.socket.message_bytes_max) + " (--max-size)");
    Status sent = link_->socket().send(*pending_, Duration::zero());
    if (!sent && sent.error().code == Errc::would_block) {
        blocked_ = true;
        traffic_->blocked(now);
        return {};
    }
    if (!sent && sent.error().code == Errc::peer_gone) {
        ++unroutable_;
        terminal_.note("nobody with the routing id " + routing_text((*pending_)[0]) +
                       " is connected; dropped");
    } else if (!sent) {
        return sent;
    }
    pending_.reset();
    moved_ = true;
    traffic_->sent(now);
    unheard_ += heard ? 0 : 1;
    return {};
}

Status RawRun::pump_send() {
    blocked_ = needs_input_ = false;
    for (int i = 0; i < batch_max && !blocked_ && !needs_input_; ++i) {
        const Instant now = net::now();
        if (!traffic_->wants_send(now))
            break;
        if (Status taken = take_message(now); !taken)
            return taken;
        if (!pending_)
            break;
        if (Status sent = send_pending(now); !sent)
            return sent;
    }
    return {};
}

Status RawRun::show(wire::Frames message) {
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
        pending_ = std::move(message);
    return out_.write(text_);
}

Status RawRun::pump_receive() {
    for (int i = 0; i < batch_max && traffic_->wants_receive() && !out_.closed(); ++i) {
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
    if (!input_ || input_->descriptor() < 0 || needs_input_ == watches_input_)
        return;
    watches_input_ = needs_input_;
    if (watches_input_)
        poller.on_readable(input_->descriptor(), [] {});
    else
        poller.forget(input_->descriptor());
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
        Duration wait = time_left(now, traffic_->next_deadline());
        if (blocked_ && link_->socket().type() == SocketType::xpub)
            wait = std::min(wait, retry_interval);
        if (Status turned = link_->poller().turn(wait); !turned)
            return turned;
    }
    return {};
}

// What a work queue's consumer has already taken in and will not print: it is lost to the others.
void RawRun::note_leftovers() {
    if (verb_.type != SocketType::pull || !flags_.count)
        return;
    std::uint64_t left = 0;
    while (left < flags_.socket.hwm && link_->socket().receive(Duration::zero()))
        ++left;
    if (left > 0)
        terminal_.note(std::to_string(left) +
                       " more messages had already arrived and are dropped; a small --hwm keeps "
                       "them at the sender");
}

void RawRun::note_unheard() {
    if (unheard_ > 0)
        terminal_.note(std::to_string(unheard_) + " of " + std::to_string(traffic_->sent_total()) +
                       " messages had no subscriber (--wait-peers 1 waits for one)");
}

Result<ExitCode> RawRun::finish(Status ended) {
    Status written = out_.flush();
    if (ended && !written)
        ended = written;
    note_leftovers();
    note_unheard();
    ExitCode code = end_ ? end_->code : ExitCode::ok;
    if (end_ && !end_->why.empty())
        terminal_.error(end_->why);
    const bool hopeless = code == ExitCode::not_flushed || code == ExitCode::nothing ||
                          (!ended && ended.error().code == Errc::refused);
    if (verb_.flow != Flow::in && !hopeless) {
        const ExitCode flushed = link_->flush(flags_.socket.linger);
        code = code == ExitCode::ok ? flushed : code;
    }
    if (unroutable_ > 0 && code == ExitCode::ok)
        code = ExitCode::not_flushed;
    if (!ended)
        return fail(ended.error());
    return code;
}

Result<ExitCode> RawRun::run() {
    return finish(loop());
}

} // namespace

Result<ExitCode> run_raw(const RawVerb& verb, const RawFlags& flags, Terminal& terminal) {
    RawRun run{verb, flags, terminal};
    if (Status prepared = run.prepare(); !prepared)
        return fail(prepared.error());
    return run.run();
}

} // namespace flotilla::cli
