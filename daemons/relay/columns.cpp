// SPDX-License-Identifier: Apache-2.0
#include "relay/columns.hpp"

#include "admin/columns.hpp"

#include <array>
#include <utility>

namespace flotilla::relay_daemon {
namespace {

using admin::counter;
using admin::gauge;
using admin::Shown;
using relay::Drop;
using Unit = admin::Column::Unit;

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

using F = RelayFigures;
constexpr const char* messages_help =
    "Messages handed on: in is from frontends to backends, out the other way";
constexpr const char* bytes_help = "Bytes handed on";
constexpr const char* access_help = "What rules refused, by operation";
constexpr const char* dropped_help = "Messages read that do not reach the other side, by reason";

template <Operation operation>
double refused(const F& figures) {
    return number(figures.counters.not_allowed[static_cast<std::size_t>(operation)]);
}

template <Drop reason>
double dropped(const F& figures) {
    return number(figures.counters.in.dropped(reason) + figures.counters.out.dropped(reason));
}

// The same columns for all relays together and for each; metrics have another name.
struct Names {
    const char* messages;
    const char* bytes;
    const char* dropped;
    const char* held;
    const char* backlog_messages;
    const char* backlog_bytes;
    const char* captured;
    const char* last_value_topics;
    const char* last_value_bytes;
    const char* last_values_sent;
    const char* last_values_forgotten;
    const char* subscriptions;
    const char* subscriptions_bytes;
    const char* subscribers_cut;
};
constexpr Names of_all{"flotilla_messages_relayed_total",
                       "flotilla_messages_relayed_bytes_total",
                       "flotilla_messages_dropped_total",
                       "flotilla_relays_held_messages",
                       "flotilla_relays_backlog_messages",
                       "flotilla_relays_backlog_bytes",
                       "flotilla_relays_captured_total",
                       "flotilla_relays_last_value_topics",
                       "flotilla_relays_last_value_bytes",
                       "flotilla_relays_last_values_sent_total",
                       "flotilla_relays_last_values_forgotten_total",
                       "flotilla_relays_subscriptions",
                       "flotilla_relays_subscriptions_bytes",
                       "flotilla_relays_subscribers_cut_total"};
constexpr Names of_one{"flotilla_relay_messages_total",
                       "flotilla_relay_bytes_total",
                       "flotilla_relay_dropped_total",
                       "flotilla_relay_held_messages",
                       "flotilla_relay_backlog_messages",
                       "flotilla_relay_backlog_bytes",
                       "flotilla_relay_captured_total",
                       "flotilla_relay_last_value_topics",
                       "flotilla_relay_last_value_bytes",
                       "flotilla_relay_last_values_sent_total",
                       "flotilla_relay_last_values_forgotten_total",
                       "flotilla_relay_subscriptions",
                       "flotilla_relay_subscriptions_bytes",
                       "flotilla_relay_subscribers_cut_total"};

constexpr auto traffic(const Names& names) {
    return std::array{
        Shown<F>{counter("in_messages", names.messages, messages_help, "direction", "in"),
                 [](const F& f) { return number(f.counters.in.messages_total); }},
        Shown<F>{counter("in_bytes", names.bytes, bytes_help, "direction", "in", Unit::bytes),
                 [](const F& f) { return number(f.counters.in.bytes_total); }},
        Shown<F>{counter("out_messages", names.messages, messages_help, "direction", "out"),
                 [](const F& f) { return number(f.counters.out.messages_total); }},
        Shown<F>{counter("out_bytes", names.bytes, bytes_help, "direction", "out", Unit::bytes),
                 [](const F& f) { return number(f.counters.out.bytes_total); }},
        Shown<F>{counter("dropped_too_large", names.dropped, dropped_help, "reason", "too_large"),
                 dropped<Drop::too_large>},
        Shown<F>{counter("dropped_too_many", names.dropped, dropped_help, "reason", "too_many"),
                 dropped<Drop::too_many>},
        Shown<F>{counter("dropped_malformed", names.dropped, dropped_help, "reason", "malformed"),
                 dropped<Drop::malformed>},
        Shown<F>{counter("dropped_overflow", names.dropped, dropped_help, "reason", "overflow"),
                 dropped<Drop::overflow>},
        Shown<F>{counter("dropped_unroutable", names.dropped, dropped_help, "reason", "unroutable"),
                 dropped<Drop::unroutable>},
        Shown<F>{
            counter("dropped_backlog_full", names.dropped, dropped_help, "reason", "backlog_full"),
            dropped<Drop::backlog_full>},
        Shown<F>{counter("dropped_cut_off", names.dropped, dropped_help, "reason", "cut_off"),
                 dropped<Drop::cut_off>},
        Shown<F>{
            counter("dropped_not_drained", names.dropped, dropped_help, "reason", "not_drained"),
            dropped<Drop::not_drained>},
        Shown<F>{
            counter("dropped_not_allowed", names.dropped, dropped_help, "reason", "not_allowed"),
            dropped<Drop::not_allowed>},
        Shown<F>{counter("dropped_no_place", names.dropped, dropped_help, "reason", "no_place"),
                 dropped<Drop::no_place>},
        Shown<F>{gauge("held", names.held, "Messages that wait for room on the other side"),
                 [](const F& f) { return number(f.counters.in.held + f.counters.out.held); }},
        Shown<F>{gauge("backlog_messages", names.backlog_messages,
                       "Replies kept for clients that do not read"),
                 [](const F& f) { return number(f.counters.backlog_messages); }},
        Shown<F>{gauge("backlog_bytes", names.backlog_bytes,
                       "Bytes of replies kept for clients that do not read", "", "", Unit::bytes),
                 [](const F& f) { return number(f.counters.backlog_bytes); }},
        Shown<F>{counter("captured", names.captured, "Copies published for taps"),
                 [](const F& f) { return number(f.counters.captured_total); }},
        Shown<F>{gauge("last_value_topics", names.last_value_topics,
                       "Topics whose last value is remembered"),
                 [](const F& f) { return number(f.counters.last_value_topics); }},
        Shown<F>{gauge("last_value_bytes", names.last_value_bytes,
                       "Bytes of the last values that are remembered", "", "", Unit::bytes),
                 [](const F& f) { return number(f.counters.last_value_bytes); }},
        Shown<F>{counter("last_values_sent", names.last_values_sent,
                         "Remembered values sent to subscribers that came later"),
                 [](const F& f) { return number(f.counters.last_values_sent_total); }},
        Shown<F>{counter("last_values_forgotten", names.last_values_forgotten,
                         "Values forgotten for want of room"),
                 [](const F& f) { return number(f.counters.last_values_forgotten_total); }},
        Shown<F>{
            gauge("subscriptions", names.subscriptions, "Subscriptions of subscribers and taps"),
            [](const F& f) { return number(f.counters.subscriptions); }},
        Shown<F>{gauge("subscriptions_bytes", names.subscriptions_bytes,
                       "Memory that subscriptions take, about", "", "", Unit::bytes),
                 [](const F& f) { return number(f.counters.subscriptions_bytes); }},
        Shown<F>{counter("subscribers_cut", names.subscribers_cut,
                         "Subscribers cut off for subscribing to more than there is room for"),
                 [](const F& f) { return number(f.counters.subscribers_cut_total); }},
    };
}
constexpr auto totals = traffic(of_all);
constexpr auto relays = traffic(of_one);

constexpr std::array program{
    Shown<F>{gauge("relays", "flotilla_relays", "Relays of this program"),
             [](const F& f) { return number(f.relays); }},
    Shown<F>{gauge("paused", "flotilla_relays_paused", "Relays paused by an administrator"),
             [](const F& f) { return number(f.paused); }},
    Shown<F>{counter("publish_not_allowed", "flotilla_access_refused_total", access_help,
                     "operation", "publish"),
             refused<Operation::publish>},
    Shown<F>{counter("subscribe_not_allowed", "flotilla_access_refused_total", access_help,
                     "operation", "subscribe"),
             refused<Operation::subscribe>},
    Shown<F>{counter("call_not_allowed", "flotilla_access_refused_total", access_help, "operation",
                     "call"),
             refused<Operation::call>},
    Shown<F>{counter("serve_not_allowed", "flotilla_access_refused_total", access_help, "operation",
                     "serve"),
             refused<Operation::serve>},
    Shown<F>{counter("put_not_allowed", "flotilla_access_refused_total", access_help, "operation",
                     "put"),
             refused<Operation::put>},
    Shown<F>{counter("administer_not_allowed", "flotilla_access_refused_total", access_help,
                     "operation", "administer"),
             refused<Operation::administer>},
};
constexpr std::array of_relay{
    Shown<F>{gauge("paused", "flotilla_relay_paused", "1 while it is paused", "", "", Unit::flag),
             [](const F& f) { return number(f.paused); }},
};

template <class First, class Second>
admin::Table table(const char* kind, const First& first, const Second& second) {
    admin::Table table{kind, {}, admin::columns_of(first), {}, 0};
    for (const admin::Column& each : admin::columns_of(second))
        table.columns.push_back(each);
    return table;
}

template <class First, class Second>
admin::Row row(std::string name, const First& first, const Second& second, const F& figures) {
    admin::Row row{std::move(name), {}, admin::values_of(first, figures)};
    for (const double each : admin::values_of(second, figures))
        row.values.push_back(each);
    return row;
}

void add(relay::Traffic& sum, const relay::Traffic& one) noexcept {
    sum.messages_total += one.messages_total;
    sum.bytes_total += one.bytes_total;
    sum.held += one.held;
    for (std::size_t i = 0; i < relay::drop_reasons; ++i)
        sum.dropped_total[i] += one.dropped_total[i];
}

} // namespace

void add(RelayFigures& sum, const RelayFigures& figures) noexcept {
    sum.relays += figures.relays;
    sum.paused += figures.paused;
    relay::Counters& to = sum.counters;
    const relay::Counters& from = figures.counters;
    add(to.in, from.in);
    add(to.out, from.out);
    for (std::size_t i = 0; i < operations_count; ++i)
        to.not_allowed[i] += from.not_allowed[i];
    to.backlog_messages += from.backlog_messages;
    to.backlog_bytes += from.backlog_bytes;
    to.captured_total += from.captured_total;
    to.last_value_topics += from.last_value_topics;
    to.last_value_bytes += from.last_value_bytes;
    to.last_values_sent_total += from.last_values_sent_total;
    to.last_values_forgotten_total += from.last_values_forgotten_total;
    to.subscriptions += from.subscriptions;
    to.subscriptions_bytes += from.subscriptions_bytes;
    to.subscribers_cut_total += from.subscribers_cut_total;
}

RelayFigures figures_of(const relay::Relay& relay) {
    RelayFigures figures{relay.counters(), 1, 0};
    figures.paused = figures.counters.state == relay::Pump::State::paused ? 1 : 0;
    return figures;
}

std::string_view name(relay::Pump::State state) noexcept {
    using State = relay::Pump::State;
    switch (state) {
    case State::running:
        return "running";
    case State::paused:
        return "paused";
    case State::draining:
        return "draining";
    case State::settling:
        return "settling";
    case State::drained:
        break;
    }
    return "drained";
}

admin::Table totals_table() {
    return table("relays", program, totals);
}

admin::Table relay_table() {
    admin::Table all = table("relay", of_relay, relays);
    all.text_columns = {"kind", "state", "frontend", "backend"};
    return all;
}

admin::Row totals_row(const RelayFigures& sum) {
    return row({}, program, totals, sum);
}

admin::Row relay_row(const relay::Relay& relay) {
    const RelayFigures figures = figures_of(relay);
    admin::Row shown = row(relay.options().name, of_relay, relays, figures);
    shown.texts = {std::string(relay::name(relay.options().kind)),
                   std::string(name(figures.counters.state)),
                   joined(relay.endpoints(relay::Side::frontend)),
                   joined(relay.endpoints(relay::Side::backend))};
    return shown;
}

} // namespace flotilla::relay_daemon
