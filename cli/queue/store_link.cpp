// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>

#include <cli/queue/store_link.hpp>
#include <cli/refused_key.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace flotilla::cli {

namespace leased = queue::leased;

namespace {
constexpr std::size_t unasked_max = 100'000; // no credit is larger
constexpr Duration first_try = 500ms;
} // namespace

Error refusal(leased::ErrorCode code, const std::string& text) {
    const Errc errc = code == leased::ErrorCode::lease_lost ? Errc::lease_lost : Errc::refused;
    return Error{errc, std::string(name(code)) + (text.empty() ? "" : ": " + text)};
}

ConnectionTold told_to(Terminal& terminal) {
    if (terminal.verbosity() != Verbosity::verbose)
        return {};
    return [&terminal](const std::string& sentence) { terminal.detail(sentence); };
}

std::string no_answer(const StoreFlags& flags, const ConnectionHint& hint) {
    const bool is_other = hint.endpoint() != flags.stores.front();
    std::string why = hint.text().empty() ? "" : ": " + (is_other ? hint.sentence() : hint.text());
    if (why.empty() && hint.is_connected())
        why = ": somebody is there, and says nothing";
    return "no store answers at " + flags.stores.front() + " within " +
           format_duration(flags.timeout) + why +
           "; this says more: " + doctor_line(flags.stores.front(), flags.security);
}

Result<StoreLink> StoreLink::open_one(const StorePlan& plan, const net::Endpoint& endpoint,
                                      Duration wait, const std::string& name,
                                      const ConnectionTold& told, ConnectionHint& hint) {
    StoreLink link;
    link.hint_ = &hint;
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    link.context_ = std::make_unique<net::Context>(std::move(*context));
    net::SocketOptions options;
    options.frame_bytes_max = plan.message_bytes_max + (64 << 10);
    options.message_bytes_max = plan.message_bytes_max + (64 << 10);
    options.security = plan.security;
    options.reconnect_max = 500ms;
    options.routing_id = name;
    auto socket = net::Socket::open(*link.context_, net::SocketType::dealer, std::move(options));
    if (!socket)
        return fail(socket.error());
    link.socket_.emplace(std::move(*socket));
    auto monitor = net::Monitor::open(*link.socket_);
    if (!monitor)
        return fail(monitor.error());
    link.monitor_.emplace(std::move(*monitor));
    link.told_ = told;
    if (told)
        told("connecting to " + endpoint.text());
    if (Status connected = link.socket_->connect(endpoint); !connected)
        return fail(explained(connected.error()));
    link.endpoint_ = endpoint.text();
    link.timeout_ = wait;
    // Any answer shows that it is there; without a session it is an error.
    auto heard = link.ask(leased::Command{leased::Ping{}}, queue::Asked::leased);
    link.hear_connections(); // what came before the answer says nothing about what comes now
    link.hint_ = nullptr;
    if (!heard && heard.error().code == Errc::timeout && !link.denied_.empty())
        return fail(Errc::not_allowed, std::move(link.denied_));
    if (!heard && heard.error().code != Errc::refused)
        return fail(heard.error());
    if (link.refused_with() == leased::ErrorCode::wrong_peer)
        return fail(Errc::refused, endpoint.text() + ": " + heard.error().detail);
    link.timeout_ = plan.timeout;
    return link;
}

Result<StoreLink> StoreLink::open(const StoreFlags& flags, ConnectionTold told,
                                  const std::string& name) {
    auto plan = make_store_plan(flags);
    if (!plan)
        return fail(plan.error());
    const Duration each = plan->timeout / static_cast<std::int64_t>(plan->stores.size());
    Result<StoreLink> link = fail(Errc::timeout);
    const auto ended = [&link](Errc code) { return !link && link.error().code == code; };
    ConnectionHint hint;
    std::string strangers; // who is where a store should be
    for (const net::Endpoint& endpoint : plan->stores) {
        // A name is refused in silence while the store has not seen its last connection end, and
        // what is asked of a store that stops at that moment is lost: it is asked again, each time
        // with more patience, because the way may be slow.
        const Instant begun = net::now();
        const Instant deadline = deadline_after(begun, each);
        Duration patience = first_try;
        std::string denied; // by a try; another may only have been hung up on
        do {
            link = open_one(*plan, endpoint, std::min(patience, time_left(net::now(), deadline)),
                            name, told, hint);
            patience *= 2;
            if (ended(Errc::not_allowed))
                denied = link.error().detail;
        } while (net::now() < deadline && (ended(Errc::timeout) || ended(Errc::not_allowed)) &&
                 (denied.empty() || net::now() - begun < RefusedKey::list_read_max));
        if (ended(Errc::timeout) && !denied.empty())
            link = fail(Errc::not_allowed, denied);
        if (ended(Errc::refused) || ended(Errc::not_allowed))
            strangers += (strangers.empty() ? "" : "; ") + link.error().detail;
        else if (!ended(Errc::timeout))
            break;
    }
    if (ended(Errc::timeout))
        return fail(Errc::timeout,
                    (strangers.empty() ? "" : strangers + "; ") + no_answer(flags, hint));
    if (ended(Errc::refused) || ended(Errc::not_allowed))
        return fail(link.error().code, strangers);
    if (link) {
        // For the last word; nobody waits for a store that never answered.
        if (Status lingers = link->socket_->set_linger(1s); !lingers)
            return fail(lingers.error());
        link->flags_ = flags;
        link->name_ = name;
    }
    return link;
}

