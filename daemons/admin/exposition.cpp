// SPDX-License-Identifier: Apache-2.0
#include "admin/exposition.hpp"

#include "admin/process_figures.hpp"

#include <flotilla/base/encoding.hpp>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace flotilla::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Label values are UTF-8; names of peers' making may not be.
std::string label_text(const std::string& text) {
    if (is_utf8(text))
        return text;
    std::string escaped;
    append_escaped(escaped, text);
    return escaped;
}

class MetricsPage {
public:
    MetricFamily& family(const std::string& name, const std::string& help, MetricType type) {
        const auto [place, is_new] = places_.try_emplace(name, families_.size());
        if (is_new)
            families_.push_back({name, help, type, {}});
        return families_[place->second];
    }
    void add(const Column& column, double value, std::vector<ClientMetric::Label> labels) {
        const bool counts = column.kind == Column::Kind::counter;
        if (*column.label_name != '\0')
            labels.push_back({column.label_name, column.label_value});
        ClientMetric metric;
        metric.label = std::move(labels);
        (counts ? metric.counter.value : metric.gauge.value) = value;
        family(column.metric, column.help, counts ? MetricType::Counter : MetricType::Gauge)
            .metric.push_back(std::move(metric));
    }
    void add(const char* name, const char* help, double value,
             std::vector<ClientMetric::Label> labels = {}) {
        add(Column{"", Column::Kind::gauge, Column::Unit::count, name, "", "", help}, value,
            std::move(labels));
    }
    void add(const Histogram& histogram) {
        ClientMetric metric;
        std::uint64_t count = 0;
        for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
            count += histogram.counts[i];
            const double bound = i < histogram.bounds.size() ? histogram.bounds[i] : INFINITY;
            metric.histogram.bucket.push_back({count, bound});
        }
        metric.histogram.sample_count = count;
        metric.histogram.sample_sum = histogram.sum;
        family(histogram.metric, histogram.help, MetricType::Histogram)
            .metric.push_back(std::move(metric));
    }
    std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

private:
    std::vector<MetricFamily> families_{};
    std::map<std::string, std::size_t> places_{};
};

void add_rows(MetricsPage& page, const Table& table) {
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        for (const Row& row : table.rows)
            if (i < row.values.size())
                page.add(table.columns[i], row.values[i], {{table.kind, label_text(row.name)}});
}

void add_process(MetricsPage& page, const Snapshot& snapshot) {
    const ProcessFigures figures = process_figures();
    page.add(Column{"", Column::Kind::counter, Column::Unit::seconds, "process_cpu_seconds_total",
                    "", "", "Processor time of the process"},
             figures.cpu_seconds, {});
    page.add("process_resident_memory_bytes", "Memory that the process has in use",
             figures.resident_bytes);
    page.add("process_open_fds", "Open files and connections", figures.open_files);
    page.add("process_max_fds", "The limit of open files and connections", figures.open_files_max);
    page.add("process_start_time_seconds", "When the process started, since 1970",
             static_cast<double>(snapshot.started_ms) / 1e3);
}

} // namespace

std::string totals_text(const Snapshot& snapshot) {
    MetricsPage page;
    page.add("flotilla_build_info", "1; which program this is", 1,
             {{"program", snapshot.program},
              {"name", label_text(snapshot.instance)},
              {"version", snapshot.version}});
    page.add("flotilla_ready", "1 while it takes work, else 0; /readyz says why",
             snapshot.state == State::ready && snapshot.not_ready.empty() ? 1 : 0);
    const Table& totals = snapshot.totals;
    for (std::size_t i = 0; i < totals.columns.size() && !totals.rows.empty(); ++i)
        if (i < totals.rows.front().values.size())
            page.add(totals.columns[i], totals.rows.front().values[i], {});
    for (const Histogram& each : snapshot.histograms)
        page.add(each);
    add_process(page, snapshot);
    return page.text();
}

std::string objects_text(const Snapshot& snapshot, std::string_view kind) {
    MetricsPage page;
    for (const Table& table : snapshot.objects) {
        if (table.kind != kind || !table.has_metrics())
            continue;
        add_rows(page, table);
        page.add("flotilla_objects_left_out",
                 "Objects that this page has no room for; ask with a prefix",
                 static_cast<double>(table.left_out), {{"kind", table.kind}});
    }
    return page.text();
}

} // namespace flotilla::admin
