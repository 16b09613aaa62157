// SPDX-License-Identifier: Apache-2.0
#include "admin/snapshot.hpp"

namespace flotilla::admin {

std::string_view name(State state) noexcept {
    switch (state) {
    case State::starting:
        return "starting";
    case State::ready:
        return "ready";
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

} // namespace flotilla::admin
