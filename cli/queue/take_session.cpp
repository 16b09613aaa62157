// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/queue/take_session.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

namespace flotilla::cli {

namespace leased = queue::leased;

namespace {

constexpr std::uint64_t acks_max = 256; // that wait for company

} // namespace

// The window counts what is held, so it shrinks towards the end of what is wanted.
std::uint32_t TakeSession::window() const noexcept {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(size_.wanted, size_.window));
}

// Ends that it is with next()'s caller.
Status TakeSession::take_out(leased::LeaseToken lease) {
    const auto at = std::find(given_.begin(), given_.end(), lease.number); // the first, mostly
    if (lease.epoch != terms_.epoch || at == given_.end())
        return fail(Errc::lease_lost, "the store has forgotten who held it");
    given_.erase(at);
    if (size_.wanted != UINT64_MAX)
        --size_.wanted;
    return {};
}

// ---- with the store ----------------------------------------------------------------------------

Result<TakeSession> TakeSession::open(StoreLink& link, const std::string& queue, Size size,
                                      StoreReturn* store) {
    TakeSession session(link, queue, size, store);
    Status greeted = session.greet();
    // A right that this hello did not have is none that was taken away from a session.
    const bool is_final = link.refused_with() == leased::ErrorCode::not_allowed;
    if (!greeted && !is_final && session.may_come_back(greeted.error()))
        greeted = session.come_back(greeted.error());
    if (!greeted)
        return fail(greeted.error());
    return session;
}

// Goes on with the session there was, if the store still has it.
Status TakeSession::greet() {
    leased::Hello hello;
    hello.worker = "zmq queue take";
    hello.queue = queue_;
    hello.packed = true;
    hello.compress = leased::Compressions::available();
    hello.resume = terms_.session;
    hello.credit = window();
    if (terms_.session != 0)
        hello.held = still_held();
    auto ok = link_->ask_for<leased::Ok>(leased::Command{std::move(hello)}, queue::Asked::leased);
    if (!ok)
        return fail(ok.error());
    if (!ok->terms)
        return fail(Errc::malformed, "the store gave a session without terms");
    const bool is_resumed =
        terms_.session == ok->terms->session && terms_.epoch == ok->terms->epoch;
    terms_ = *ok->terms;
    renew_at_ = net::now() + terms_.heartbeat;
    link_->forget_unasked(); // the hello did not name it
    if (is_resumed)
        return touch_all();
    const std::uint32_t before = window();
    forget();
    return window() == before ? Status{} : link_->tell(leased::Command{leased::Credit{window()}});
}

leased::Held TakeSession::still_held() const {
    std::vector<std::uint64_t> numbers(given_.begin(), given_.end());
    for (const Taken& each : held_)
        numbers.push_back(each.lease.number);
    for (const leased::LeaseRange& range : acked_.ranges)
        for (std::uint32_t i = 0; i < range.count; ++i)
            numbers.push_back(range.first + i);
    return leased::held_of(terms_.epoch, std::move(numbers));
}

// What is held belongs to a session that the store does not have any more.
void TakeSession::forget() {
    held_.clear();
    forgotten_ += given_.size() + acks_;
    if (size_.wanted != UINT64_MAX)
        size_.wanted -= given_.size();
    given_.clear();
    acked_ = {};
    acks_ = 0;
}

bool TakeSession::may_come_back(const Error& why) const {
    return store_ != nullptr && store_->is_worth_waiting(*link_, why);
}

Status TakeSession::come_back(const Error& why) {
    Status back = store_->wait(*link_, why, [this] { return greet(); });
    returns_ += back ? 1 : 0;
    return back;
}

// What the store makes of leases. It is asked again when it was away and still has our session.
Status TakeSession::settled(leased::Command command) {
    auto ok = link_->ask(leased::Command{command}, queue::Asked::leased);
    if (!ok && may_come_back(ok.error())) {
        const std::uint64_t session = terms_.session;
        if (Status back = come_back(ok.error()); !back)
            return back;
        if (terms_.session != session)
            return fail(Errc::lease_lost, "the store has forgotten who held it");
        ok = link_->ask(std::move(command), queue::Asked::leased);
    }
    return ok ? Status{} : fail(ok.error());
}

// ---- messages ----------------------------------------------------------------------------------

Status TakeSession::take_in(queue::Event&& event) {
    auto* said = std::get_if<leased::Event>(&event);
    if (!said)
        return {};
    if (auto* one = std::get_if<leased::Deliver>(said)) {
        held_.push_back({one->lease, one->id, one->attempt, one->redelivered, std::move(one->key),
                         std::move(one->body)});
    } else if (auto* many = std::get_if<leased::DeliverPacked>(said)) {
        auto reader = leased::PackedReader::open(std::move(many->packed), expander_);
        if (!reader)
            return fail(reader.error());
        while (auto record = reader->next()) {
            Taken taken{
                {reader->epoch(), record->lease}, record->id, record->attempt, record->redelivered,
                std::string(record->key),         {}};
            for (std::uint16_t i = 0; i < record->frames; ++i)
                taken.body.add(reader->cut(leased::next_frame(record->body)));
            held_.push_back(std::move(taken));
        }
    } else if (std::holds_alternative<leased::Bye>(*said)) {
        return fail(Errc::no_peer, "the store is stopping");
    }
    return {};
}

