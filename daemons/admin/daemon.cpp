// SPDX-License-Identifier: Apache-2.0
#include "admin/daemon.hpp"

#include "admin/common.hpp"
#include "admin/json.hpp"
#include "host/gate_sums.hpp"

#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace flotilla::admin {

Daemon::Daemon(Identity identity, host::ServeLoop& loop)
    : identity_(std::move(identity)), loop_(loop),
      started_ms_(whole_ms(net::wall_now().time_since_epoch())) {}

Snapshot Daemon::snapshot(const Wanted& wanted) const {
    Snapshot snapshot;
    snapshot.program = identity_.program;
    snapshot.instance = identity_.instance;
    snapshot.version = FLOTILLA_VERSION;
    snapshot.process = ::getpid();
    snapshot.started_ms = started_ms_;
    snapshot.taken_ms = whole_ms(net::wall_now().time_since_epoch());
    snapshot.state = loop_.is_draining() ? State::draining : State::ready;
    if (loop_.is_draining())
        snapshot.not_ready.emplace_back("draining");
    for (const std::string& each : loop_.lost_listeners())
        snapshot.not_ready.push_back("the socket file of " + each +
                                     " was deleted or replaced: nobody new gets in; restart");
    for (const net::Endpoint& each : identity_.endpoints)
        snapshot.endpoints.push_back(each.text());
    show(wanted, snapshot);
    if (snapshot.state == State::ready && !snapshot.not_ready.empty())
        snapshot.state = State::not_ready; // whoever reads nothing but the state is not fooled
    const std::string stale_access = identity_.stale_access ? identity_.stale_access() : "";
    add_warnings(snapshot, stale_access);
    add_connections(snapshot, host::sum_of(identity_.gates),
                    {!stale_access.empty(), !loop_.reload_failure().empty()});
    snapshot.objects.push_back(connection_table(identity_.gates, wanted, net::now()));
    return snapshot;
}

void Daemon::add_warnings(Snapshot& snapshot, const std::string& stale_access) const {
    if (const std::string& why = loop_.reload_failure(); !why.empty())
        snapshot.warnings.push_back("the last reload failed, and the old settings hold: " + why);
    if (!stale_access.empty())
        snapshot.warnings.push_back("keys or rules changed and could not be taken over: " +
                                    stale_access);
    if (!loop_.restart_needed().empty())
        snapshot.warnings.push_back("settings wait for a restart: " +
                                    host::listed(loop_.restart_needed()));
}

Answer Daemon::drain() {
    const Duration left = loop_.order_drain();
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return {200, R"({"deadline_ms":)" + std::to_string(milliseconds) + "}"};
}

Answer Daemon::reload() {
    const auto reloaded = loop_.reload();
    if (!reloaded)
        return refused(409, name(reloaded.error().code), reloaded.error().detail);
    return {200, nlohmann::ordered_json{{"changed", reloaded->changed},
                                        {"restart_needed", reloaded->restart_needed}}
                     .dump()};
}

void Daemon::obey(const Order& order, std::function<void(Answer)> answered) {
    if (order.verb == "drain")
        return answered(drain());
    if (order.verb == "reload")
        return answered(reload());
    obey_own(order, std::move(answered));
}

Answer refused(std::uint16_t code, std::string_view error, std::string_view why) {
    return {code, error_json(error, why)};
}

bool is_wanted(const Wanted& wanted, std::string_view kind) noexcept {
    return wanted.rows_max > 0 && (wanted.kind.empty() || wanted.kind == kind);
}

} // namespace flotilla::admin
