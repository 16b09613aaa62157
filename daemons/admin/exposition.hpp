// SPDX-License-Identifier: Apache-2.0
//
// A Snapshot as Prometheus reads it (text format 0.0.4). Names are those of the columns; an
// object's row is told by a label that is called like its kind. Pure but process_metrics().
#pragma once

#include "admin/snapshot.hpp"

#include <string>
#include <string_view>

namespace flotilla::admin {

inline constexpr std::string_view exposition_type = "text/plain; version=0.0.4; charset=utf-8";

// What the whole program counts, its histograms, flotilla_build_info, flotilla_ready, and the
// process metrics that every exporter has, read from /proc by the calling thread.
std::string totals_text(const Snapshot& snapshot);
// Every object that the snapshot has of one kind.
std::string objects_text(const Snapshot& snapshot, std::string_view kind);

} // namespace flotilla::admin
