// SPDX-License-Identifier: Apache-2.0
//
// AccessKeeper: who may connect to a daemon and do what, for as long as it runs: reads key,
// allow-list and access file as the settings say, watches the files, reads them again when their
// content changes, and says who was refused.
//
//     auto access = AccessKeeper::open(settings);
//     options.security = access->security();         // of every listener but the admin's
//     options.permissions = access->permissions();
//     ... in the loop:
//     if (access->look(net::now(), log)) server.set_permissions(access->permissions());
//
// Two gates have one policy: the admin listener has connections of its own, so that peers who use
// connections_max up do not lock out who comes to see why.
//
// Events of the log: handshake_refused (reason, relay, listener, address, who, operation, object,
// why, count), endless_message, both also with _left_out; address_penalty, access_reloaded,
// access_reload_failed. One thread; the gates are safe from all.
#pragma once

#include "host/common_settings.hpp"
#include "host/log.hpp"

#include <flotilla/base/permissions.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/access_watch.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/net/security.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::host {

class AccessKeeper {
public:
    static constexpr std::uint64_t admin_connections_max = 64; // beyond connections_max
    static constexpr Duration look_every = 1s;
    // A file that changed is taken over when it is still the same so long after: an editor, or cp,
    // that is half way through would take everybody's rights, or give them to all. At the latest
    // after so many looks.
    static constexpr Duration look_again = 100ms;
    static constexpr int looks_again_max = 10;
    static constexpr std::size_t lines_max = 10; // of one look(); the rest as a number

    // What was read and does not hold yet.
    struct Fresh {
        net::AccessWatch watch;
        net::Access access;
        net::GateLimits limits;
        bool is_different = false; // from what holds, by content
    };

    // A path that is set in two `settings`, or none of what belongs together: bad_option; insecure;
    // and the errors of net/curve and net/access_watch.
    static Result<AccessKeeper> open(const CommonSettings& settings);

    const net::Security& security() const noexcept { return security_; }
    // The same for the admin listener, which is in a ZAP domain of its own.
    net::Security admin_security() const;
    // What a listener without keys has beside those of security(), in front of the same gate.
    net::Plaintext plaintext(net::Plaintext::Where where);
    // Never nullptr; another pointer when they changed.
    const std::shared_ptr<const Permissions>& permissions() const noexcept { return permissions_; }
    const std::shared_ptr<net::Gate>& gate() const noexcept { return gate_; }
    std::vector<std::shared_ptr<const net::Gate>> gates() const { return {gate_, admin_gate_}; }
    // A relay that this is for: named in each handshake_refused.
    void name_relay(std::string relay) { relay_ = std::move(relay); }
    // connections, handshakes, and failures by reason as far as there were some.
    Fields counters() const;

    // A file changed and could not be taken over: what holds is older.
    bool is_stale() const noexcept { return !stale_why_.empty(); }
    const std::string& stale_why() const noexcept { return stale_why_; }

    // Once a second (sooner calls do nothing, but while a file changes): logs who was refused, and
    // takes over files that changed; of two, the one that is right. True: permissions() are others.
    [[nodiscard]] bool look(Instant now, const Log& log);

    // For a reload, all or nothing: everything as `settings` say now. Errors: as open(); bad_option
    // (the listeners would have to be other ones: that needs a restart); insecure (no rule, or no
    // key, is left).
    Result<Fresh> read_again(const CommonSettings& settings);
    void take_over(Fresh fresh);

private:
    AccessKeeper(Fresh fresh, std::shared_ptr<net::Gate> gate,
                 net::Plaintext::Handshakes handshakes);
    // The kind of the listeners stays as it is.
    Status check_plain(const net::Access& access) const;
    Status check_rules(const net::Access& access) const;
    Status check_again(const net::Access& access) const;
    bool take_over(net::Access access, const Log& log);
    bool is_settled(Instant now);
    void set_policy(net::AccessPolicy policy);
    void log_failures(const Log& log);
    void log_endless(const Log& log);

    net::AccessWatch watch_;
    net::Security security_{};
    std::shared_ptr<net::Gate> gate_;
    std::shared_ptr<net::Gate> admin_gate_;
    std::string relay_{};
    net::Plaintext::Handshakes handshakes_; // of listeners without keys,
    bool has_plaintext_ = false;            // if there are some
    std::shared_ptr<const Permissions> permissions_;
    Instant next_look_{};
    std::optional<std::uint64_t> changing_{}; // what the last look saw, not taken over yet
    int looks_again_ = 0;
    std::string stale_why_{};
    std::uint64_t failures_logged_ = 0; // and counted
    std::uint64_t endless_logged_ = 0;  // the same
};

// What the settings leave open takes the gate's own limits.
net::GateLimits gate_limits(const CommonSettings& settings);

} // namespace flotilla::host
