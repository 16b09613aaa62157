// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/peer_backlog.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::net {
namespace {

PeerBacklogs::Sent not_sent(const Error& error) noexcept {
    return error.code == Errc::peer_gone ? PeerBacklogs::Sent::gone : PeerBacklogs::Sent::stopped;
}

} // namespace

void PeerBacklogs::bound_to(const Endpoint& endpoint) noexcept {
    has_inproc_ = has_inproc_ || endpoint.transport() == Transport::inproc;
    counts_transport_ = !has_inproc_;
}

PeerBacklogs::Sent PeerBacklogs::send(Socket& router, wire::Frames&& message) {
    const ByteView name = message[0].view();
    const std::uint64_t bytes = message.held_bytes();
    auto at = peers_.empty() ? peers_.end() : peers_.find(name);
    if (at == peers_.end() && !counts(bytes)) { // what mostly happens
        const Status sent = router.send(message, Duration::zero());
        if (sent)
            return Sent::yes;
        if (sent.error().code != Errc::would_block)
            return not_sent(sent.error());
        return wait(at, Waiting{std::move(message), bytes, true});
    }
    if (at == peers_.end())
        at = add(name);
    Waiting next{std::move(message), bytes, !counts(bytes)};
    if (!at->second.waiting.empty())
        return wait(at, std::move(next));
    const Status sent = try_to_send(router, at->second, next);
    if (sent)
        return Sent::yes;
    if (sent.error().code == Errc::would_block)
        return wait(at, std::move(next));
    peers_.erase(at);
    return not_sent(sent.error());
}

// The same without making Frames of it first, where nothing has to be kept.
PeerBacklogs::Sent PeerBacklogs::send(Socket& router, wire::StagedMessages& messages,
                                      std::size_t at) {
    const wire::StagedMessages::Message message = messages[at];
    if (!counts(message.held_bytes()) && (peers_.empty() || !peers_.contains(messages.peer(at)))) {
        const Status sent = router.send(message);
        if (sent)
            return Sent::yes;
        if (sent.error().code != Errc::would_block)
            return not_sent(sent.error());
    }
    return send(router, messages.frames(at));
}

// One that is not counted may always. A message larger than the window goes alone.
bool PeerBacklogs::may_enter(const Peer& peer, const Waiting& next) const noexcept {
    const std::uint64_t held = next.counted ? 0 : peer.outflow.bytes();
    return held == 0 || held + next.bytes <= transport_bytes_max;
}

Status PeerBacklogs::try_to_send(Socket& router, Peer& peer, Waiting& next) {
    if (!may_enter(peer, next))
        return fail(Errc::would_block);
    if (!std::exchange(next.counted, true))
        peer.outflow.watch(next.message);
    return router.send(next.message, Duration::zero());
}

PeerBacklogs::Sent PeerBacklogs::wait(Peers::iterator at, Waiting&& next) {
    const bool is_new = at == peers_.end() || at->second.waiting.empty();
    if (is_new && waiting_peers_ >= peers_max_) {
        drop(std::move(next.message));
        return Sent::too_slow;
    }
    if (at == peers_.end())
        at = add(next.message[0].view());
    if (is_new) {
        ++waiting_peers_;
        progressed_ = true;
    }
    ++backlogged_total_;
    next.message.own_small();
    Peer& peer = at->second;
    peer.bytes += next.bytes;
    total_bytes_ += next.bytes;
    peer.waiting.push_back(std::move(next));
    if (peer.waiting.size() <= messages_max_ && peer.bytes <= bytes_max_ &&
        total_bytes_ <= total_bytes_max_)
        return Sent::yes;
    drop(at);
    return Sent::too_slow;
}

void PeerBacklogs::retry(Socket& router, const std::function<void(const std::string&)>& gone) {
    progressed_ = false;
    for (auto at = peers_.begin(); at != peers_.end();) {
        Peer& peer = at->second;
        Status sent{};
        const bool waited = !peer.waiting.empty();
        while (!peer.waiting.empty()) {
            const std::uint64_t bytes = peer.waiting.front().bytes;
            sent = try_to_send(router, peer, peer.waiting.front());
            if (!sent)
                break;
            progressed_ = true;
            peer.bytes -= bytes;
            total_bytes_ -= bytes;
            peer.waiting.pop_front();
        }
        const bool lost = !sent && sent.error().code == Errc::peer_gone;
        if (lost) {
            const std::string name = at->first;
            at = drop(at);
            gone(name);
            continue;
        }
        if (waited && peer.waiting.empty())
            --waiting_peers_;
        at = peer.is_idle() ? peers_.erase(at) : std::next(at);
    }
}

// Those that have nothing waiting and nothing on its way any more leave now and then.
PeerBacklogs::Peers::iterator PeerBacklogs::add(ByteView peer) {
    if (peers_.size() >= sweep_at_) {
        std::erase_if(peers_, [](const auto& each) { return each.second.is_idle(); });
        sweep_at_ = std::max<std::size_t>(64, peers_.size() * 2);
    }
    return peers_.emplace(std::string(peer), Peer{}).first;
}

// What waits. What the transport has of it stays counted until it is gone.
PeerBacklogs::Peers::iterator PeerBacklogs::drop(Peers::iterator at) {
    Peer& peer = at->second;
    if (!peer.waiting.empty())
        --waiting_peers_;
    total_bytes_ -= std::exchange(peer.bytes, 0);
    for (Waiting& each : std::exchange(peer.waiting, {}))
        drop(std::move(each.message));
    return peer.is_idle() ? peers_.erase(at) : std::next(at);
}

void PeerBacklogs::drop(wire::Frames&& message) {
    ++dropped_total_;
    if (on_dropped)
        on_dropped(std::move(message));
}

void PeerBacklogs::forget(std::string_view peer) {
    if (const auto at = peers_.find(peer); at != peers_.end())
        drop(at);
}

std::uint64_t PeerBacklogs::transport_bytes() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& [name, peer] : peers_)
        sum += peer.outflow.bytes();
    return sum;
}

} // namespace flotilla::net
