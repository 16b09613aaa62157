// SPDX-License-Identifier: Apache-2.0
#include "admin/common.hpp"

#include "admin/columns.hpp"

#include <array>

namespace flotilla::admin {
namespace {

using F = CommonFigures;
constexpr std::array common{
    Shown<F>{counter("admin_done", "flotilla_admin_done_total", "Changes that administrators made"),
             [](const F& f) { return static_cast<double>(f.admin_done); }},
    Shown<F>{counter("admin_refused", "flotilla_admin_refused_total",
                     "Requests of administrators and operations of peers that were refused"),
             [](const F& f) { return static_cast<double>(f.admin_refused); }},
};

} // namespace

void add_common(Snapshot& snapshot, const CommonFigures& figures) {
    if (snapshot.totals.rows.empty())
        return;
    for (const Column& each : columns_of(common))
        snapshot.totals.columns.push_back(each);
    for (const double each : values_of(common, figures))
        snapshot.totals.rows.front().values.push_back(each);
}

} // namespace flotilla::admin
