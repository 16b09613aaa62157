// SPDX-License-Identifier: Apache-2.0
//
// ClientMachine's other half: which broker is spoken to, in what dialect, over which links.
#include <flotilla/base/check.hpp>
#include <flotilla/request/client_machine.hpp>
#include <flotilla/wire/foreign.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::request {

namespace {

constexpr std::uint32_t silences_max = 2; // of an RFC broker, before its dialect is asked again

// A broker that speaks only 0.1 does not answer 0.2: it is asked in 0.1 as well after this. The
// first answer counts, so being early costs a connection and nothing else.
constexpr Duration ask_01_after = 250ms;

} // namespace

// ---- links -------------------------------------------------------------------------------------

ClientMachine::Links::iterator ClientMachine::open(Link link, ClientOutputs& out) {
    const LinkId id{++last_link_};
    const bool watched = link.use != Link::Use::busy || brokers_.size() > 1;
    out.acts.push_back(ClientOutputs::Open{id, link.broker, watched});
    ++counters_.connects_total;
    return links_.emplace(id, std::move(link)).first;
}

void ClientMachine::close(Links::iterator link, ClientOutputs& out) {
    out.acts.push_back(ClientOutputs::Close{link->first});
    if (link->second.use == Link::Use::idle)
        idle_.erase(std::find(idle_.begin(), idle_.end(), link->first));
    if (shared_ == link->first)
        shared_.reset();
    links_.erase(link);
}

void ClientMachine::detach(ClientCall& call, Left how, ClientOutputs& out) {
    if (!call.link)
        return;
    const auto link = links_.find(*std::exchange(call.link, std::nullopt));
    FLOTILLA_CHECK(link != links_.end(), "a call on a link that is closed");
    Link& at = link->second;
    if (at.use == Link::Use::shared) {
        if (--at.calls == 0 && at.draining)
            close(link, out);
        return;
    }
    at.call.reset();
    if (how == Left::unanswered || at.broker != broker_ || state_ != State::ready)
        return close(link, out);
    at.use = Link::Use::idle;
    idle_.push_back(link->first);
}

ClientMachine::Links::iterator ClientMachine::link_for_call(Instant now, ClientOutputs& out) {
    if (state_ == State::closed && retry_at_ <= now)
        connect(now, out);
    if (state_ != State::ready)
        return links_.end();
    const Dialect dialect = *brokers_[broker_].dialect;
    if (dialect == Dialect::flotilla) {
        if (!shared_)
            shared_ = open({Link::Use::shared, broker_, dialect}, out)->first;
        return links_.find(*shared_);
    }
    if (!idle_.empty())
        return links_.find(idle_.back());
    if (links_.size() >= options_.connections_max)
        return links_.end();
    return open({Link::Use::busy, broker_, dialect}, out);
}

// The transport made another connection: what was on its way over the old one is lost.
void ClientMachine::connection_made(LinkId id, Instant now, ClientOutputs& out) {
    const auto link = links_.find(id);
    if (link == links_.end())
        return;
    brokers_[link->second.broker].trouble.clear();
    if (++link->second.connections == 1)
        return;
    Link& at = link->second;
    if (at.use == Link::Use::asking) {
        ask(at.dialect, now, out);
    } else if (at.use == Link::Use::shared && at.draining) {
        // The broker that wanted to answer these is gone; whoever is there knows nothing of them.
        lose(link, out);
        send_waiting(now, out);
    } else if (at.use == Link::Use::shared) {
        for (const CallId number : calls_.on(id)) {
            ClientCall& call = *calls_.find(number);
            call.reminders = 0;
            call.partials.moved();
            if (may_send(call))
                send(call, link, now, out);
        }
    } else if (at.call) {
        ClientCall& call = *calls_.find(*at.call);
        if (call.state == ClientCall::State::sent)
            attempt_over(call, now, out);
    }
}

void ClientMachine::connection_refused(LinkId id, Instant now, ClientOutputs& out) {
    const auto link = links_.find(id);
    if (link == links_.end())
        return;
    note_trouble(link->second.broker, "nobody listens there");
    if (brokers_.size() == 1)
        return;
    const std::size_t broker = link->second.broker;
    if (!options_.dialect)
        brokers_[broker].dialect.reset(); // who comes there next may be another
    if (link->second.use != Link::Use::asking)
        lose(link, out);
    if (broker == broker_ && state_ != State::closed)
        leave(now, out);
}

