// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/subscription.hpp>

#include <cli/peers.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::cli {

namespace {

constexpr std::size_t endpoints_max = 1000;

bool lets_through(const std::multiset<std::string, std::less<>>& prefixes, ByteView topic) {
    return std::any_of(prefixes.begin(), prefixes.end(), [topic](const std::string& prefix) {
        return topic.substr(0, prefix.size()) == prefix;
    });
}

} // namespace

// Handshake events do not name the descriptor: the oldest connection of that endpoint is meant.
void Peers::end_silence(const std::string& endpoint) {
    auto oldest = silent_.end();
    for (auto each = silent_.begin(); each != silent_.end(); ++each)
        if (each->second.endpoint == endpoint &&
            (oldest == silent_.end() || each->second.since < oldest->second.since))
            oldest = each;
    if (oldest != silent_.end())
        silent_.erase(oldest);
}

std::size_t Peers::silent(Instant now) const {
    return static_cast<std::size_t>(
        std::count_if(silent_.begin(), silent_.end(), [now](const auto& each) {
            return now - each.second.since >= silent_handshake_max;
        }));
}

std::size_t Peers::connected(Instant now) const {
    return connected_ + silent(now);
}

Instant Peers::next_deadline(Instant now) const {
    Instant next = never;
    for (const auto& [descriptor, each] : silent_)
        if (now - each.since < silent_handshake_max)
            next = std::min(next, each.since + silent_handshake_max);
    return next;
}

bool Peers::had_counted(const net::ConnectionEvent& event, Instant now) const {
    return std::any_of(silent_.begin(), silent_.end(), [&](const auto& each) {
        return each.second.endpoint == event.endpoint &&
               now - each.second.since >= silent_handshake_max;
    });
}

void Peers::on_event(const net::ConnectionEvent& event, Instant now) {
    using Kind = net::ConnectionEvent::Kind;
    switch (event.kind) {
    case Kind::connected:
        if (ours_.size() < endpoints_max)
            ours_.insert_or_assign(event.value, event.endpoint);
        [[fallthrough]];
    case Kind::accepted:
        if (silent_.size() < endpoints_max)
            silent_.insert_or_assign(event.value, Silent{event.endpoint, now});
        break;
    case Kind::handshake_succeeded:
        end_silence(event.endpoint);
        ++connected_;
        break;
    case Kind::handshake_failed_no_detail:
    case Kind::handshake_failed_protocol:
    case Kind::handshake_failed_auth:
        end_silence(event.endpoint);
        if (failed_.size() < endpoints_max)
            ++failed_[event.endpoint];
        break;
    case Kind::disconnected: {
        // A connection that never finished its handshake ends with the same event.
        const auto failed = failed_.find(event.endpoint);
        const bool silent = silent_.erase(event.value) > 0;
        if (failed != failed_.end()) {
            if (--failed->second == 0)
                failed_.erase(failed);
        } else if (!silent && connected_ > 0) {
            --connected_;
        }
        const bool returns = ours_.erase(event.value) > 0 && away_.size() < endpoints_max &&
                             away_.find(event.endpoint) == away_.end();
        if (const auto gone = by_connection_.find(event.value); gone != by_connection_.end()) {
            if (returns)
                away_.emplace(event.endpoint, std::move(gone->second));
            else
                subscriptions_ -= gone->second.size();
            by_connection_.erase(gone);
        }
        break;
    }
    default:
        break;
    }
}

// The connection is back, and tells its subscriptions again. It may go by its address now where it
// went by a name before.
void Peers::take_back(int descriptor) {
    const auto ours = ours_.find(descriptor);
    if (ours == ours_.end() || away_.empty())
        return;
    auto away = away_.find(ours->second);
    if (away == away_.end() && away_.size() == 1)
        away = away_.begin();
    if (away == away_.end())
        return;
    subscriptions_ -= away->second.size();
    away_.erase(away);
}

void Peers::on_subscription(int descriptor, ByteView frame) {
    const auto asked = wire::read_subscription(frame);
    if (!asked)
        return;
    const ByteView prefix = asked->prefix;
    take_back(descriptor);
    if (asked->subscribes) {
        if (subscriptions_ < subscriptions_max) {
            by_connection_[descriptor].emplace(prefix);
            ++subscriptions_;
        }
        return;
    }
    const auto connection = by_connection_.find(descriptor);
    if (connection == by_connection_.end())
        return;
    const auto one = connection->second.find(prefix);
    if (one == connection->second.end())
        return;
    connection->second.erase(one);
    --subscriptions_;
    if (connection->second.empty())
        by_connection_.erase(connection);
}

std::size_t Peers::subscribed_to(ByteView topic) const {
    return static_cast<std::size_t>(
        std::count_if(by_connection_.begin(), by_connection_.end(),
                      [topic](const auto& each) { return lets_through(each.second, topic); }));
}

bool Peers::anybody_hears(ByteView topic) const {
    return std::any_of(by_connection_.begin(), by_connection_.end(),
                       [topic](const auto& each) { return lets_through(each.second, topic); });
}

bool Peers::anybody_away_hears(ByteView topic) const {
    return std::any_of(away_.begin(), away_.end(),
                       [topic](const auto& each) { return lets_through(each.second, topic); });
}

} // namespace flotilla::cli
