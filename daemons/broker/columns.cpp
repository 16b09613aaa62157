// SPDX-License-Identifier: Apache-2.0
#include "broker/columns.hpp"

#include "admin/columns.hpp"
#include "broker/report.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace flotilla::broker_daemon {
namespace {

using admin::counter;
using admin::gauge;
using admin::passing_gauge;
using admin::Shown;
using request::ServiceLevels;
using request::WorkerLevels;
using Unit = admin::Column::Unit;

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

double seconds(Duration time) {
    return std::chrono::duration<double>(time).count();
}

using F = BrokerFigures;

double refusals(const F& figures, Operation operation) {
    return number(figures.counters.not_allowed[static_cast<std::size_t>(operation)]);
}

constexpr const char* requests_help = "Requests of all services, by state";
constexpr const char* ended_help = "Requests that ended without an answer, by reason";
constexpr const char* access_help = "What rules refused, by operation";
constexpr const char* workers_help = "Workers that are gone, by reason";

constexpr std::array totals{
    Shown<F>{gauge("services", "flotilla_broker_services", "Services known"),
             [](const F& f) { return number(f.levels.services); }},
    Shown<F>{gauge("workers", "flotilla_broker_workers", "Workers registered"),
             [](const F& f) { return number(f.levels.workers); }},
    Shown<F>{
        gauge("workers_waiting", "flotilla_broker_workers_waiting", "Workers without a request"),
        [](const F& f) { return number(f.levels.workers_waiting); }},
    Shown<F>{gauge("queued", "flotilla_broker_requests", requests_help, "state", "queued"),
             [](const F& f) { return number(f.levels.queued); }},
    Shown<F>{gauge("running", "flotilla_broker_requests", requests_help, "state", "running"),
             [](const F& f) { return number(f.levels.running); }},
    Shown<F>{gauge("bytes", "flotilla_broker_bytes", "Bytes of requests that wait or run", "", "",
                   Unit::bytes),
             [](const F& f) { return number(f.levels.bytes); }},
    Shown<F>{gauge("kept_answers", "flotilla_broker_kept_answers",
                   "Answers kept for clients that ask again"),
             [](const F& f) { return number(f.levels.kept_answers); }},

    Shown<F>{counter("requests", "flotilla_requests_received_total", "Requests understood"),
             [](const F& f) { return number(f.counters.requests_total); }},
    Shown<F>{
        counter("accepted", "flotilla_requests_accepted_total", "Requests queued or given out"),
        [](const F& f) { return number(f.counters.accepted_total); }},
    Shown<F>{counter("answered", "flotilla_requests_answered_total", "Requests answered"),
             [](const F& f) { return number(f.counters.answered_total); }},
    Shown<F>{counter("failed", "flotilla_requests_ended_total", ended_help, "reason", "failed"),
             [](const F& f) { return number(f.counters.failed_total); }},
    Shown<F>{counter("expired", "flotilla_requests_ended_total", ended_help, "reason", "expired"),
             [](const F& f) { return number(f.counters.expired_total); }},
    Shown<F>{counter("dropped", "flotilla_requests_ended_total", ended_help, "reason", "withdrawn"),
             [](const F& f) { return number(f.counters.dropped_total); }},
    Shown<F>{
        counter("refused", "flotilla_requests_refused_total", "Requests that were not accepted"),
        [](const F& f) { return number(f.counters.refused_total); }},
    Shown<F>{counter("joined", "flotilla_requests_joined_total", "Repeats of a request under way"),
             [](const F& f) { return number(f.counters.joined_total); }},
    Shown<F>{counter("kept", "flotilla_requests_kept_total", "Repeats answered from what was kept"),
             [](const F& f) { return number(f.counters.kept_total); }},
    Shown<F>{
        counter("dispatched", "flotilla_requests_dispatched_total", "Requests given to workers"),
        [](const F& f) { return number(f.counters.dispatched_total); }},
    Shown<F>{counter("requeued", "flotilla_requests_requeued_total",
                     "Requests that a worker gave back, or was gone with, to be tried again"),
             [](const F& f) { return number(f.counters.requeued_total); }},
    Shown<F>{counter("partials", "flotilla_replies_partial_total", "Parts of answers passed on"),
             [](const F& f) { return number(f.counters.partials_total); }},
    Shown<F>{counter("partials_dropped", "flotilla_replies_partial_dropped_total",
                     "Parts for clients that take none, or are gone"),
             [](const F& f) { return number(f.counters.partials_dropped_total); }},
    Shown<F>{counter("replies_late", "flotilla_replies_late_total",
                     "Answers to requests that had ended"),
             [](const F& f) { return number(f.counters.replies_late_total); }},
    Shown<F>{counter("replies_undelivered", "flotilla_replies_undelivered_total",
                     "Answers whose client was gone or did not read"),
             [](const F& f) { return number(f.counters.replies_undelivered_total); }},
    Shown<F>{counter("mmi", "flotilla_broker_mmi_total", "Questions about the broker itself"),
             [](const F& f) { return number(f.counters.mmi_total); }},
    Shown<F>{
        counter("workers_registered", "flotilla_workers_registered_total", "Workers that came"),
        [](const F& f) { return number(f.counters.workers_registered_total); }},
    Shown<F>{counter("workers_gone", "flotilla_workers_gone_total", workers_help, "reason", "left"),
             [](const F& f) { return number(f.counters.workers_gone_total); }},
    Shown<F>{
        counter("workers_expired", "flotilla_workers_gone_total", workers_help, "reason", "silent"),
        [](const F& f) { return number(f.counters.workers_expired_total); }},
    Shown<F>{
        counter("workers_refused", "flotilla_workers_refused_total", "Workers that were not taken"),
        [](const F& f) { return number(f.counters.workers_refused_total); }},
    Shown<F>{counter("malformed", "flotilla_broker_malformed_total",
                     "Messages that are not the protocol"),
             [](const F& f) { return number(f.counters.malformed_total); }},
    Shown<F>{counter("unexpected", "flotilla_broker_unexpected_total",
                     "Messages that this peer may not send now"),
             [](const F& f) { return number(f.counters.unexpected_total); }},
    Shown<F>{counter("call_not_allowed", "flotilla_access_refused_total", access_help, "operation",
                     "call"),
             [](const F& f) { return refusals(f, Operation::call); }},
    Shown<F>{counter("serve_not_allowed", "flotilla_access_refused_total", access_help, "operation",
                     "serve"),
             [](const F& f) { return refusals(f, Operation::serve); }},
    Shown<F>{counter("requests_revoked", "flotilla_requests_revoked_total",
                     "Requests that ended because their user lost the right"),
             [](const F& f) { return number(f.counters.requests_revoked_total); }},
    Shown<F>{counter("workers_revoked", "flotilla_workers_revoked_total",
                     "Workers that ended because their user lost the right"),
             [](const F& f) { return number(f.counters.workers_revoked_total); }},
    Shown<F>{counter("backlogged", "flotilla_broker_backlogged_total",
                     "Messages that waited for a peer that does not read"),
             [](const F& f) { return number(f.counters.backlogged_total); }},
    Shown<F>{
        counter("backlog_dropped", "flotilla_broker_backlog_dropped_total",
                "Messages dropped because the peer that they waited for was too slow, or gone"),
        [](const F& f) { return number(f.counters.backlog_dropped_total); }},
    Shown<F>{counter("peers_too_slow", "flotilla_broker_peers_too_slow_total",
                     "Times that what waited for a peer was dropped because it did not read; its "
                     "session, if it has one, ends"),
             [](const F& f) { return number(f.counters.peers_too_slow_total); }},
};

using S = ServiceLevels;
constexpr const char* service_help = "Requests of the service, by state";
constexpr std::array services{
    Shown<S>{gauge("workers", "flotilla_service_workers", "Workers of the service"),
             [](const S& s) { return number(s.workers); }},
    Shown<S>{gauge("workers_waiting", "flotilla_service_workers_waiting",
                   "Workers of the service without a request"),
             [](const S& s) { return number(s.workers_waiting); }},
    Shown<S>{gauge("queued", "flotilla_service_requests", service_help, "state", "queued"),
             [](const S& s) { return number(s.queued); }},
    Shown<S>{gauge("running", "flotilla_service_requests", service_help, "state", "running"),
             [](const S& s) { return number(s.running); }},
    Shown<S>{counter("answered", "flotilla_service_answered_total", "Requests answered"),
             [](const S& s) { return number(s.answered_total); }},
};

using W = WorkerLevels;
constexpr std::array workers{
    Shown<W>{passing_gauge("capacity", "Requests that it takes at once"),
             [](const W& w) { return number(w.capacity); }},
    Shown<W>{passing_gauge("held", "Requests that it has not answered"),
             [](const W& w) { return number(w.held); }},
    Shown<W>{passing_gauge("running", "Of these, those that somebody waits for"),
             [](const W& w) { return number(w.running); }},
    Shown<W>{passing_gauge("busy", "While it holds something: since it last got or answered any",
                           Unit::seconds),
             [](const W& w) { return seconds(w.busy); }},
    Shown<W>{passing_gauge("silent", "Since it was heard", Unit::seconds),
             [](const W& w) { return seconds(w.silent); }},
    Shown<W>{passing_gauge("draining", "1 while it wants no more requests", Unit::flag),
             [](const W& w) { return w.is_draining ? 1.0 : 0.0; }},
};

} // namespace

