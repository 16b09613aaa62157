// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>

#include <cli/admin/quantities.hpp>
#include <cli/trace/way.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <ctime>

namespace flotilla::cli::trace {

namespace {

using Json = nlohmann::ordered_json;
using std::chrono::duration_cast;
using std::chrono::microseconds;

std::int64_t in_us(Duration duration) {
    return duration_cast<microseconds>(duration).count();
}
std::int64_t in_us(WallTime time) {
    return in_us(time.time_since_epoch());
}

// "120us", "1.25ms", "-3ms", "12.5s".
std::string shown(double us) {
    return compact(us / 1e6, ColumnView::Unit::seconds);
}
std::string shown(const std::optional<Duration>& duration) {
    return duration ? shown(static_cast<double>(in_us(*duration))) : "-";
}

std::string time_text(WallTime time) {
    const std::int64_t us = in_us(time);
    const std::time_t seconds = us / 1'000'000;
    std::tm parts{};
    std::array<char, 32> whole{};
    std::array<char, 16> rest{};
    if (gmtime_r(&seconds, &parts) == nullptr)
        return std::to_string(us);
    std::strftime(whole.data(), whole.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(rest.data(), rest.size(), ".%06dZ", static_cast<int>(us % 1'000'000));
    return std::string(whole.data()) + rest.data();
}

Duration skew_of(const std::vector<Step>& steps) {
    Duration least{0};
    for (const Step& step : steps)
        if (step.way)
            least = std::min(least, *step.way);
    return -least;
}

std::string named(const Step& step) {
    return step.instance == "-" ? step.kind : step.kind + " " + step.instance;
}

Json number(const std::optional<Duration>& duration) {
    return duration ? Json(in_us(*duration)) : Json(nullptr);
}

} // namespace

std::optional<Way> way_of(const wire::Frames& message, WallTime received) {
    if (message.empty() || !wire::has_envelope_magic(message.back()))
        return std::nullopt;
    const auto envelope = wire::decode_envelope(message.back());
    if (!envelope)
        return std::nullopt;
    Way way;
    way.traceparent = envelope->traceparent.value_or("");
    if (envelope->id)
        append_hex(way.id, ByteView{envelope->id->data(), envelope->id->size()});
    way.sent = envelope->timestamp;
    way.hops = wire::hops_of(*envelope);
    way.received = received;
    way.bytes = message.bytes();
    way.may_lack_hops = way.hops.size() >= wire::Hop::hops_max;
    return way;
}

bool is_of_trace(const Way& way, std::string_view trace) {
    constexpr std::size_t trace_at = 3; // behind the version
    const std::string_view whole = way.traceparent;
    return !whole.empty() &&
           (whole.substr(0, trace.size()) == trace ||
            whole.substr(std::min(trace_at, whole.size()), trace.size()) == trace);
}

std::vector<Step> steps_of(const Way& way) {
    std::vector<Step> steps;
    std::optional<WallTime> first = way.sent;
    std::optional<WallTime> before = way.sent;
    const auto since = [&first](WallTime time) {
        if (!first)
            first = time;
        return time - *first;
    };
    if (way.sent)
        steps.push_back({"sent", "-", {}, {}, Duration::zero()});
    for (const wire::Hop& hop : way.hops) {
        Step& step = steps.emplace_back();
        step.kind = hop.kind;
        step.instance = hop.instance;
        if (before)
            step.way = hop.came - *before;
        step.held = hop.left - hop.came;
        step.at = since(hop.came);
        before = hop.left;
    }
    Step& here = steps.emplace_back();
    here.kind = "here";
    if (before)
        here.way = way.received - *before;
    here.at = since(way.received);
    return steps;
}

std::string way_text(const Way& way) {
    const auto steps = steps_of(way);
    std::string text = way.traceparent.empty() ? "no traceparent" : way.traceparent;
    if (way.sent)
        text += "  sent " + time_text(*way.sent);
    text += "  " + std::to_string(way.bytes) + " bytes";
    if (steps.size() > 1)
        text += "  " + shown(steps.back().at) + " in all";
    text += "\n";
    TextRows rows{{"  STEP", "INSTANCE", "WAY", "HELD", "AT"}};
    for (const Step& step : steps)
        rows.push_back(
            {"  " + step.kind, step.instance, shown(step.way), shown(step.held), shown(step.at)});
    text += text_table(rows, 2);
    for (std::size_t i = 1; i < steps.size(); ++i)
        if (steps[i].way && *steps[i].way < Duration::zero())
            text += "  the clock of " + named(steps[i]) + " is behind that of " +
                    named(steps[i - 1]) + " by at least " + shown(-*steps[i].way) + "\n";
    if (way.may_lack_hops)
        text += "  no more hops fit in an envelope: there may have been more\n";
    return text;
}

std::string way_json(const Way& way) {
    const auto steps = steps_of(way);
    Json json;
    json["traceparent"] = way.traceparent.empty() ? Json(nullptr) : Json(way.traceparent);
    json["id"] = way.id.empty() ? Json(nullptr) : Json(way.id);
    json["sent_us"] = way.sent ? Json(in_us(*way.sent)) : Json(nullptr);
    json["received_us"] = in_us(way.received);
    json["bytes"] = way.bytes;
    json["total_us"] = number(steps.back().at);
    json["skew_us"] = in_us(skew_of(steps));
    json["steps"] = Json::array();
    for (const Step& step : steps)
        json["steps"].push_back({{"kind", step.kind},
                                 {"instance", step.instance},
                                 {"way_us", number(step.way)},
                                 {"held_us", number(step.held)},
                                 {"at_us", number(step.at)}});
    return json.dump() + "\n";
}

// ---- many messages -----------------------------------------------------------------------------

void WayTotals::Spent::add(const std::optional<Duration>& spent) {
    if (!spent)
        return;
    const auto us = static_cast<double>(in_us(*spent));
    ++times;
    sum += us;
    most = times == 1 ? us : std::max(most, us);
}

void WayTotals::add(const Way& way) {
    const auto steps = steps_of(way);
    ++ways_;
    skewed_ += skew_of(steps) > Duration::zero() ? 1 : 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::string name = named(steps[i]);
        if (rows_.size() == steps_max && rows_.find(name) == rows_.end())
            continue;
        Row& row = rows_[name];
        if (++row.messages == 1)
            row.place = steps[i].kind == "here" ? SIZE_MAX : i;
        row.way.add(steps[i].way);
        row.held.add(steps[i].held);
    }
}

std::vector<std::pair<std::string, WayTotals::Row>> WayTotals::in_order() const {
    std::vector<std::pair<std::string, Row>> all(rows_.begin(), rows_.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.second.place < b.second.place; });
    return all;
}