Result<std::optional<Taken>> TakeSession::next(Duration wait) {
    for (;;) {
        auto message = next_here(wait);
        if (message || !may_come_back(message.error()))
            return message;
        if (Status back = come_back(message.error()); !back)
            return fail(back.error());
    }
}

Result<std::optional<Taken>> TakeSession::next_here(Duration wait) {
    const Instant deadline = deadline_after(net::now(), wait);
    bool has_asked = wait == Duration::zero();
    while (held_.empty()) {
        // What was asked twice may have been done the first time, or else comes again.
        const std::uint64_t returns = returns_;
        if (Status settled = settle();
            !settled && (settled.error().code != Errc::lease_lost || returns == returns_))
            return fail(settled.error());
        const Duration left = time_left(net::now(), deadline);
        const Duration quiet = time_left(net::now(), renew_at_);
        auto event = link_->hear(std::min(left, quiet));
        if (!event)
            return fail(event.error());
        if (*event) {
            if (Status taken = take_in(std::move(**event)); !taken)
                return fail(taken.error());
        } else if (left <= quiet) {
            if (std::exchange(has_asked, true))
                return std::optional<Taken>{};
            if (Status asked = ask_for_all(); !asked)
                return fail(asked.error());
        }
        if (Status renewed = renew(); !renewed)
            return fail(renewed.error());
    }
    std::optional taken{std::move(held_.front())};
    held_.pop_front();
    given_.push_back(taken->lease.number);
    return taken;
}

// A store that is busy is silent too. It answers in order, and gives out what it has after it has
// answered: with the second answer everything is here.
Status TakeSession::ask_for_all() {
    for (int i = 0; i < 2; ++i)
        if (const auto pong =
                link_->ask(leased::Command{leased::Ping{window()}}, queue::Asked::leased);
            !pong)
            return fail(pong.error());
    return {};
}

Status TakeSession::ack(leased::LeaseToken lease) {
    if (Status done = take_out(lease); !done)
        return done;
    acked_.epoch = lease.epoch;
    acked_.add(lease.number);
    ++acks_;
    return {};
}

Status TakeSession::nack(const Taken& message, Duration delay, const std::string& reason) {
    if (Status done = take_out(message.lease); !done)
        return done;
    leased::Nack nack;
    nack.leases.epoch = message.lease.epoch;
    nack.leases.add(message.lease.number);
    nack.delay = delay;
    nack.reason = reason.substr(0, leased::limits::name_bytes_max);
    tell_window(); // before it is free to be taken again
    return settled(std::move(nack));
}

Status TakeSession::settle() {
    if (acks_ == 0)
        return {};
    tell_window();
    Status done = settled(leased::Ack{acked_});
    forgotten_ += done ? 0 : acks_;
    acked_ = {};
    acks_ = 0;
    return done;
}

// A connection that has ended is met by the next question.
void TakeSession::tell_window() {
    if (size_.wanted < size_.window)
        (void)link_->tell(leased::Command{leased::Credit{window()}});
}

Status TakeSession::renew() {
    if (acks_ >= acks_max)
        if (Status settled = settle(); !settled)
            return settled;
    return net::now() < renew_at_ ? Status{} : touch_all();
}

Status TakeSession::touch_all() {
    renew_at_ = net::now() + std::min(terms_.heartbeat, terms_.lease / 3);
    leased::Touch touch;
    touch.leases.epoch = terms_.epoch;
    for (const std::uint64_t each : given_)
        touch.leases.add(each);
    for (const Taken& each : held_)
        touch.leases.add(each.lease.number);
    if (!touch.leases.ranges.empty())
        if (Status told = link_->tell(leased::Command{std::move(touch)}); !told)
            return told;
    return link_->tell(leased::Command{leased::Ping{window()}});
}

Status TakeSession::close() {
    if (signal_caught() != 0) { // whoever asked for an end does not wait for answers
        if (acks_ > 0)
            if (Status told = link_->tell(leased::Command{leased::Ack{acked_}}); !told)
                return told;
        return link_->tell(leased::Command{leased::Bye{}});
    }
    const Status settled = settle();
    // Who holds nothing has no need to hear that it was given back, least of all of a dead store.
    if (held_.empty() && given_.empty()) {
        (void)link_->tell(leased::Command{leased::Bye{}});
        return settled;
    }
    const auto left = link_->ask(leased::Command{leased::Bye{}}, queue::Asked::leased);
    if (!settled)
        return settled;
    return left ? Status{} : fail(left.error());
}

} // namespace flotilla::cli
