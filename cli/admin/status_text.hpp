// SPDX-License-Identifier: Apache-2.0
//
// What `zmq status` prints. Pure.
#pragma once

#include <cli/admin/view.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli {

// One daemon that was asked.
struct Asked {
    std::string endpoint{};
    std::optional<DaemonView> view{};
    std::string trouble{}; // when there is no view
    std::string json{};    // as it came
};

// A line a daemon under a heading.
std::string daemons_table(const std::vector<Asked>& asked);
// Its numbers, one a line: name, value, what it means.
std::string totals_text(const DaemonView& view);
// Its objects of one kind; a sentence when there are none.
std::string objects_text(const DaemonView& view, const std::string& kind);
// A JSON object a line: the status as it came with "endpoint", or {"endpoint", "error"}.
std::string status_json(const std::vector<Asked>& asked);

} // namespace flotilla::cli
