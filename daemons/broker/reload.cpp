// SPDX-License-Identifier: Apache-2.0
// What a broker takes over while it runs.
#include "host/reload.hpp"

#include "broker/service.hpp"
#include "broker/setting_list.hpp"

#include <algorithm>
#include <utility>

namespace flotilla::broker_daemon {
namespace {

// Fields of BrokerLimits that the machine takes at any time. Heartbeats are agreed with workers;
// kept answers and backlogs have their room from the start.
const std::vector<std::string_view> live{"services_max", "workers_max", "requests_max",
                                         "requests_bytes_max"};

bool same(const ServiceSettings& a, const ServiceSettings& b) {
    bool all = true;
    for_each_service_setting([&](const char*, auto field, const auto&, const char*) {
        all = all && a.*field == b.*field;
    });
    return all;
}

bool same(const std::vector<NamedService>& a, const std::vector<NamedService>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const NamedService& one, const NamedService& other) {
                          return one.name == other.name && same(one.settings, other.settings);
                      });
}

} // namespace

Result<host::Reloaded> Service::reload() {
    host::Reloaded done;
    done.loop = host::loop_settings(options_.settings);
    if (!options_.read_again)
        return done;
    auto read = admin::wanted_settings(options_);
    if (!read)
        return fail(read.error());
    const DaemonSettings& wanted = read->settings;
    DaemonSettings next = options_.settings;
    for_each_setting(host::taking_over(next, wanted, live, done));
    if (wanted.bind != next.bind)
        done.restart_needed.push_back("bind");
    if (!same(wanted.service, next.service) || !same(wanted.services, next.services))
        done.changed.push_back("service");
    next.service = wanted.service;
    next.services = wanted.services;
    auto access = access_->read_again(next);
    if (!access)
        return fail(access.error());
    if (access->is_different)
        done.changed.push_back("access");
    // Of what is to run, not of what is wanted: the rest waits for a restart.
    const auto options = make_options(next);
    const Status set = options ? broker_->set_limits(options->limits) : fail(options.error());
    if (!set)
        return fail(set.error());
    access_->take_over(std::move(*access));
    set_permissions();
    options_.settings = std::move(next);
    if (admin_.office().set_token(std::move(read->token)))
        done.changed.push_back("admin_token");
    done.loop = host::loop_settings(options_.settings);
    return done;
}

} // namespace flotilla::broker_daemon
