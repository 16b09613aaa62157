// SPDX-License-Identifier: Apache-2.0
// What a store takes over while it runs.
#include "host/reload.hpp"

#include "store/service.hpp"
#include "store/setting_list.hpp"

#include <algorithm>
#include <utility>

namespace flotilla::store_daemon {
namespace {

// Fields of StoreLimits that the machine takes at any time.
const std::vector<std::string_view> live{
    "queues_max",    "sessions_max",      "credit_max",      "leased_max",        "takes_max",
    "producers_max", "producers_age_max", "acked_waits_max", "turn_commands_max", "turn_bytes_max",
    "heartbeat",     "silence_max",       "return_grace",    "default_queue"};

const DeclaredQueue* named(const std::vector<DeclaredQueue>& queues, const std::string& name) {
    const auto found = std::find_if(queues.begin(), queues.end(),
                                    [&](const DeclaredQueue& each) { return each.name == name; });
    return found == queues.end() ? nullptr : &*found;
}

// Those of `wanted` that are new, or have other properties than in `running`.
std::vector<DeclaredQueue> differing(const std::vector<DeclaredQueue>& wanted,
                                     const std::vector<DeclaredQueue>& running) {
    std::vector<DeclaredQueue> all;
    for (const DeclaredQueue& each : wanted) {
        const DeclaredQueue* before = named(running, each.name);
        if (!before || !(before->properties == each.properties))
            all.push_back(each);
    }
    return all;
}

bool same(const std::vector<queue::StoreLimits::AutoCreate>& a,
          const std::vector<queue::StoreLimits::AutoCreate>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& two) {
        return one.pattern == two.pattern && one.properties == two.properties;
    });
}

bool same(const queue::Door& a, const queue::Door& b) {
    const auto same_place = [](const net::Attachment& one, const net::Attachment& two) {
        return one.how == two.how && one.endpoint == two.endpoint;
    };
    return a.kind == b.kind && a.queue == b.queue && a.topics == b.topics && a.unpack == b.unpack &&
           a.metadata == b.metadata && a.send_messages_max == b.send_messages_max &&
           std::equal(a.endpoints.begin(), a.endpoints.end(), b.endpoints.begin(),
                      b.endpoints.end(), same_place);
}

} // namespace

// A queue that cannot be what it is to be gives those before it their old properties back; queues
// that are new stay, empty, as they would for a client that made them.
Status Service::declare(const std::vector<DeclaredQueue>& queues) {
    for (std::size_t i = 0; i < queues.size(); ++i) {
        const Status declared = server_->declare(queues[i].name, queues[i].properties);
        if (declared)
            continue;
        for (std::size_t j = 0; j < i; ++j)
            if (const DeclaredQueue* before = named(options_.settings.queues, queues[j].name))
                (void)server_->declare(before->name, before->properties);
        return fail(declared.error().code,
                    "queue '" + queues[i].name + "': " + declared.error().detail);
    }
    return {};
}

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
    if (!std::equal(wanted.doors.begin(), wanted.doors.end(), next.doors.begin(), next.doors.end(),
                    [](const queue::Door& a, const queue::Door& b) { return same(a, b); }))
        done.restart_needed.push_back("door");
    const std::vector<DeclaredQueue> queues = differing(wanted.queues, next.queues);
    if (!queues.empty())
        done.changed.push_back("queue");
    next.queues = wanted.queues;
    if (!same(wanted.patterns, next.patterns))
        done.changed.push_back("auto_create");
    next.patterns = wanted.patterns;
    auto access = access_->read_again(next);
    if (!access)
        return fail(access.error());
    if (access->is_different)
        done.changed.push_back("access");
    // Of what is to run, not of what is wanted: the rest waits for a restart.
    const auto options = make_options(next);
    if (!options)
        return fail(options.error());
    if (Status set = server_->engine().set_limits(options->limits); !set)
        return fail(set.error());
    if (Status declared = declare(queues); !declared) {
        (void)server_->engine().set_limits(options_.server.limits); // they were right before
        return fail(declared.error());
    }
    options_.server.limits = options->limits;
    access_->take_over(std::move(*access));
    set_permissions();
    options_.settings = std::move(next);
    if (admin_.office().set_token(std::move(read->token)))
        done.changed.push_back("admin_token");
    done.loop = host::loop_settings(options_.settings);
    return done;
}

} // namespace flotilla::store_daemon