admin::Table totals_table() {
    return {"broker", {}, admin::columns_of(totals), {}, 0};
}

admin::Table service_table() {
    return {"service", {}, admin::columns_of(services), {}, 0};
}

admin::Table worker_table() {
    return {
        "worker", {"service", "user", "dialect", "connection"}, admin::columns_of(workers), {}, 0};
}

admin::Row totals_row(const BrokerFigures& figures) {
    return {{}, {}, admin::values_of(totals, figures)};
}

admin::Row service_row(const ServiceLevels& service) {
    return {service.name, {}, admin::values_of(services, service)};
}

admin::Row worker_row(const WorkerLevels& worker) {
    return {worker.peer,
            {worker.service, worker.user, std::string(request::name(worker.dialect)), {}},
            admin::values_of(workers, worker)};
}

std::vector<admin::Histogram> histograms(const BrokerFigures& figures) {
    return {admin::histogram("flotilla_request_latency_seconds",
                             "From accepting a request to its final answer",
                             figures.counters.answer_times)};
}

host::Fields totals_fields(const BrokerFigures& figures) {
    host::Fields fields;
    admin::append_fields(fields, totals, figures);
    return fields;
}

host::Fields service_fields(const ServiceLevels& service) {
    host::Fields fields{{"name", shown(service.name)}};
    admin::append_fields(fields, services, service);
    return fields;
}

} // namespace flotilla::broker_daemon
