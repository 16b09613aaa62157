// SPDX-License-Identifier: Apache-2.0
#include "broker_sender.hpp"

#include <flotilla/net/system.hpp>
#include <flotilla/request/codec.hpp>

#include <iterator>
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

bool may_pack(const BrokerOutputs::Send& send) {
    return send.message.packs && send.message.verb == Verb::request &&
           PackWriter::takes(send.message);
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

// Peer by peer, each one's in order: what stands together leaves together.
void BrokerSender::send_all(std::vector<BrokerOutputs::Send>& sends, BrokerOutputs& out) {
    const std::vector<SendOrder::Turn>& turns = order_.of(sends);
    for (std::size_t i = 0; i < turns.size(); ++i)
        if (!gather(sends, turns, i, out))
            send(std::move(sends[turns[i].at]), out);
    send_pack(out);
    give_unseen(out);
}

// After all that was decided for one worker, so that the requests among it go back in order.
void BrokerSender::give_unseen(BrokerOutputs& out) {
    if (!unseen_.empty())
        machine_.undelivered(unseen_, net::now(), out);
    unseen_.clear();
    unseen_by_.clear();
}

// Requests for one worker that stand together, two or more. False: it is to be sent by itself.
bool BrokerSender::gather(std::vector<BrokerOutputs::Send>& sends,
                          const std::vector<SendOrder::Turn>& turns, std::size_t at,
                          BrokerOutputs& out) {
    BrokerOutputs::Send& each = sends[turns[at].at];
    const bool packable = may_pack(each);
    if (pack_.count() > 0 && (!packable || !pack_.has_room() || pack_for_ != each.peer))
        send_pack(out);
    if (!packable || unseen_by_ == each.peer)
        return false;
    if (pack_.count() == 0) {
        const auto* const next = at + 1 < turns.size() ? &sends[turns[at + 1].at] : nullptr;
        if (next == nullptr || next->peer != each.peer || !may_pack(*next))
            return false;
        pack_for_ = each.peer;
    }
    if (hops_)
        hops_->leaves(each.message, net::wall_now());
    pack_.add(each.message);
    packed_.push_back(std::move(each.message.address));
    return true;
}

void BrokerSender::send_pack(BrokerOutputs& out) {
    if (pack_.count() == 0)
        return;
    if (!unseen_by_.empty() && unseen_by_ != pack_for_)
        give_unseen(out);
    wire::Frames& frames = outgoing_;
    frames.clear();
    frames.add(ByteView{pack_for_});
    pack_.finish(frames);
    not_sent(backlogs_.send(router_, std::move(frames)), std::move(pack_for_), Side::worker,
             std::move(packed_), out);
    pack_for_.clear();
    packed_.clear();
}

void BrokerSender::send(BrokerOutputs::Send&& each, BrokerOutputs& out) {
    const Side side = each.message.side;
    const bool is_work = side == Side::worker && each.message.verb == Verb::request;
    if (!unseen_by_.empty() && unseen_by_ != each.peer)
        give_unseen(out);
    if (is_work && unseen_by_ == each.peer)
        return unseen_.push_back(std::move(each.message.address));
    wire::Frames& frames = outgoing_;
    frames.clear();
    frames.add(ByteView{each.peer});
    Blob token = is_work ? each.message.address.share() : Blob{};
    if (hops_)
        hops_->leaves(each.message, net::wall_now());
    write(std::move(each.message), frames);
    const PeerBacklogs::Sent sent = backlogs_.send(router_, std::move(frames));
    if (sent == PeerBacklogs::Sent::yes)
        return;
    std::vector<Blob> tokens;
    if (is_work)
        tokens.push_back(std::move(token));
    not_sent(sent, std::move(each.peer), side, std::move(tokens), out);
}

// `tokens`: of the requests in it.
void BrokerSender::not_sent(PeerBacklogs::Sent sent, std::string&& peer, Side side,
                            std::vector<Blob>&& tokens, BrokerOutputs& out) {
    if (sent == PeerBacklogs::Sent::yes || sent == PeerBacklogs::Sent::stopped)
        return; // the next read says that it is stopped
    const bool slow = sent == PeerBacklogs::Sent::too_slow;
    const Unreachable why = slow ? Unreachable::too_slow : Unreachable::gone;
    too_slow_total_ += slow ? 1 : 0;
    machine_.unreachable(peer, side, why, net::now(), out);
    if (side == Side::client && machine_.is_worker(peer)) // it is both
        machine_.unreachable(peer, Side::worker, why, net::now(), out);
    if (!slow) // else they are among what was dropped
        std::move(tokens.begin(), tokens.end(), std::back_inserter(unseen_));
    unseen_by_ = std::move(peer);
}

} // namespace flotilla::request
