// SPDX-License-Identifier: Apache-2.0
#include "store/columns.hpp"

#include "admin/columns.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace flotilla::store_daemon {
namespace {

using admin::counter;
using admin::gauge;
using admin::passing_gauge;
using admin::Shown;
using Unit = admin::Column::Unit;
using queue::DoorStat;
using queue::QueueStat;
using queue::SessionStat;

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

double seconds(Duration time) {
    return std::chrono::duration<double>(time).count();
}

double refusals(const StoreFigures& figures, Operation operation) {
    return number(figures.counters.not_allowed[static_cast<std::size_t>(operation)]);
}

using F = StoreFigures;
constexpr const char* messages_help = "Messages of all queues, by state";
constexpr const char* dropped_help = "Messages that no consumer got, by reason";
constexpr const char* access_help = "What rules refused, by operation";

constexpr std::array totals{
    Shown<F>{gauge("queues", "flotilla_store_queues", "Queues that the store has"),
             [](const F& f) { return number(f.levels.queues); }},
    Shown<F>{gauge("sessions", "flotilla_store_sessions", "Consumers with a session"),
             [](const F& f) { return number(f.levels.sessions); }},
    Shown<F>{gauge("takes", "flotilla_store_takes", "Takes that wait for a message"),
             [](const F& f) { return number(f.levels.takes); }},
    Shown<F>{gauge("ready", "flotilla_store_messages", messages_help, "state", "ready"),
             [](const F& f) { return number(f.queues.ready); }},
    Shown<F>{gauge("delayed", "flotilla_store_messages", messages_help, "state", "delayed"),
             [](const F& f) { return number(f.queues.delayed); }},
    Shown<F>{gauge("leased", "flotilla_store_messages", messages_help, "state", "leased"),
             [](const F& f) { return number(f.levels.leased); }},
    Shown<F>{gauge("bytes", "flotilla_store_bytes", "Bytes of the messages of all queues", "", "",
                   Unit::bytes),
             [](const F& f) { return number(f.queues.bytes); }},
    Shown<F>{gauge("lag", "flotilla_store_oldest_age_seconds",
                   "Age of the oldest ready message of any queue", "", "", Unit::seconds),
             [](const F& f) { return seconds(f.queues.lag); }},
    Shown<F>{gauge("full", "flotilla_store_full", "1 while puts are refused for want of room", "",
                   "", Unit::flag),
             [](const F& f) { return f.levels.is_full ? 1.0 : 0.0; }},
    Shown<F>{
        gauge("file_bytes", "flotilla_store_file_bytes", "Size of the file", "", "", Unit::bytes),
        [](const F& f) { return number(f.disk.file_bytes); }},
    Shown<F>{gauge("disk_free_bytes", "flotilla_store_disk_free_bytes",
                   "Free space of the file system", "", "", Unit::bytes),
             [](const F& f) { return number(f.disk.disk_free_bytes); }},

    Shown<F>{counter("turns", "flotilla_store_turns_total", "Turns of the loop"),
             [](const F& f) { return number(f.counters.turns_total); }},
    Shown<F>{counter("commits", "flotilla_store_commits_total", "Commits"),
             [](const F& f) { return number(f.counters.commits_total); }},
    Shown<F>{counter("commits_failed", "flotilla_store_commits_failed_total",
                     "Commits that failed; their puts were not confirmed"),
             [](const F& f) { return number(f.counters.commits_failed_total); }},
    Shown<F>{counter("reloads", "flotilla_store_reloads_total",
                     "Times that everything was read again after a failed commit"),
             [](const F& f) { return number(f.counters.reloads_total); }},
    Shown<F>{counter("commands", "flotilla_store_commands_total", "Commands understood"),
             [](const F& f) { return number(f.counters.commands_total); }},
    Shown<F>{counter("malformed", "flotilla_store_malformed_total",
                     "Messages that are not the protocol"),
             [](const F& f) { return number(f.counters.malformed_total); }},
    Shown<F>{counter("refused", "flotilla_store_refused_total", "Commands answered with an error"),
             [](const F& f) { return number(f.counters.refused_total); }},
    Shown<F>{counter("refused_full", "flotilla_store_refused_full_total",
                     "Puts refused because the store has no room"),
             [](const F& f) { return number(f.counters.full_total); }},
    Shown<F>{counter("backlogged", "flotilla_store_backlogged_total",
                     "Answers that waited for a peer that does not read"),
             [](const F& f) { return number(f.counters.backlogged_total); }},
    Shown<F>{counter("backlog_dropped", "flotilla_store_backlog_dropped_total",
                     "Answers dropped because the peer that they waited for was too slow, or gone"),
             [](const F& f) { return number(f.counters.backlog_dropped_total); }},
    Shown<F>{counter("peers_too_slow", "flotilla_store_peers_too_slow_total",
                     "Peers whose session ended because they did not read"),
             [](const F& f) { return number(f.counters.peers_too_slow_total); }},
    Shown<F>{counter("sessions_revoked", "flotilla_store_sessions_revoked_total",
                     "Sessions that ended because their user lost the right"),
             [](const F& f) { return number(f.counters.revoked_total); }},
    Shown<F>{counter("put_not_allowed", "flotilla_access_refused_total", access_help, "operation",
                     "put"),
             [](const F& f) { return refusals(f, Operation::put); }},
    Shown<F>{counter("take_not_allowed", "flotilla_access_refused_total", access_help, "operation",
                     "take"),
             [](const F& f) { return refusals(f, Operation::take); }},
    Shown<F>{counter("administer_not_allowed", "flotilla_access_refused_total", access_help,
                     "operation", "administer"),
             [](const F& f) { return refusals(f, Operation::administer); }},

    Shown<F>{counter("received", "flotilla_messages_received_total", "Messages accepted"),
             [](const F& f) { return number(f.counters.queues.accepted_total); }},
    Shown<F>{counter("received_bytes", "flotilla_messages_received_bytes_total",
                     "Bytes of the messages accepted", "", "", Unit::bytes),
             [](const F& f) { return number(f.counters.queues.accepted_bytes_total); }},
    Shown<F>{
        counter("duplicates", "flotilla_messages_duplicate_total", "Puts recognised as repeats"),
        [](const F& f) { return number(f.counters.queues.duplicate_total); }},
    Shown<F>{counter("delivered", "flotilla_messages_delivered_total", "Deliveries to consumers"),
             [](const F& f) { return number(f.counters.queues.delivered_total); }},
    Shown<F>{counter("redelivered", "flotilla_messages_redelivered_total",
                     "Deliveries that were not the first of their message"),
             [](const F& f) { return number(f.counters.queues.redelivered_total); }},
    Shown<F>{counter("finished", "flotilla_messages_finished_total", "Messages acknowledged"),
             [](const F& f) { return number(f.counters.queues.finished_total); }},
    Shown<F>{counter("nacked", "flotilla_messages_nacked_total", "Messages given back"),
             [](const F& f) { return number(f.counters.queues.nacked_total); }},
    Shown<F>{
        counter("leases_expired", "flotilla_messages_lease_expired_total", "Leases that ran out"),
        [](const F& f) { return number(f.counters.queues.lease_expired_total); }},
    Shown<F>{counter("dead", "flotilla_messages_dead_lettered_total",
                     "Messages given up, by reason", "reason", "attempts"),
             [](const F& f) { return number(f.counters.queues.dead_total); }},
    Shown<F>{
        counter("expired", "flotilla_messages_dropped_total", dropped_help, "reason", "expired"),
        [](const F& f) { return number(f.counters.queues.expired_total); }},
    Shown<F>{
        counter("dropped", "flotilla_messages_dropped_total", dropped_help, "reason", "overflow"),
        [](const F& f) { return number(f.counters.queues.dropped_total); }},
    Shown<F>{counter("purged", "flotilla_messages_dropped_total", dropped_help, "reason", "purged"),
             [](const F& f) { return number(f.counters.queues.purged_total); }},
    Shown<F>{counter("damaged", "flotilla_store_blocks_damaged_total",
                     "Blocks that fail their checksum"),
             [](const F& f) { return number(f.counters.queues.damaged_total); }},
};

using Q = QueueStat;
constexpr const char* queue_messages = "flotilla_queue_messages";
constexpr const char* queue_dropped = "flotilla_queue_dropped_total";

constexpr std::array queues{
    Shown<Q>{gauge("ready", queue_messages, "Messages in the queue, by state", "state", "ready"),
             [](const Q& q) { return number(q.levels.ready); }},
    Shown<Q>{
        gauge("delayed", queue_messages, "Messages in the queue, by state", "state", "delayed"),
        [](const Q& q) { return number(q.levels.delayed); }},
    Shown<Q>{gauge("leased", queue_messages, "Messages in the queue, by state", "state", "leased"),
             [](const Q& q) { return number(q.levels.leased); }},
    Shown<Q>{gauge("bytes", "flotilla_queue_bytes", "Bytes of the messages in the queue", "", "",
                   Unit::bytes),
             [](const Q& q) { return number(q.levels.bytes); }},
    Shown<Q>{gauge("consumers", "flotilla_queue_consumers", "Consumers of the queue"),
             [](const Q& q) { return number(q.levels.consumers); }},
    Shown<Q>{gauge("lag", "flotilla_queue_oldest_age_seconds", "Age of the oldest ready message",
                   "", "", Unit::seconds),
             [](const Q& q) { return seconds(q.levels.lag); }},
    Shown<Q>{counter("accepted", "flotilla_queue_received_total", "Messages accepted"),
             [](const Q& q) { return number(q.counters.accepted_total); }},
    Shown<Q>{counter("accepted_bytes", "flotilla_queue_received_bytes_total",
                     "Bytes of the messages accepted", "", "", Unit::bytes),
             [](const Q& q) { return number(q.counters.accepted_bytes_total); }},
    Shown<Q>{counter("duplicates", "flotilla_queue_duplicate_total", "Puts recognised as repeats"),
             [](const Q& q) { return number(q.counters.duplicate_total); }},
    Shown<Q>{counter("refused", "flotilla_queue_refused_total", "Puts answered with an error"),
             [](const Q& q) { return number(q.counters.refused_total); }},
    Shown<Q>{counter("finished", "flotilla_queue_finished_total", "Messages acknowledged"),
             [](const Q& q) { return number(q.counters.finished_total); }},
    Shown<Q>{counter("late", "flotilla_queue_finished_late_total",
                     "Messages acknowledged after their lease had run out"),
             [](const Q& q) { return number(q.counters.late_total); }},
    Shown<Q>{counter("delivered", "flotilla_queue_delivered_total", "Deliveries to consumers"),
             [](const Q& q) { return number(q.counters.delivered_total); }},
    Shown<Q>{counter("redelivered", "flotilla_queue_redelivered_total",
                     "Deliveries that were not the first of their message"),
             [](const Q& q) { return number(q.counters.redelivered_total); }},
    Shown<Q>{counter("nacked", "flotilla_queue_nacked_total", "Messages given back"),
             [](const Q& q) { return number(q.counters.nacked_total); }},
    Shown<Q>{counter("leases_expired", "flotilla_queue_lease_expired_total", "Leases that ran out"),
             [](const Q& q) { return number(q.counters.lease_expired_total); }},
    Shown<Q>{counter("dead", "flotilla_queue_dead_lettered_total", "Messages given up, by reason",
                     "reason", "attempts"),
             [](const Q& q) { return number(q.counters.dead_total); }},
    Shown<Q>{counter("expired", queue_dropped, dropped_help, "reason", "expired"),
             [](const Q& q) { return number(q.counters.expired_total); }},
    Shown<Q>{counter("dropped", queue_dropped, dropped_help, "reason", "overflow"),
             [](const Q& q) { return number(q.counters.dropped_total); }},
    Shown<Q>{counter("purged", queue_dropped, dropped_help, "reason", "purged"),
             [](const Q& q) { return number(q.counters.purged_total); }},
    Shown<Q>{counter("damaged", "flotilla_queue_blocks_damaged_total",
                     "Blocks that fail their checksum"),
             [](const Q& q) { return number(q.counters.damaged_total); }},
};

using D = DoorStat;
constexpr std::array doors{
    Shown<D>{gauge("paused", "flotilla_door_paused",
                   "1 while it does not read, because the queue or the store is full", "", "",
                   Unit::flag),
             [](const D& d) { return d.is_paused ? 1.0 : 0.0; }},
    Shown<D>{counter("messages", "flotilla_door_messages_total", "Messages that went through"),
             [](const D& d) { return number(d.messages_total); }},
    Shown<D>{counter("refused", "flotilla_door_refused_total",
                     "Messages that did not: too large, or the queue was full"),
             [](const D& d) { return number(d.refused_total); }},
    Shown<D>{counter("lost", "flotilla_door_lost_total", "Gaps in a feed, as its numbers tell"),
             [](const D& d) { return number(d.lost_total); }},
    Shown<D>{gauge("loss_unknown", "flotilla_door_loss_unknown",
                   "1 when more may be missing than its numbers tell", "", "", Unit::flag),
             [](const D& d) { return d.is_loss_unknown ? 1.0 : 0.0; }},
};

using C = SessionStat;
constexpr std::array sessions{
    Shown<C>{passing_gauge("credit", "Messages that it takes at once"),
             [](const C& c) { return number(c.credit); }},
    Shown<C>{passing_gauge("leased", "Messages that it has not finished"),
             [](const C& c) { return number(c.leased); }},
    Shown<C>{passing_gauge("silent", "Since it was heard", Unit::seconds),
             [](const C& c) { return seconds(c.silent); }},
    Shown<C>{passing_gauge("gone",
                           "1 while its connection has ended and what it holds waits for it",
                           Unit::flag),
             [](const C& c) { return c.is_gone ? 1.0 : 0.0; }},
    Shown<C>{passing_gauge("stuck", "1 while it does not read, and is given nothing", Unit::flag),
             [](const C& c) { return c.is_held ? 1.0 : 0.0; }},
};

std::string kind(const DoorStat& door) {
    using Kind = queue::Door::Kind;
    return door.kind == Kind::pull ? "pull" : door.kind == Kind::sub ? "sub" : "push";
}

} // namespace