std::string WayTotals::text() const {
    if (ways_ == 0)
        return "no messages with an envelope\n";
    const auto cells = [](const Spent& spent) {
        return spent.times > 0 ? std::pair{shown(spent.mean()), shown(spent.most)}
                               : std::pair<std::string, std::string>{"-", "-"};
    };
    TextRows rows{{"STEP", "MESSAGES", "WAY MEAN", "WAY MOST", "HELD MEAN", "HELD MOST"}};
    for (const auto& [name, row] : in_order()) {
        const auto [way_mean, way_most] = cells(row.way);
        const auto [held_mean, held_most] = cells(row.held);
        rows.push_back(
            {name, std::to_string(row.messages), way_mean, way_most, held_mean, held_most});
    }
    std::string text = text_table(rows, 1);
    if (skewed_ > 0)
        text += std::to_string(skewed_) +
                " messages came before they were sent: clocks differ, and WAY is only as good as "
                "they are\n";
    return text;
}

std::string WayTotals::json() const {
    std::string text;
    for (const auto& [name, row] : in_order()) {
        Json line{{"step", name}, {"messages", row.messages}};
        if (row.way.times > 0) {
            line["way_mean_us"] = row.way.mean();
            line["way_most_us"] = row.way.most;
        }
        if (row.held.times > 0) {
            line["held_mean_us"] = row.held.mean();
            line["held_most_us"] = row.held.most;
        }
        text += line.dump() + "\n";
    }
    return text;
}

} // namespace flotilla::cli::trace
