// SPDX-License-Identifier: Apache-2.0
#include "broker_sender.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/codec.hpp>

#include <utility>

namespace flotilla::request {

using net::PeerBacklogs;
using Unreachable = BrokerMachine::Unreachable;

namespace {

constexpr std::uint32_t backlogs_max = 10'000; // peers that do not read

// Of the requests to a worker in something that was written for the socket.
void add_tokens_of(wire::Frames&& written, std::vector<Blob>& tokens) {
    const auto add = [&tokens](Result<Message>&& message) {
        if (message && message->verb == Verb::request && !message->address.empty())
            tokens.push_back(std::move(message->address));
    };
    wire::Frames frames;
    for (std::size_t i = 1; i < written.size(); ++i)
        frames.add(std::move(written[i]));
    if (!PackReader::is_pack(frames))
        return add(read_at_worker(frames));
    PackReader pack(std::move(frames), PackReader::At::worker);
    while (auto message = pack.next())
        add(std::move(*message));
}

// What is noted of a message that was taken.
constexpr std::uint32_t of_worker = 1; // for its worker side
constexpr std::uint32_t work = 2;      // a request to a worker,
constexpr std::uint32_t packable = 4;  // which may go in a pack

std::uint32_t tags_of(const Message& message) {
    if (message.side == Side::client)
        return 0;
    if (message.verb != Verb::request)
        return of_worker;
    return of_worker | work | (message.packs && PackWriter::takes(message) ? packable : 0U);
}

Side side_of(std::uint32_t tag) {
    return (tag & of_worker) != 0 ? Side::worker : Side::client;
}

} // namespace

BrokerSender::BrokerSender(net::Socket& router, BrokerMachine& machine,
                           std::optional<BrokerHops>& hops, const BrokerOptions& options)
    : router_(router), machine_(machine), hops_(hops),
      backlogs_(options.backlog_messages_max, options.backlog_bytes_max, backlogs_max,
                options.backlogs_bytes_max) {
    backlogs_.on_dropped = [this](wire::Frames&& message) {
        add_tokens_of(std::move(message), unseen_);
    };
}

void BrokerSender::forget(std::string_view peer) {
    backlogs_.forget(peer);
    unseen_.clear(); // these were given back when the worker ended
}

void BrokerSender::retry(Instant now, BrokerOutputs& out) {
    if (now - tried_ < backlogs_.retry_in())
        return;
    tried_ = now;
    backlogs_.retry(router_, [&](const std::string& peer) {
        machine_.unreachable(peer, machine_.is_worker(peer) ? Side::worker : Side::client,
                             Unreachable::gone, now, out);
        give_unseen(out);
    });
}

void BrokerSender::take(std::vector<BrokerOutputs::Send>& sends) {
    for (BrokerOutputs::Send& each : sends) {
        if (hops_)
            hops_->leaves(each.message, net::wall_now());
        const std::uint32_t tag = tags_of(each.message);
        // All of what goes in a pack is copied there.
        staged_.begin(each.peer, tag,
                      (tag & packable) != 0 ? PackWriter::body_bytes_max
                                            : wire::StagedMessages::copied_bytes_max);
        write(std::move(each.message), staged_);
    }
    sends.clear();
}

// Peer by peer, each one's in order: what stands together leaves together.
void BrokerSender::send_all(BrokerOutputs& out) {
    for (std::span<const std::uint32_t> turns = staged_.by_peer(); !turns.empty();) {
        std::size_t sent = send_pack(turns, out);
        if (sent == 0) {
            send(turns.front(), out);
            sent = 1;
        }
        turns = turns.subspan(sent);
    }
    give_unseen(out);
    staged_.clear();
}

// After all that was decided for one worker, so that the requests among it go back in order.
void BrokerSender::give_unseen(BrokerOutputs& out) {
    if (!unseen_.empty())
        machine_.undelivered(unseen_, net::now(), out);
    unseen_.clear();
    unseen_by_.clear();
}

// Requests for one worker at the front, two or more, as many as fit. How many these were.
std::size_t BrokerSender::send_pack(std::span<const std::uint32_t> turns, BrokerOutputs& out) {
    if ((staged_.tag(turns.front()) & packable) == 0)
        return 0;
    const ByteView peer = staged_.peer(turns.front());
    const auto goes_along = [&](std::size_t i) {
        return (staged_.tag(turns[i]) & packable) != 0 && staged_.peer(turns[i]) == peer;
    };
    if (turns.size() < 2 || !goes_along(1) || unseen_by_ == peer)
        return 0;
    if (!unseen_by_.empty())
        give_unseen(out);
    std::size_t count = 0;
    for (; count < turns.size() && pack_.has_room() && goes_along(count); ++count) {
        const wire::StagedMessages::Message each = staged_[turns[count]];
        FLOTILLA_CHECK(each.large.empty(), "a pack without some of its frames");
        ByteView rest = each.small;
        wire::StagedMessages::next(rest); // the peer,
        wire::StagedMessages::next(rest); // and the header
        pack_.add(rest, each.count - 2);
    }
    wire::Frames& frames = outgoing_;
    frames.clear();
    frames.add(peer);
    pack_.finish(frames);
    not_sent(backlogs_.send(router_, std::move(frames)), peer, Side::worker, turns.first(count),
             out);
    return count;
}

void BrokerSender::send(std::size_t at, BrokerOutputs& out) {
    const ByteView peer = staged_.peer(at);
    const std::uint32_t tag = staged_.tag(at);
    if (!unseen_by_.empty() && unseen_by_ != peer)
        give_unseen(out);
    const auto what = static_cast<std::uint32_t>(at);
    if ((tag & work) != 0 && unseen_by_ == peer)
        return add_tokens(at);
    const PeerBacklogs::Sent sent = backlogs_.send(router_, staged_, at);
    if (sent != PeerBacklogs::Sent::yes)
        not_sent(sent, peer, side_of(tag), {&what, 1}, out);
}

// `what` was not sent.
void BrokerSender::not_sent(PeerBacklogs::Sent sent, std::string_view peer, Side side,
                            std::span<const std::uint32_t> what, BrokerOutputs& out) {
    if (sent == PeerBacklogs::Sent::yes || sent == PeerBacklogs::Sent::stopped)
        return; // the next read says that it is stopped
    const bool slow = sent == PeerBacklogs::Sent::too_slow;
    const Unreachable why = slow ? Unreachable::too_slow : Unreachable::gone;
    too_slow_total_ += slow ? 1 : 0;
    machine_.unreachable(peer, side, why, net::now(), out);
    if (side == Side::client && machine_.is_worker(peer)) // it is both
        machine_.unreachable(peer, Side::worker, why, net::now(), out);
    for (const std::uint32_t at : what)
        if (!slow && (staged_.tag(at) & work) != 0) // else it is among what was dropped
            add_tokens(at);
    unseen_by_ = peer;
}

void BrokerSender::add_tokens(std::size_t at) {
    const std::size_t before = unseen_.size();
    add_tokens_of(staged_.frames(at), unseen_);
    FLOTILLA_CHECK(unseen_.size() == before + 1, "a request to a worker lost its token");
}

} // namespace flotilla::request