StoreFigures figures_of(const queue::QueueServer& server, const queue::LmdbStore& disk,
                        const queue::QueueLevels& queues_together) {
    return {server.counters(), server.levels(), disk.levels(), queues_together};
}

admin::Table totals_table() {
    return {"store", {}, admin::columns_of(totals), {}, 0};
}

admin::Table queue_table() {
    return {
        "queue", {"order", "durability", "dead_letter_queue"}, admin::columns_of(queues), {}, 0};
}

admin::Table door_table() {
    return {"door", {"queue", "kind"}, admin::columns_of(doors), {}, 0};
}

admin::Row totals_row(const StoreFigures& figures) {
    return {{}, {}, admin::values_of(totals, figures)};
}

admin::Row queue_row(const QueueStat& queue) {
    const queue::QueueProperties& is = queue.properties;
    return {queue.name,
            {std::string(name(is.order)), std::string(name(is.durability)), is.dead_letter_queue},
            admin::values_of(queues, queue)};
}

admin::Table session_table() {
    return {
        "session", {"queue", "consumer", "user", "connection"}, admin::columns_of(sessions), {}, 0};
}

admin::Row session_row(const SessionStat& session) {
    return {session.peer,
            {session.queue, session.consumer, session.user, {}},
            admin::values_of(sessions, session)};
}

admin::Row door_row(const DoorStat& door) {
    return {door.endpoint, {door.queue, kind(door)}, admin::values_of(doors, door)};
}

std::vector<admin::Histogram> histograms(const StoreFigures& figures) {
    return {admin::histogram("flotilla_store_commit_seconds", "Time of a commit to disk",
                             figures.counters.commit_times),
            admin::histogram("flotilla_delivery_latency_seconds",
                             "From a message's acceptance, or its being due, to its first "
                             "delivery; to the millisecond",
                             figures.counters.delivery_times)};
}

host::Fields totals_fields(const StoreFigures& figures) {
    host::Fields fields;
    admin::append_fields(fields, totals, figures);
    return fields;
}

host::Fields queue_fields(const QueueStat& queue) {
    host::Fields fields{{"name", queue.name}};
    admin::append_fields(fields, queues, queue);
    return fields;
}

host::Fields door_fields(const DoorStat& door) {
    host::Fields fields{{"queue", door.queue}, {"kind", kind(door)}, {"endpoints", door.endpoint}};
    admin::append_fields(fields, doors, door);
    return fields;
}

} // namespace flotilla::store_daemon