void ClientMachine::link_failed(LinkId id, Instant now, ClientOutputs& out) {
    const auto link = links_.find(id);
    if (link == links_.end())
        return;
    const bool at_hand = link->second.use == Link::Use::asking || shared_ == id;
    const auto call = link->second.call;
    lose(link, out);
    if (at_hand)
        leave(now, out);
    if (!call)
        return;
    // No descriptors or sockets left, say: not again at once.
    ClientCall& unsent = *calls_.find(*call);
    if (unsent.state == ClientCall::State::waiting) {
        calls_.set_state(unsent, ClientCall::State::pausing);
        calls_.set_next(unsent, deadline_after(now, pause(unsent.attempts)));
    }
}

// Its calls look for another link.
void ClientMachine::lose(Links::iterator link, ClientOutputs& out) {
    const LinkId id = link->first;
    for (const CallId number : calls_.on(id)) {
        ClientCall& call = *calls_.find(number);
        call.link.reset();
        put_back(call);
    }
    close(link, out);
}

// ---- brokers -----------------------------------------------------------------------------------

std::optional<Dialect> ClientMachine::dialect() const noexcept {
    return brokers_[broker_].dialect;
}

Duration ClientMachine::pause(std::uint32_t failures) {
    const Duration doubled = options_.reconnect_min * (std::int64_t{1} << std::min(failures, 20U));
    return random_.jitter(std::min(doubled, options_.reconnect_max), 0.25);
}

void ClientMachine::connect(Instant now, ClientOutputs& out) {
    Broker& broker = brokers_[broker_];
    broker.owed_since.reset();
    if (broker.dialect) {
        state_ = State::ready;
        return;
    }
    state_ = State::asking;
    asked_until_ = deadline_after(now, std::min(options_.attempt_max, options_.broker_silence_max));
    ask_01_at_ = std::min(deadline_after(now, ask_01_after), now + (asked_until_ - now) / 2);
    open({Link::Use::asking, broker_, Dialect::mdp_02}, out);
    ask(Dialect::mdp_02, now, out);
}

void ClientMachine::ask(Dialect form, Instant now, ClientOutputs& out) {
    for (auto& [id, link] : links_) {
        if (link.use != Link::Use::asking || link.dialect != form)
            continue;
        Message message;
        message.dialect = form;
        message.verb = Verb::request;
        message.service = Blob::copy(mmi_flotilla);
        message.body.add(ByteView{});
        out.acts.push_back(ClientOutputs::Send{id, std::move(message)});
    }
    owe(broker_, now);
}

// 200 is yes; anything else, 501 by the RFC, is the no of a broker that speaks what it was asked
// in.
void ClientMachine::decide(Links::iterator link, Message&& message, Instant now,
                           ClientOutputs& out) {
    Link& at = link->second;
    if (message.verb != Verb::final || message.dialect != at.dialect ||
        message.service != mmi_flotilla)
        return receive_unexpected();
    if (message.body[0] == wire::not_a_broker_status)
        return not_a_broker(
            at.broker, message.body.size() > 1 ? message.body[1].view() : ByteView{}, now, out);
    heard_at_ = now;
    brokers_[at.broker].owed_since.reset();
    brokers_[at.broker].wrong.clear();
    const bool yes = message.body[0] == ByteView{"200"};
    at.dialect = yes ? Dialect::flotilla : at.dialect;
    at.use = yes ? Link::Use::shared : Link::Use::idle;
    brokers_[at.broker].dialect = at.dialect;
    state_ = State::ready;
    if (yes)
        shared_ = link->first;
    else
        idle_.push_back(link->first);
    for (auto other = links_.begin(); other != links_.end();) {
        const auto each = other++;
        if (each->second.use == Link::Use::asking)
            close(each, out);
    }
}

void ClientMachine::heard(const Link& link, Instant now) {
    Broker& broker = brokers_[link.broker];
    broker.owed_since.reset();
    broker.silences = 0;
    broker.wrong.clear();
    heard_at_ = now;
    if (link.broker == broker_ && !link.draining)
        failures_ = 0;
}

void ClientMachine::owe(std::size_t broker, Instant now) {
    if (!brokers_[broker].owed_since)
        brokers_[broker].owed_since = now;
}

void ClientMachine::leave(Instant now, ClientOutputs& out) {
    state_ = State::closed;
    retry_at_ = deadline_after(now, pause(failures_++));
    while (!idle_.empty())
        close(links_.find(idle_.back()), out);
    for (auto other = links_.begin(); other != links_.end();) {
        const auto each = other++;
        if (each->second.use == Link::Use::asking)
            close(each, out);
    }
    shared_.reset();
    broker_ = (broker_ + 1) % brokers_.size();
    if (brokers_.size() > 1)
        ++counters_.failovers_total;
}

