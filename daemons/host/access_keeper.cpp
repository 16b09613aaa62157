// SPDX-License-Identifier: Apache-2.0
#include "host/access_keeper.hpp"

#include "host/gate_sums.hpp"
#include "host/refused_handshake.hpp"
#include "host/security_refusals.hpp"

#include <flotilla/base/units.hpp>

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <variant>

namespace flotilla::host {
namespace {

constexpr std::size_t revoked_shown_max = 10;
constexpr const char* admin_listener = "admin"; // of the whole program, not of a relay

std::string plain_beside_curve() {
    return "[[plain]] users in the file of " + setting_name("access") + " beside " +
           setting_name("curve_key") +
           ": a listener speaks one of them; run a daemon of its own for PLAIN";
}

net::AccessPaths paths_of(const CommonSettings& settings) {
    using Others = net::AccessPaths::Others;
    return {settings.allow_client_keys,
            settings.allow_any_client_key.value_or(false) ? Others::let_in : Others::refused,
            settings.access};
}

// What does not belong together, before any file is read.
Status check(const CommonSettings& settings) {
    const bool any = settings.allow_any_client_key.value_or(false);
    if (any && settings.allow_client_keys)
        return fail(contradicting_clients());
    if (!settings.curve_key && (any || settings.allow_client_keys))
        return fail(no_own_key(any ? "allow_any_client_key" : "allow_client_keys"));
    if (settings.curve_key && !any && !settings.allow_client_keys)
        return fail(no_client_keys(setting_name("curve_key") + " is set"));
    return {};
}

// With the setting whose file it is. Only when something is wrong: then it is read once more.
Error explained(const CommonSettings& settings, Error error) {
    net::AccessPaths only = paths_of(settings);
    only.allow_client_keys.reset();
    if (settings.access && !net::AccessWatch(only).load())
        return about_setting("access", std::move(error));
    if (settings.allow_client_keys && !net::load_allow_list(*settings.allow_client_keys))
        return about_setting("allow_client_keys", std::move(error));
    return error; // of both together
}

// A file that was cut off looks so. To let nobody in, keys are revoked.
Status check_list(const net::Access& access, const std::string& what) {
    if (access.listed_keys != 0U)
        return {};
    return fail(Errc::insecure, what + " lists no key, so nobody could connect; zmq keys allow "
                                       "adds one, zmq keys revoke takes one away");
}

Result<AccessKeeper::Fresh> read(const CommonSettings& settings, net::AccessWatch watch) {
    if (const Status good = check(settings); !good)
        return fail(good.error());
    auto access = watch.load();
    if (!access)
        return fail(explained(settings, access.error()));
    if (access->plain_users > 0 && settings.curve_key)
        return fail(Errc::bad_option, *settings.access + ": " + plain_beside_curve());
    if (const Status listed = check_list(*access, setting_name("allow_client_keys") + ": " +
                                                      settings.allow_client_keys.value_or(""));
        !listed)
        return fail(listed.error());
    return AccessKeeper::Fresh{std::move(watch), std::move(*access), gate_limits(settings)};
}

// The users whose keys `list` revokes, and who were somebody until now: "alice,bob"; the first
// ones, and how many more.
std::string newly_revoked(const net::AllowList& list, const Permissions& until_now) {
    std::string all;
    std::size_t count = 0;
    for (const net::CurveKey& key : list.revoked()) {
        const std::string id = key.z85();
        const auto user = until_now.user_of(id);
        if (!user || ++count > revoked_shown_max)
            continue;
        const bool has_name = !user->empty() && *user != id;
        all += (all.empty() ? "" : ",") + (has_name ? std::string(*user) : net::fingerprint(key));
    }
    if (count > revoked_shown_max)
        all += " and " + std::to_string(count - revoked_shown_max) + " more";
    return all;
}

net::GateLimits admin_limits(net::GateLimits limits) {
    limits.connections_max = AccessKeeper::admin_connections_max;
    return limits;
}

} // namespace

net::GateLimits gate_limits(const CommonSettings& settings) {
    net::GateLimits limits;
    limits.connections_max = settings.connections_max.value_or(limits.connections_max);
    limits.address_connections_max =
        settings.address_connections_max.value_or(limits.address_connections_max);
    limits.address_failures_max =
        settings.address_failures_max.value_or(limits.address_failures_max);
    limits.address_penalty = settings.address_penalty.value_or(limits.address_penalty);
    return limits;
}

AccessKeeper::AccessKeeper(Fresh fresh, std::shared_ptr<net::Gate> gate,
                           net::Plaintext::Handshakes handshakes)
    : watch_(std::move(fresh.watch)), gate_(std::move(gate)),
      admin_gate_(std::make_shared<net::Gate>(fresh.access.policy, admin_limits(fresh.limits))),
      handshakes_(handshakes), permissions_(std::move(fresh.access.permissions)) {}

net::Security AccessKeeper::admin_security() const {
    net::Security security = security_;
    if (auto* curve = std::get_if<net::CurveServer>(&security))
        curve->clients = admin_gate_;
    else if (auto* plain = std::get_if<net::PlainServer>(&security))
        plain->gate = admin_gate_;
    else if (auto* plaintext = std::get_if<net::Plaintext>(&security))
        plaintext->gate = admin_gate_;
    return security;
}

void AccessKeeper::set_policy(net::AccessPolicy policy) {
    admin_gate_->set_policy(policy);
    gate_->set_policy(std::move(policy));
}

net::Plaintext AccessKeeper::plaintext(net::Plaintext::Where where) {
    has_plaintext_ = true;
    return {where, gate_, handshakes_};
}

Result<AccessKeeper> AccessKeeper::open(const CommonSettings& settings) {
    auto fresh = read(settings, net::AccessWatch(paths_of(settings)));
    if (!fresh)
        return fail(fresh.error());
    using Handshakes = net::Plaintext::Handshakes;
    using Where = net::Plaintext::Where;
    const bool keys = settings.curve_key.has_value();
    const bool plain = fresh->access.plain_users > 0;
    auto gate = std::make_shared<net::Gate>(fresh->access.policy, fresh->limits);
    AccessKeeper keeper(std::move(*fresh), gate,
                        settings.access ? Handshakes::asked : Handshakes::unasked);
    if (keys) {
        auto own = net::load_key_pair(*settings.curve_key);
        if (!own)
            return fail(about_setting("curve_key", own.error()));
        keeper.security_ = net::CurveServer{std::move(*own), std::move(gate)};
    } else if (plain) {
        keeper.security_ = net::PlainServer{std::move(gate)};
    } else {
        keeper.security_ = keeper.plaintext(
            settings.allow_plaintext.value_or(false) ? Where::anywhere : Where::local_only);
    }
    return keeper;
}

Result<AccessKeeper::Fresh> AccessKeeper::read_again(const CommonSettings& settings) {
    auto fresh = read(settings, watch_.successor(paths_of(settings)));
    if (!fresh)
        return fresh;
    if (const Status good = check_plain(fresh->access); !good)
        return fail(good.error());
    if (settings.access)
        if (const Status good = check_rules(fresh->access); !good)
            return fail(good.error());
    if (settings.access && has_plaintext_ && handshakes_ == net::Plaintext::Handshakes::unasked)
        return fail(Errc::bad_option, setting_name("access") +
                                          " is new, and needs listeners that ask plaintext peers "
                                          "for their address: restart");
    fresh->is_different = watch_.changed().has_value();
    return fresh;
}

Status AccessKeeper::check_plain(const net::Access& access) const {
    if (access.plain_users == 0 || std::holds_alternative<net::PlainServer>(security_))
        return {};
    if (std::holds_alternative<net::CurveServer>(security_))
        return fail(Errc::bad_option, plain_beside_curve());
    return fail(Errc::bad_option,
                "[[plain]] users are new, and need listeners of another kind: restart");
}

// Rules that are gone give everybody every right: a file that was cut off does, too.
Status AccessKeeper::check_rules(const net::Access& access) const {
    if (access.rules > 0 || !permissions_->has_rules())
        return {};
    return fail(Errc::insecure, "the file of " + setting_name("access") +
                                    " has no rules any more, and everybody could do everything; "
                                    "restart where that is meant");
}

void AccessKeeper::take_over(Fresh fresh) {
    stale_why_.clear();
    watch_ = std::move(fresh.watch);
    set_policy(std::move(fresh.access.policy));
    gate_->set_limits(fresh.limits);
    admin_gate_->set_limits(admin_limits(fresh.limits));
    permissions_ = std::move(fresh.access.permissions);
}

// Whether there is something to take over, all of it written.
bool AccessKeeper::is_settled(Instant now) {
    const auto changed = watch_.changed();
    const bool is_same = changed == std::exchange(changing_, changed);
    if (changed && !is_same && looks_again_ < looks_again_max) {
        ++looks_again_;
        next_look_ = deadline_after(now, look_again);
        return false;
    }
    looks_again_ = 0;
    changing_.reset();
    return changed.has_value();
}

bool AccessKeeper::look(Instant now, const Log& log) {
    if (now < next_look_)
        return false;
    next_look_ = deadline_after(now, look_every);
    log_failures(log);
    log_endless(log);
    if (!is_settled(now))
        return false;
    auto access = watch_.load();
    if (access)
        if (const Status good = check_again(*access); !good)
            access = fail(good.error());
    stale_why_ = access ? std::string{} : access.error().detail;
    if (access)
        return take_over(std::move(*access), log);
    log.warning("access_reload_failed", {{"why", stale_why_}});
    // A key that was revoked does not wait until the rules are mended.
    auto rest = watch_.load_rest();
    return rest && check_again(*rest) && take_over(std::move(*rest), log);
}

Status AccessKeeper::check_again(const net::Access& access) const {
    for (const Status& good :
         {check_plain(access), check_rules(access), check_list(access, "the allow-list")})
        if (!good)
            return good;
    return {};
}

bool AccessKeeper::take_over(net::Access access, const Log& log) {
    const auto* list = std::get_if<net::AllowList>(&access.policy.clients);
    const std::size_t keys = list ? list->size() : 0;
    Fields fields{{"keys", keys}, {"rules", access.rules}, {"plain_users", access.plain_users}};
    if (list)
        if (std::string revoked = newly_revoked(*list, *permissions_); !revoked.empty())
            fields.emplace_back("revoked", std::move(revoked));
    if (access.listed_keys && keys == 0) {
        fields.emplace_back("why", "all keys are revoked: nobody can connect");
        log.warning("access_reloaded", fields);
    } else {
        log.info("access_reloaded", fields);
    }
    set_policy(std::move(access.policy));
    permissions_ = std::move(access.permissions);
    return true;
}

void AccessKeeper::log_failures(const Log& log) {
    std::map<RefusedHandshake, std::uint64_t> counts;
    for (const auto& gate : {gate_, admin_gate_})
        for (net::FailedHandshake& each : gate->take_failures()) {
            if (each.waits > Duration::zero())
                log.warning("address_penalty",
                            {{"address", each.address}, {"wait", format_duration(each.waits)}});
            ++counts[refused_at(gate == admin_gate_ ? admin_listener : "", std::move(each))];
        }
    std::size_t lines = 0;
    for (const auto& [refused, count] : counts) {
        if (lines++ == lines_max)
            break;
        failures_logged_ += count;
        log.warning("handshake_refused",
                    fields_of(refused, refused.listener == admin_listener ? "" : relay_, count));
    }
    const auto all = sum_of(gates()).failures_total;
    const std::uint64_t total = std::accumulate(all.begin(), all.end(), std::uint64_t{0});
    if (total > failures_logged_)
        log.warning("handshake_refused_left_out", {{"count", total - failures_logged_}});
    failures_logged_ = total;
}

void AccessKeeper::log_endless(const Log& log) {
    std::size_t lines = 0;
    for (const auto& gate : {gate_, admin_gate_})
        for (net::EndlessMessage& each : gate->take_endless()) {
            if (lines == lines_max)
                break;
            ++lines;
            Fields fields{{"listener", std::move(each.listener)},
                          {"address", std::move(each.peer)},
                          {"bytes", each.bytes},
                          {"why", "more came of one message than a message may have, and no end of "
                                  "it; the connection was cut off"}};
            if (!relay_.empty() && gate != admin_gate_)
                fields.insert(fields.begin(), {"relay", relay_});
            log.warning("endless_message", fields);
        }
    const std::uint64_t total = sum_of(gates()).endless_total;
    if (total > endless_logged_ + lines)
        log.warning("endless_message_left_out", {{"count", total - endless_logged_ - lines}});
    endless_logged_ = total;
}

Fields AccessKeeper::counters() const {
    const net::GateCounters now = sum_of(gates());
    Fields fields{{"connections", now.connections}, {"handshakes", now.handshakes_total}};
    if (now.endless_total > 0)
        fields.emplace_back("endless_messages", now.endless_total);
    for (std::size_t i = 0; i < net::handshake_failures_count; ++i)
        if (now.failures_total[i] > 0)
            fields.emplace_back("refused_" + std::string(net::name(net::HandshakeFailure(i))),
                                now.failures_total[i]);
    return fields;
}

} // namespace flotilla::host
