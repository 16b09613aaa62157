// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/peer_backlog.hpp>

#include <utility>

namespace flotilla::net {

PeerBacklogs::Sent PeerBacklogs::send(Socket& router, wire::Frames&& message) {
    const ByteView peer = message[0].view();
    auto at = backlogs_.find(peer);
    if (at == backlogs_.end()) {
        const Status sent = router.send(message, Duration::zero());
        if (sent)
            return Sent::yes;
        if (sent.error().code == Errc::peer_gone)
            return Sent::gone;
        if (sent.error().code != Errc::would_block)
            return Sent::stopped;
        if (backlogs_.size() >= peers_max_) {
            drop(std::move(message));
            return Sent::too_slow;
        }
        at = backlogs_.emplace(std::string(peer), Backlog{}).first;
    }
    ++backlogged_total_;
    Backlog& backlog = at->second;
    const std::size_t bytes = message.held_bytes();
    backlog.bytes += bytes;
    total_bytes_ += bytes;
    backlog.messages.push_back(std::move(message));
    if (backlog.messages.size() <= messages_max_ && backlog.bytes <= bytes_max_ &&
        total_bytes_ <= total_bytes_max_)
        return Sent::yes;
    drop(at);
    return Sent::too_slow;
}

void PeerBacklogs::retry(Socket& router, const std::function<void(const std::string&)>& gone) {
    for (auto at = backlogs_.begin(); at != backlogs_.end();) {
        Backlog& backlog = at->second;
        Status sent{};
        while (sent && !backlog.messages.empty()) {
            const std::size_t bytes = backlog.messages.front().held_bytes();
            sent = router.send(backlog.messages.front(), Duration::zero());
            if (!sent)
                break;
            backlog.bytes -= bytes;
            total_bytes_ -= bytes;
            backlog.messages.pop_front();
        }
        const bool lost = !sent && sent.error().code == Errc::peer_gone;
        if (!lost && !backlog.messages.empty()) {
            ++at;
            continue;
        }
        const std::string peer = at->first;
        at = drop(at);
        if (lost)
            gone(peer);
    }
}

PeerBacklogs::Backlogs::iterator PeerBacklogs::drop(Backlogs::iterator at) {
    total_bytes_ -= at->second.bytes;
    for (wire::Frames& each : at->second.messages)
        drop(std::move(each));
    return backlogs_.erase(at);
}

void PeerBacklogs::drop(wire::Frames&& message) {
    ++dropped_total_;
    if (on_dropped)
        on_dropped(std::move(message));
}

void PeerBacklogs::forget(std::string_view peer) {
    if (const auto at = backlogs_.find(peer); at != backlogs_.end())
        drop(at);
}

} // namespace flotilla::net