// An RFC broker may only have slow workers, so what it speaks is not forgotten at once.
void ClientMachine::note_silence(std::size_t index, Instant now, ClientOutputs& out) {
    Broker& broker = brokers_[index];
    ++broker.silences;
    broker.owed_since.reset();
    if (!options_.dialect &&
        (broker.dialect == Dialect::flotilla || broker.silences >= silences_max))
        broker.dialect.reset();
    if (index == broker_ && state_ == State::ready)
        leave(now, out);
}

std::string ClientMachine::wrong_text() const {
    std::string all;
    for (std::size_t i = 0; i < brokers_.size(); ++i)
        if (!brokers_[i].wrong.empty())
            all +=
                (all.empty() ? "" : "; ") + options_.brokers[i].text() + ": " + brokers_[i].wrong;
    return all;
}

bool ClientMachine::has_trouble() const {
    return std::any_of(brokers_.begin(), brokers_.end(), [](const Broker& each) {
        return !each.trouble.empty() || !each.wrong.empty();
    });
}

// Who was asked, and what is known of why nobody answered.
std::string ClientMachine::silent_text() const {
    std::string all;
    for (std::size_t i = 0; i < brokers_.size(); ++i) {
        const Broker& broker = brokers_[i];
        const std::string& why = broker.wrong.empty() ? broker.trouble : broker.wrong;
        all += (all.empty() ? "" : "; ") + options_.brokers[i].text();
        all += why.empty() ? "" : ": " + why;
    }
    return all;
}

void ClientMachine::connection_trouble(LinkId id, std::string text) {
    if (const auto link = links_.find(id); link != links_.end())
        brokers_[link->second.broker].trouble = std::move(text);
}

void ClientMachine::connection_ended(LinkId id) {
    if (const auto link = links_.find(id); link != links_.end())
        note_trouble(link->second.broker, "it ended the connection");
}

void ClientMachine::note_trouble(std::size_t broker, const char* text) {
    if (brokers_[broker].trouble.empty())
        brokers_[broker].trouble = text;
}

void ClientMachine::not_a_broker(std::size_t index, std::string_view text, Instant now,
                                 ClientOutputs& out) {
    Broker& broker = brokers_[index];
    broker.wrong =
        text.empty() ? "no broker is there" : std::string(text.substr(0, limits::text_bytes_max));
    broker.owed_since.reset();
    if (!options_.dialect)
        broker.dialect.reset();
    for (auto next = links_.begin(); next != links_.end();) {
        const auto link = next++;
        if (link->second.broker == index && link->second.use == Link::Use::shared)
            lose(link, out);
    }
    if (index == broker_ && state_ != State::closed)
        leave(now, out);
    if (std::any_of(brokers_.begin(), brokers_.end(),
                    [](const Broker& each) { return each.wrong.empty(); }))
        return;
    for (const CallId number : calls_.all()) {
        ++counters_.refused_total;
        end(number, fail(Errc::refused, "wrong_peer: " + wrong_text()), out);
    }
}

// It takes nothing more; what it has taken it still answers, over this link.
void ClientMachine::drain(Links::iterator link, Instant now, ClientOutputs& out) {
    if (link->second.draining)
        return;
    link->second.draining = true;
    if (shared_ == link->first)
        leave(now, out);
}

// Flotilla dialect: is the broker there, while somebody waits for it?
void ClientMachine::watch(Instant now, ClientOutputs& out) {
    watch_at_ = never;
    std::optional<std::size_t> silent;
    for (auto next = links_.begin(); next != links_.end();) {
        const auto link = next++;
        Link& at = link->second;
        if (at.use != Link::Use::shared || at.calls == 0)
            continue;
        const auto& owed = brokers_[at.broker].owed_since;
        if (silent == at.broker ||
            (owed && deadline_after(*owed, options_.broker_silence_max) <= now)) {
            silent = at.broker;
            const bool at_hand = shared_ == link->first;
            lose(link, out);
            if (at_hand)
                note_silence(*silent, now, out);
            continue;
        }
        if (at.ping_at <= now) {
            Message ping;
            ping.verb = Verb::ping;
            out.acts.push_back(ClientOutputs::Send{link->first, std::move(ping)});
            owe(at.broker, now);
            at.ping_at = deadline_after(now, options_.broker_silence_max / 3);
        }
        watch_at_ = std::min(watch_at_, at.ping_at);
        if (owed)
            watch_at_ = std::min(watch_at_, deadline_after(*owed, options_.broker_silence_max));
    }
}

} // namespace flotilla::request
