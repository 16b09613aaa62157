// SPDX-License-Identifier: Apache-2.0
//
// DaemonView: what a daemon's status said (docs/protocol/admin.md), as tables that know nothing of
// the daemon. Pure; foreign bytes are read here and nowhere else.
#pragma once

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::cli {

struct ColumnView {
    enum class Kind : std::uint8_t { counter, gauge } kind = Kind::gauge;
    enum class Unit : std::uint8_t { count, bytes, seconds, flag } unit = Unit::count;
    std::string name{};
    std::string help{};
};

struct RowView {
    std::string name{};
    std::vector<std::string> texts{}; // one for each text column
    std::vector<double> values{};     // one for each column; what is not known is no number
};

struct TableView {
    std::string kind{}; // "queue"
    std::vector<std::string> text_columns{};
    std::vector<ColumnView> columns{};
    std::vector<RowView> rows{};
    std::uint64_t left_out = 0; // rows that the daemon has and did not send
};

struct DaemonView {
    static constexpr std::size_t rows_max = 20'000; // of all kinds; a status with more is refused
    static constexpr std::size_t columns_max = 200; // of one kind

    std::string program{};
    std::string instance{};
    std::string version{};
    std::int64_t process = 0;
    std::int64_t started_ms = 0;
    std::int64_t taken_ms = 0;
    std::string state{}; // "starting", "ready", "not_ready", ...
    std::vector<std::string> not_ready{};
    std::vector<std::string> warnings{}; // older daemons have none
    std::vector<std::string> endpoints{};
    TableView totals{}; // one row
    std::vector<TableView> objects{};

    bool is_ready() const { return state == "ready" && not_ready.empty(); }
    const TableView* objects_of(std::string_view kind) const;
    // Another process than `before`: counters begin anew.
    bool is_another_run(const DaemonView& before) const {
        return process != before.process || started_ms != before.started_ms;
    }
};

// Text of others is escaped where it is not printable. Errors: malformed, too_many.
Result<DaemonView> read_status(std::string_view json);

// What a script is told of daemons that were asked, null for each that did not answer: ok when all
// are ready, nothing when none answered, else refused.
ExitCode readiness(const std::vector<const DaemonView*>& asked);

} // namespace flotilla::cli
