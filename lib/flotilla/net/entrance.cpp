// SPDX-License-Identifier: Apache-2.0
#include "entrance.hpp"

#include "admitted.hpp"

#include <zmq.h>

#include <algorithm>
#include <utility>

namespace flotilla::net::detail {
namespace {

using Kind = ConnectionEvent::Kind;

constexpr std::size_t failures_max = 64; // that wait for their end: it comes at once

} // namespace

Entrance::~Entrance() {
    for (const auto& [descriptor, connection] : connections_)
        gate_->left(connection.number, connection.address);
}

bool Entrance::accepted(int descriptor, Peer peer, Instant now) {
    if (connections_.count(descriptor) != 0)
        ended(descriptor, now); // its end was not told, or lost
    const Gate::Arrival arrival = gate_->arrived(
        {0, std::move(peer.listener), std::move(peer.text), descriptor, now}, peer.address);
    const bool is_refused = arrival.refusal.has_value();
    if (is_refused)
        gate_->failed(*arrival.refusal, peer.address, now);
    connections_[descriptor] = {arrival.number, std::move(peer.address), now, successes_,
                                is_refused};
    is_adjacent_ = false;
    return is_refused;
}

void Entrance::turned_away(int descriptor, Instant now) {
    const auto at = connections_.find(descriptor);
    if (at == connections_.end() || std::exchange(at->second.is_refused, true))
        return;
    gate_->failed(HandshakeFailure::out_of_files, at->second.address, now);
}

void Entrance::tell(const ConnectionEvent& event, Instant now) {
    const bool was_adjacent = std::exchange(is_adjacent_, false);
    std::optional<HandshakeFailure> failure;
    switch (event.kind) {
    case Kind::handshake_succeeded:
        ++successes_;
        return gate_->succeeded();
    case Kind::disconnected:
        is_adjacent_ = was_adjacent;
        ended(event.value, now);
        is_adjacent_ = false;
        return;
    case Kind::handshake_failed_auth:
        denied_ = std::min<std::uint64_t>(denied_ + 1, connections_.size());
        return;
    case Kind::handshake_failed_no_detail:
        failure = HandshakeFailure::closed;
        break;
    case Kind::handshake_failed_protocol:
        if (event.value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
            failure = speaks_ == Speaks::curve ? HandshakeFailure::plaintext
                                               : HandshakeFailure::wrong_mechanism;
        else
            failure = event.value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
                          ? HandshakeFailure::wrong_server_key
                          : HandshakeFailure::protocol;
        break;
    default:
        return;
    }
    if (failures_.size() == failures_max)
        failures_.pop_front();
    failures_.push_back(*failure);
    is_adjacent_ = true;
}

std::optional<HandshakeFailure> Entrance::why_ended(const Connection& connection, Instant now) {
    const bool failed_for_certain = connection.successes == successes_;
    std::optional<HandshakeFailure> failure;
    if (!failures_.empty() && (is_adjacent_ || failed_for_certain)) {
        failure = failures_.front();
        failures_.pop_front();
    }
    if (connection.is_refused)
        return std::nullopt; // by us; that failed its handshake
    if (failure == HandshakeFailure::closed &&
        now - connection.since >= handshake_timeout_ - handshake_timeout_ / 10)
        return HandshakeFailure::timeout;
    if (failure || !failed_for_certain)
        return failure;
    if (denied_ > 0) {
        --denied_;
        return std::nullopt;
    }
    return HandshakeFailure::not_zmtp; // libzmq hangs up on these without a word
}

std::vector<int> Entrance::disallowed(std::string_view domain) const {
    const Origins origins = gate_->take_disallowed(domain);
    std::vector<int> all;
    for (const auto& [descriptor, connection] : connections_)
        if (origins.contains(connection.address))
            all.push_back(descriptor);
    return all;
}

void Entrance::ended(int descriptor, Instant now) {
    const auto at = connections_.find(descriptor);
    if (at == connections_.end())
        return; // one that we made, or that was there before the monitor
    const Connection connection = std::move(at->second);
    connections_.erase(at);
    gate_->left(connection.number, connection.address);
    if (const auto failure = why_ended(connection, now))
        gate_->failed(*failure, connection.address, now);
    if (connections_.empty()) {
        denied_ = 0;
        failures_.clear();
    }
}

} // namespace flotilla::net::detail
