// SPDX-License-Identifier: Apache-2.0
#include "backlog.hpp"

#include <utility>

namespace flotilla::relay {
namespace {

// Many small frames must not pass as few bytes.
std::uint64_t cost(const Message& message) noexcept {
    return message.bytes + message.frames * sizeof(net::Part);
}

} // namespace

bool Backlog::add(Message& message) {
    const std::uint64_t bytes = cost(message);
    if (bytes_ + bytes > limits_.bytes_max)
        return false;
    const auto found = peers_.find(message.frame(0));
    if (found != peers_.end() && found->second.size() >= limits_.messages_per_peer_max)
        return false;
    auto& waiting = found != peers_.end() ? found->second : peers_[std::string(message.frame(0))];
    message.parts.resize(message.frames); // the spare slots of a longer message before it
    message.own_small();
    waiting.push_back(std::move(message));
    message = Message{};
    ++messages_;
    bytes_ += bytes;
    return true;
}

Backlog::Peers::iterator Backlog::retry(Peers::iterator peer, const Try& attempt) {
    std::deque<Message>& waiting = peer->second;
    while (!waiting.empty()) {
        const std::uint64_t bytes = cost(waiting.front());
        const Sent sent = attempt(waiting.front());
        if (sent == Sent::no_room || sent == Sent::failed)
            return std::next(peer);
        waiting.pop_front();
        --messages_;
        bytes_ -= bytes;
    }
    return peers_.erase(peer);
}

void Backlog::retry(ByteView peer, const Try& attempt) {
    if (const auto found = peers_.find(peer); found != peers_.end())
        retry(found, attempt);
}

void Backlog::retry_all(const Try& attempt) {
    for (auto each = peers_.begin(); each != peers_.end();)
        each = retry(each, attempt);
}

} // namespace flotilla::relay
