// SPDX-License-Identifier: Apache-2.0
#include "relay/administration.hpp"

#include "relay/columns.hpp"

#include <algorithm>
#include <utility>

namespace flotilla::relay_daemon {

void Administration::show(const admin::Wanted& wanted, admin::Snapshot& snapshot) const {
    RelayFigures sum{{}, 0, 0};
    std::vector<const relay::Relay*> by_name;
    for (const relay::Relay& each : relays_)
        by_name.push_back(&each);
    std::sort(by_name.begin(), by_name.end(), [](const relay::Relay* a, const relay::Relay* b) {
        return a->options().name < b->options().name;
    });
    for (const relay::Relay* each : by_name) {
        const RelayFigures figures = figures_of(*each);
        add(sum, figures);
        if (figures.paused > 0)
            snapshot.warnings.push_back("relay '" + each->options().name +
                                        "' was paused and hands nothing on; resume it");
    }
    admin::Table relays = relay_table();
    if (is_wanted(wanted, "relay"))
        for (const relay::Relay* each : by_name)
            add_row(wanted, relays, each->options().name, [&] { return relay_row(*each); });
    snapshot.totals = totals_table();
    snapshot.totals.rows.push_back(totals_row(sum));
    snapshot.totals.rows.back().name = instance();
    snapshot.objects.push_back(std::move(relays));
}

void Administration::obey_own(const admin::Order& order,
                              std::function<void(admin::Answer)> answered) {
    if (order.verb != "pause" && order.verb != "resume")
        return answered(admin::unknown_verb());
    const auto named = order.arguments.find("relay");
    const auto relay = std::find_if(relays_.begin(), relays_.end(), [&](const relay::Relay& each) {
        return named != order.arguments.end() && each.options().name == named->second;
    });
    if (relay == relays_.end())
        return answered(admin::refused(404, "not_found", "there is no relay of this name"));
    if (order.verb == "pause")
        relay->pause();
    else
        relay->resume();
    answered({200, "{}"});
}

} // namespace flotilla::relay_daemon
