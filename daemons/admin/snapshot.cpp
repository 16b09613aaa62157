// SPDX-License-Identifier: Apache-2.0
#include "admin/snapshot.hpp"

#include <algorithm>

namespace flotilla::admin {

std::string_view name(State state) noexcept {
    switch (state) {
    case State::starting:
        return "starting";
    case State::ready:
        return "ready";
    case State::not_ready:
        return "not_ready";
    case State::draining:
        return "draining";
    case State::stopped:
        break;
    }
    return "stopped";
}

std::string_view name(Column::Kind kind) noexcept {
    return kind == Column::Kind::counter ? "counter" : "gauge";
}

std::string_view name(Column::Unit unit) noexcept {
    switch (unit) {
    case Column::Unit::count:
        return "count";
    case Column::Unit::bytes:
        return "bytes";
    case Column::Unit::seconds:
        return "seconds";
    case Column::Unit::flag:
        break;
    }
    return "flag";
}

bool Table::has_metrics() const {
    return std::any_of(columns.begin(), columns.end(),
                       [](const Column& each) { return *each.metric != '\0'; });
}

} // namespace flotilla::admin
