// SPDX-License-Identifier: Apache-2.0
#include "store/service.hpp"

#include "host/listener.hpp"
#include "host/rate_limit.hpp"
#include "host/setting_name.hpp"
#include "host/transport.hpp"
#include "store/administration.hpp"
#include "store/columns.hpp"
#include "store/report.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/properties.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace flotilla::store_daemon {
namespace {

constexpr std::uint32_t queues_logged_max = 1'000; // by one SIGUSR1

// One that would refuse the first put says at its start what it lacks.
void warn_of_room(const queue::LmdbStore& disk, const DaemonSettings& settings,
                  const host::Log& log) {
    if (disk.room() > 0)
        return;
    const queue::LmdbLevels levels = disk.levels();
    log.warning(
        "no_room",
        {{"why", "puts are refused: of " + format_bytes(levels.file_bytes) + " of the file and " +
                     format_bytes(levels.disk_free_bytes) + " that are free on the disk, " +
                     format_bytes(levels.used_bytes) + " are used, disk_reserve_bytes keeps " +
                     format_bytes(*settings.disk_reserve_bytes) + ", and " +
                     format_bytes(levels.finish_bytes) +
                     " are kept to finish messages with (1/32 of file_bytes_max, at least 4MiB)"}});
}

} // namespace

std::function<void(const queue::EngineOutputs::Notice&)> notice_log(const host::Log& log) {
    return [&log, limits = std::map<std::string, host::RateLimit, std::less<>>{}](
               const queue::EngineOutputs::Notice& notice) mutable {
        auto limit = limits.find(notice.event);
        if (limit == limits.end())
            limit = limits.emplace(std::string(notice.event), host::RateLimit{1s}).first;
        // Of queues there are only so many, and each is named.
        const auto left_out = notice.event == "queue_created" ? std::optional<std::uint64_t>{0}
                                                              : limit->second.pass(net::now());
        if (!left_out)
            return;
        host::Fields fields;
        if (!notice.queue.empty())
            fields.emplace_back("queue", notice.queue);
        if (!notice.detail.empty())
            fields.emplace_back("why", notice.detail);
        if (*left_out > 0)
            fields.emplace_back("left_out", *left_out);
        log.write(level(notice.event), notice.event, fields);
    };
}

Service::Service(net::Context context, admin::Admin admin, ServiceOptions options, host::Log& log)
    : options_(std::move(options)), log_(&log), context_(std::move(context)),
      admin_(std::move(admin)) {}

Result<Service> Service::open(ServiceOptions options, host::Log& log) {
    // First, so that it can be seen that the rest takes its time.
    auto admin = admin::Admin::open(options.admin, log);
    if (!admin)
        return fail(admin.error());
    auto context = host::open_context(options.settings, log);
    if (!context)
        return fail(context.error());
    auto access = host::AccessKeeper::open(options.settings);
    if (!access)
        return fail(access.error());
    Service service{std::move(*context), std::move(*admin), std::move(options), log};
    ServiceOptions& own = service.options_;
    auto store = queue::LmdbStore::open(*own.settings.data, own.store);
    if (!store)
        return fail(store.error());
    service.disk_ = store->get();
    if (const auto given_up = service.disk_->given_up())
        log.warning("journal_given_up", {{"times", given_up->times},
                                         {"last", utc_text(given_up->wall_ms)},
                                         {"behind_turn", given_up->turn}});
    own.server.on_notice = notice_log(log);
    own.server.on_refused = [audit = service.admin_.audit()](const Refusal& refusal) {
        note(*audit, refusal);
    };
    own.server.on_changed =
        [audit = service.admin_.audit()](const queue::EngineOutputs::Change& change) {
            admin::AuditEntry entry =
                admin::entry_about(change.user, change.user_id, change.descriptor);
            entry.verb = change.verb;
            entry.object = change.queue;
            audit->changed(std::move(entry));
        };
    own.server.security = access->security();
    own.server.permissions = access->permissions();
    service.access_.emplace(std::move(*access));
    service.admin_.office().set_permissions(service.access_->permissions());
    auto server = queue::QueueServer::open(service.context_, std::move(*store), own.server);
    if (!server)
        return fail(server.error());
    service.server_.emplace(std::move(*server));
    if (const Status declared = service.declare(own.settings.queues); !declared)
        return fail(declared.error());
    for (const net::Endpoint& each : *own.settings.bind) {
        auto bound = service.server_->bind(each);
        if (!bound)
            return fail(host::about_setting("bind", bound.error()));
        service.bound_.push_back(std::move(*bound));
    }
    if (Status listens = service.admin_.listen(service.context_, service.access_->admin_security());
        !listens)
        return fail(listens.error());
    host::name_unused_listeners(service.context_, log);
    warn_of_room(*service.disk_, own.settings, log);
    service.warn_of_absent_queues();
    service.admin_.begin(); // who asks from now on waits for the loop
    return service;
}

