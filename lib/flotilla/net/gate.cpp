// SPDX-License-Identifier: Apache-2.0
#include "admitted.hpp"
#include "penalties.hpp"

#include <flotilla/net/connection_figures.hpp>
#include <flotilla/net/cut.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/net/refused_entry.hpp>
#include <flotilla/net/system.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace flotilla::net {
namespace {

bool counts_against_address(HandshakeFailure reason) noexcept {
    switch (reason) {
    case HandshakeFailure::penalty:
    case HandshakeFailure::connections:
    case HandshakeFailure::address_connections:
    case HandshakeFailure::out_of_files:
    case HandshakeFailure::failed:
        return false; // said by us, or for what others did
    default:
        return true;
    }
}

// The user of a key that is listed with a name; else never a whole key.
std::string shown(const AccessPolicy& policy, const CurveKey& key) {
    if (const auto* list = std::get_if<AllowList>(&policy.clients)) {
        const auto at = list->users().find(key);
        if (at != list->users().end() && !at->second.name.empty() && at->second.name != key.z85())
            return at->second.name;
    }
    return fingerprint(key);
}

// What a log shows of who asked, without control characters.
std::string shown(const AccessPolicy& policy, const AccessRequest& request) {
    constexpr std::size_t shown_max = 32;
    if (!request.key_bytes.empty()) {
        const auto key = CurveKey::from_bytes(request.key_bytes);
        return key ? shown(policy, *key) : std::string{};
    }
    std::string text;
    for (const char c : request.plain_name.substr(0, shown_max))
        text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return text;
}

template <class Told>
void keep(std::deque<Told>& latest, Told told) {
    if (latest.size() == Gate::failures_kept)
        latest.pop_front();
    latest.push_back(std::move(told));
}

template <class Told>
std::vector<Told> taken(std::deque<Told>& latest) {
    std::vector<Told> all{std::make_move_iterator(latest.begin()),
                          std::make_move_iterator(latest.end())};
    latest.clear();
    return all;
}

} // namespace

struct Gate::Rest {
    Rest(AccessPolicy its_policy, GateLimits its_limits)
        : policy(std::move(its_policy)), limits(its_limits),
          penalties({its_limits.address_failures_max, its_limits.address_penalty}) {}

    bool is_spared(const std::optional<Address>& address) const noexcept {
        return !address ||
               (address->is_loopback() && limits.loopback == GateLimits::Loopback::spared);
    }
    std::optional<HandshakeFailure> refusal(const std::optional<Address>& address,
                                            Instant now) const;
    void note(FailedHandshake failure, const std::optional<Address>& address, Instant now);

    mutable std::mutex mutex{}; // guards what follows
    AccessPolicy policy;
    GateLimits limits;
    detail::Penalties penalties;
    GateCounters counters{};
    std::unordered_map<Address, std::uint64_t, AddressHash> connections{}; // by block
    std::unordered_map<std::uint64_t, GateConnection> present{};           // by number
    std::deque<FailedHandshake> latest{};
    std::deque<EndlessMessage> endless{};
    std::map<std::string, detail::Admitted, std::less<>> admitted{}; // by domain
};

Gate::Gate(AccessPolicy policy, GateLimits limits)
    : rest_(std::make_unique<Rest>(std::move(policy), limits)) {}
Gate::~Gate() = default;

void Gate::set_policy(AccessPolicy policy) {
    const std::lock_guard lock(rest_->mutex);
    std::swap(rest_->policy, policy); // the old one goes when nobody waits for us
}

void Gate::set_limits(GateLimits limits) {
    const std::lock_guard lock(rest_->mutex);
    rest_->limits = limits;
    rest_->penalties.set_limits({limits.address_failures_max, limits.address_penalty});
}

GateCounters Gate::counters() const {
    const std::lock_guard lock(rest_->mutex);
    GateCounters counters = rest_->counters;
    counters.addresses_waiting = rest_->penalties.waiting(now());
    return counters;
}

void Gate::for_each_connection(const std::function<void(const GateConnection&)>& each) const {
    const std::lock_guard lock(rest_->mutex);
    for (const auto& [number, connection] : rest_->present)
        each(connection);
}

std::vector<FailedHandshake> Gate::take_failures() {
    const std::lock_guard lock(rest_->mutex);
    return taken(rest_->latest);
}

std::vector<EndlessMessage> Gate::take_endless() {
    const std::lock_guard lock(rest_->mutex);
    return taken(rest_->endless);
}