Status StoreLink::reopen() {
    if (socket_)
        (void)socket_->set_linger(Duration::zero());
    // A name is not let in twice; and a context waits for its sockets.
    monitor_.reset();
    socket_.reset();
    context_.reset();
    auto again = open(flags_, told_, name_);
    if (!again)
        return fail(again.error());
    again->on_signal_ = on_signal_;
    *this = std::move(*again);
    return {};
}

void StoreLink::hear_connections() {
    while (const auto event = monitor_->next()) {
        if (told_)
            told_(net::explain(*event));
        using Kind = net::ConnectionEvent::Kind;
        if (!hint_) {
            is_lost_ = is_lost_ || event->kind == Kind::disconnected;
            continue;
        }
        hint_->hear(*event);
        if (RefusedKey::is_refusal(*event))
            denied_ = net::explain(*event);
    }
}

Status StoreLink::stopped() const {
    if (signal_caught() != 0 && on_signal_ == OnSignal::stop)
        return fail(Errc::stopped, "ended by a signal");
    return {};
}

Status StoreLink::present() const {
    if (socket_ && !is_lost_)
        return {};
    return fail(Errc::no_peer, "the connection to the store has ended");
}

Status StoreLink::pause(Duration wait) {
    net::Poller poller;
    poller.on_readable(signal_descriptor(), [] {});
    if (Status turned = poller.turn(wait); !turned)
        return turned;
    return signal_caught() != 0 ? fail(Errc::stopped, "ended by a signal") : Status{};
}

// False: the time is over. Errors: stopped, by a signal.
Result<bool> StoreLink::wait_input(Instant deadline) {
    if (Status go_on = stopped(); !go_on)
        return fail(go_on.error());
    if (socket_->readable())
        return true;
    net::Poller poller;
    poller.on_readable(*socket_, [] {});
    if (on_signal_ == OnSignal::stop)
        poller.on_readable(signal_descriptor(), [] {});
    poller.on_readable(monitor_->socket(), [] {});
    hear_connections();
    if (Status turned = poller.turn(time_left(net::now(), deadline)); !turned)
        return fail(turned.error());
    hear_connections();
    if (Status go_on = stopped(); !go_on)
        return fail(go_on.error());
    return socket_->readable() || net::now() < deadline;
}

// The next event: the answer with this correlation; what else comes waits in unasked_, unless
// nothing was asked.
Result<std::optional<queue::Event>> StoreLink::receive(queue::Asked asked, Duration wait,
                                                       const std::string& correlation) {
    const Instant deadline = deadline_after(net::now(), wait);
    for (;;) {
        if (!socket_)
            return fail(present().error());
        auto message = socket_->receive(Duration::zero());
        if (!message) {
            if (message.error().code != Errc::would_block)
                return fail(message.error());
            if (Status here = present(); !here) // and what it had said is heard
                return fail(here.error());
            auto more = wait_input(deadline);
            if (!more)
                return fail(more.error());
            if (!*more)
                return std::optional<queue::Event>{};
            continue;
        }
        auto head = leased::read_head(*message, 0);
        if (!head)
            return fail(Errc::malformed, "no store is there: " + head.error().detail);
        const bool is_answer = head->envelope.correlation == correlation;
        auto event = read_event(*head, is_answer ? asked : queue::Asked::leased, *message);
        if (!event)
            return fail(event.error());
        if (const auto* said = std::get_if<leased::Event>(&*event);
            said && std::holds_alternative<leased::Ping>(*said)) {
            if (Status told = tell(leased::Command{leased::Pong{}}); !told)
                return fail(told.error());
            continue;
        }
        if (is_answer)
            return std::optional{std::move(*event)};
        if (head->envelope.correlation.empty() && unasked_.size() < unasked_max)
            unasked_.push_back(std::move(*event));
    }
}

Result<queue::Event> StoreLink::ask(const queue::Command& command, queue::Asked asked,
                                    Duration wait) {
    refused_with_.reset();
    if (Status here = present(); !here)
        return fail(here.error());
    wire::Frames message;
    write({false, std::to_string(++asked_)}, command, message);
    if (Status sent = socket_->send(message, timeout_); !sent)
        return fail(sent.error());
    return answer(asked, timeout_ + wait);
}

Result<queue::Event> StoreLink::answer(queue::Asked asked, Duration wait) {
    const auto refused = [this](leased::ErrorCode code, const std::string& text) {
        refused_with_ = code;
        return fail(refusal(code, text));
    };
    auto event = receive(asked, wait, std::to_string(asked_));
    if (!event)
        return fail(event.error());
    if (!*event)
        return fail(Errc::timeout, "the store at " + endpoint_ + " did not answer within " +
                                       format_duration(wait));
    if (const auto* put = std::get_if<queue::PutRefused>(&**event))
        return refused(put->code, put->text);
    if (const auto* said = std::get_if<leased::Event>(&**event))
        if (const auto* error = std::get_if<leased::ErrorReply>(said))
            return refused(error->code, error->text);
    return std::move(**event);
}

Status StoreLink::tell(const queue::Command& command) {
    if (Status here = present(); !here)
        return here;
    wire::Frames message;
    write({}, command, message);
    return socket_->send(message, timeout_);
}

Result<std::optional<queue::Event>> StoreLink::hear(Duration wait) {
    if (!unasked_.empty()) {
        std::optional event{std::move(unasked_.front())};
        unasked_.pop_front();
        return event;
    }
    auto event = receive(queue::Asked::leased, wait, {});
    if (!event || !*event)
        return event;
    if (const auto* said = std::get_if<leased::Event>(&**event))
        if (const auto* error = std::get_if<leased::ErrorReply>(said)) {
            refused_with_ = error->code;
            return fail(refusal(error->code, error->text));
        }
    return event;
}

} // namespace flotilla::cli
