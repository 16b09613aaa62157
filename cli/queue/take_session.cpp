// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/queue/take_session.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <utility>
#include <variant>

namespace flotilla::cli {

namespace leased = queue::leased;
using queue::Asked;

namespace {

constexpr std::uint64_t acks_max = 256; // that wait for company

} // namespace

// The window counts what is held, so it shrinks towards the end of what is wanted.
std::uint32_t TakeSession::window() const noexcept {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(size_.wanted, size_.window));
}

void TakeSession::done(leased::LeaseToken lease) noexcept {
    const auto at = std::find(given_.begin(), given_.end(), lease.number);
    if (at != given_.end()) // the first, mostly
        given_.erase(at);
    if (size_.wanted != UINT64_MAX)
        --size_.wanted;
}

Result<TakeSession> TakeSession::open(StoreLink& link, const std::string& queue, Size size) {
    TakeSession session(link);
    session.size_ = size;
    leased::Hello hello;
    hello.worker = "zmq queue take";
    hello.queue = queue;
    hello.packed = true;
    hello.compress = leased::Compressions::available();
    hello.credit = session.window();
    auto ok = link.ask_for<leased::Ok>(leased::Command{std::move(hello)}, Asked::leased);
    if (!ok)
        return fail(ok.error());
    if (!ok->terms)
        return fail(Errc::malformed, "the store gave a session without terms");
    session.terms_ = *ok->terms;
    session.renew_at_ = net::now() + session.terms_.heartbeat;
    return session;
}

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
        return fail(Errc::refused, "the store is stopping");
    }
    return {};
}

Result<std::optional<Taken>> TakeSession::next(Duration wait) {
    const Instant deadline = deadline_after(net::now(), wait);
    bool has_asked = wait == Duration::zero();
    while (held_.empty()) {
        if (Status settled = settle(); !settled)
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
        if (const auto pong = link_->ask(leased::Command{leased::Ping{window()}}, Asked::leased);
            !pong)
            return fail(pong.error());
    return {};
}

void TakeSession::ack(leased::LeaseToken lease) {
    acked_.epoch = lease.epoch;
    acked_.add(lease.number);
    ++acks_;
    done(lease);
}

Status TakeSession::nack(const Taken& message, Duration delay, const std::string& reason) {
    leased::Nack nack;
    nack.leases.epoch = message.lease.epoch;
    nack.leases.add(message.lease.number);
    nack.delay = delay;
    nack.reason = reason.substr(0, leased::limits::name_bytes_max);
    done(message.lease);
    if (size_.wanted < size_.window) // before it is free to be taken again
        if (Status told = link_->tell(leased::Command{leased::Credit{window()}}); !told)
            return told;
    const auto ok = link_->ask(leased::Command{std::move(nack)}, Asked::leased);
    return ok ? Status{} : fail(ok.error());
}

Status TakeSession::settle() {
    if (acks_ == 0)
        return {};
    acks_ = 0;
    if (size_.wanted < size_.window)
        if (Status told = link_->tell(leased::Command{leased::Credit{window()}}); !told)
            return told;
    const auto ok =
        link_->ask(leased::Command{leased::Ack{std::exchange(acked_, {})}}, Asked::leased);
    return ok ? Status{} : fail(ok.error());
}

Status TakeSession::renew() {
    if (acks_ >= acks_max)
        if (Status settled = settle(); !settled)
            return settled;
    const Instant now = net::now();
    if (now < renew_at_)
        return {};
    renew_at_ = now + std::min(terms_.heartbeat, terms_.lease / 3);
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
    const auto left = link_->ask(leased::Command{leased::Bye{}}, Asked::leased);
    if (!settled)
        return settled;
    return left ? Status{} : fail(left.error());
}

} // namespace flotilla::cli
