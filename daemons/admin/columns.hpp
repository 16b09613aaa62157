// SPDX-License-Identifier: Apache-2.0
//
// Shown: a column and where its number comes from, in one place. Each daemon lists its columns so;
// tables, metrics and the counters in the log are made of the list.
#pragma once

#include "admin/snapshot.hpp"
#include "host/log.hpp"

#include <flotilla/base/time_histogram.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flotilla::admin {

template <class Source>
struct Shown {
    Column column;
    double (*value)(const Source&);
};

template <class Source, std::size_t n>
std::vector<Column> columns_of(const std::array<Shown<Source>, n>& all) {
    std::vector<Column> columns;
    for (const Shown<Source>& each : all)
        columns.push_back(each.column);
    return columns;
}

template <class Source, std::size_t n>
std::vector<double> values_of(const std::array<Shown<Source>, n>& all, const Source& source) {
    std::vector<double> values;
    values.reserve(n);
    for (const Shown<Source>& each : all)
        values.push_back(each.value(source));
    return values;
}

// For the log: counters under their names, what goes up and down with "_now" behind it.
template <class Source, std::size_t n>
void append_fields(host::Fields& fields, const std::array<Shown<Source>, n>& all,
                   const Source& source) {
    for (const Shown<Source>& each : all) {
        const bool counts = each.column.kind == Column::Kind::counter;
        fields.emplace_back(std::string(each.column.name) + (counts ? "" : "_now"),
                            std::llround(each.value(source)));
    }
}

Histogram histogram(std::string metric, std::string help, const TimeHistogram& times);

constexpr Column counter(const char* name, const char* metric, const char* help,
                         const char* label_name = "", const char* label_value = "",
                         Column::Unit unit = Column::Unit::count) {
    return {name, Column::Kind::counter, unit, metric, label_name, label_value, help};
}
constexpr Column gauge(const char* name, const char* metric, const char* help,
                       const char* label_name = "", const char* label_value = "",
                       Column::Unit unit = Column::Unit::count) {
    return {name, Column::Kind::gauge, unit, metric, label_name, label_value, help};
}

// Of objects that come and go and that peers name: without a metric, because each of them would be
// a series for ever.
constexpr Column passing_counter(const char* name, const char* help,
                                 Column::Unit unit = Column::Unit::count) {
    return {name, Column::Kind::counter, unit, "", "", "", help};
}
constexpr Column passing_gauge(const char* name, const char* help,
                               Column::Unit unit = Column::Unit::count) {
    return {name, Column::Kind::gauge, unit, "", "", "", help};
}

} // namespace flotilla::admin