void Gate::Rest::note(FailedHandshake failure, const std::optional<Address>& address, Instant now) {
    ++counters.failures_total[std::size_t(failure.reason)];
    if (!is_spared(address) && counts_against_address(failure.reason))
        failure.waits = penalties.failed(*address, now);
    keep(latest, std::move(failure));
}

AccessDecision Gate::judge(const AccessRequest& request, const std::optional<Entry>& entry,
                           Instant now) {
    const std::lock_guard lock(rest_->mutex);
    const auto address = Address::parse(request.address);
    AccessDecision decision{};
    if (!rest_->is_spared(address) && rest_->penalties.is_waiting(*address, now)) {
        // Not 400: a peer that libzmq gave up for good would never come back, and it may be an
        // innocent one behind the same address.
        decision = {
            300, "this address failed too often; come back later", {}, HandshakeFailure::penalty};
    } else {
        decision = decide(rest_->policy, request);
    }
    std::optional<RefusedEntry> refused;
    if (decision.status == 200 && entry) {
        const Permissions& permissions = rest_->policy.permissions;
        if (const Status may = permissions.check(decision.user_id, entry->operation, entry->object);
            !may) {
            refused = {std::string(decision.user_id.empty() ? Permissions::anonymous : ""),
                       std::string(request.domain), entry->operation, entry->object};
            decision = {400, may.error().detail, {}, HandshakeFailure::not_allowed};
        } else {
            rest_->admitted.try_emplace(std::string(request.domain), *entry)
                .first->second.add(decision.user_id, address);
        }
    }
    if (decision.failure) {
        std::string who = shown(rest_->policy, request);
        if (refused) {
            if (refused->user.empty())
                refused->user = std::move(who);
            who = text_of(*refused);
        }
        rest_->note({*decision.failure, address ? address->text() : std::string{}, std::move(who)},
                    address, now);
    }
    return decision;
}

std::optional<HandshakeFailure> Gate::Rest::refusal(const std::optional<Address>& address,
                                                    Instant now) const {
    if (counters.connections > limits.connections_max)
        return HandshakeFailure::connections;
    if (address && !policy.addresses.allows(*address))
        return HandshakeFailure::address;
    if (is_spared(address))
        return std::nullopt;
    if (penalties.is_waiting(*address, now))
        return HandshakeFailure::penalty;
    const auto same = connections.find(address->block());
    if (same != connections.end() && same->second > limits.address_connections_max)
        return HandshakeFailure::address_connections;
    return std::nullopt;
}

Gate::Arrival Gate::arrived(GateConnection connection, const std::optional<Address>& address) {
    static std::atomic<std::uint64_t> last_number{0};
    const std::lock_guard lock(rest_->mutex);
    const Instant now = connection.since;
    connection.number = ++last_number;
    const std::uint64_t number = connection.number;
    rest_->present.emplace(number, std::move(connection));
    ++rest_->counters.connections;
    if (address)
        ++rest_->connections[address->block()];
    return {number, rest_->refusal(address, now)};
}

void Gate::left(std::uint64_t number, const std::optional<Address>& address) {
    const std::lock_guard lock(rest_->mutex);
    rest_->present.erase(number);
    --rest_->counters.connections;
    if (!address)
        return;
    const auto at = rest_->connections.find(address->block());
    if (at != rest_->connections.end() && --at->second == 0)
        rest_->connections.erase(at);
}

void Gate::succeeded() {
    const std::lock_guard lock(rest_->mutex);
    ++rest_->counters.handshakes_total;
}

void Gate::failed(HandshakeFailure reason, const std::optional<Address>& address, Instant now) {
    const std::lock_guard lock(rest_->mutex);
    rest_->note({reason, address ? address->text() : std::string{}, {}}, address, now);
}

// The number may be another's by now, who is innocent.
void Gate::endless(int descriptor, std::uint64_t bytes) {
    const std::string peer = peer_text(descriptor);
    const std::lock_guard lock(rest_->mutex);
    for (const auto& [number, connection] : rest_->present)
        if (connection.descriptor == descriptor && connection.peer == peer) {
            cut(descriptor);
            ++rest_->counters.endless_total;
            return keep(rest_->endless, {connection.listener, connection.peer, bytes});
        }
}

detail::Origins Gate::take_disallowed(std::string_view domain) {
    const std::lock_guard lock(rest_->mutex);
    const auto at = rest_->admitted.find(domain);
    return at == rest_->admitted.end() ? detail::Origins{}
                                       : at->second.take_disallowed(rest_->policy.permissions);
}

} // namespace flotilla::net