// A queue may be made later; a name that is misspelt would never be.
bool Service::may_have(const std::string& queue) const {
    const auto& rules = options_.server.limits.auto_create;
    const queue::QueuePage page = server_->queues({queue, {}, 1});
    return (!page.queues.empty() && page.queues.front().name == queue) ||
           std::any_of(rules.begin(), rules.end(),
                       [&](const auto& rule) { return queue::fits_pattern(rule.pattern, queue); });
}

void Service::warn_of_absent_queues() const {
    for (const queue::DoorStat& door : server_->doors())
        if (!may_have(door.queue))
            log_->warning("door_without_queue",
                          {{"queue", door.queue},
                           {"endpoints", door.endpoint},
                           {"why", "there is no such queue: the door waits until it is made (zmq "
                                   "queue create, or a [[queue]] of the settings)"}});
    const std::string& standard = options_.server.limits.default_queue;
    if (!standard.empty() && !may_have(standard))
        log_->warning("default_queue_absent",
                      {{"queue", standard},
                       {"why", "there is no such queue: who names none is refused until it is made "
                               "(zmq queue create, or a [[queue]] of the settings)"}});
}

std::string Service::ready_json() const {
    nlohmann::ordered_json all;
    all["event"] = "ready";
    all["endpoints"] = nlohmann::ordered_json::array();
    for (const net::Endpoint& each : bound_)
        all["endpoints"].push_back(each.text());
    all["doors"] = nlohmann::ordered_json::array();
    for (const queue::DoorStat& each : server_->doors())
        all["doors"].push_back({{"queue", each.queue}, {"endpoints", each.endpoint}});
    for (const auto& [setting, place] : admin_.places())
        all[setting] = place;
    return all.dump();
}

Status Service::process(Duration wait) {
    if (access_->look(net::recent_now(), *log_))
        set_permissions();
    if (disk_->is_deleted() && !std::exchange(was_told_deleted_, true))
        log_->error("data_deleted",
                    {{"data", *options_.settings.data}, {"why", std::string(deleted_text)}});
    return server_->process(wait);
}

void Service::set_permissions() {
    server_->set_permissions(access_->permissions());
    admin_.office().set_permissions(access_->permissions());
}

std::vector<host::Fields> Service::counters() const {
    return {totals_fields(figures_of(*server_, *disk_, server_->queues({{}, {}, 0}).all))};
}

void Service::attach(net::Poller& poller) {
    poller.on_readable(server_->fd(), [] {}); // process() does what there is to do
    for (const int each : server_->connection_fds())
        poller.on_readable(each, [this] { server_->hear_connections(); });
    admin_.attach(poller, *administration_);
}

void Service::detach(net::Poller& poller) {
    poller.forget(server_->fd());
    for (const int each : server_->connection_fds())
        poller.forget(each);
    admin_.detach(poller);
}

void Service::stop() {
    admin_.end();
    server_->stop();
}

void Service::report(const host::Log& log) const {
    log.info("access_counters", access_->counters());
    const queue::QueuePage page = server_->queues({{}, {}, queues_logged_max});
    for (const queue::QueueStat& each : page.queues)
        log.info("queue_counters", queue_fields(each));
    if (page.left_out > 0)
        log.info("queue_counters_left_out", {{"queues", page.left_out}});
    for (const queue::DoorStat& each : server_->doors())
        log.info("door_counters", door_fields(each));
}

std::string Service::status() const {
    const queue::EngineLevels now = server_->levels();
    return std::to_string(now.queues) + " queues, " + std::to_string(now.sessions) + " sessions, " +
           std::to_string(now.leased) + " messages with consumers" +
           (now.is_full ? "; full: puts are refused" : "");
}

ExitCode Service::run(host::Signals& signals) {
    host::ServeLoop loop(*this, *log_, *options_.settings.drain, admin_.and_own(bound_));
    Administration administration({program_name, admin_.instance(), bound_, access_->gates(),
                                   [this] { return access_->stale_why(); }},
                                  loop, {*server_, *disk_, *options_.settings.disk_reserve_bytes});
    administration_ = &administration;
    return loop.run(signals,
                    {{{"endpoints", net::joined(bound_)}, {"data", *options_.settings.data}}});
}

} // namespace flotilla::store_daemon
