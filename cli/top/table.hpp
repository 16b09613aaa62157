// SPDX-License-Identifier: Apache-2.0
//
// Table: the objects of one kind of all daemons in one list, filtered and sorted, with text for
// every cell. Pure.
#pragma once

#include <cli/top/source.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli::top {

// Beside the kinds of objects: the daemons themselves.
inline constexpr const char* daemon_kind = "daemon";

struct Cell {
    std::optional<double> value{}; // a rate of a counter; absent: unknown
    std::string text{"-"};
};
struct TableRow {
    std::size_t source = 0;
    std::string name{};
    std::vector<std::string> texts{};
    std::vector<Cell> cells{};

    bool is_same(const TableRow& other) const {
        return source == other.source && name == other.name;
    }
};
struct Table {
    std::string kind{};
    std::vector<std::string> text_columns{};
    std::vector<ColumnView> columns{};
    std::vector<TableRow> rows{};
    std::uint64_t left_out = 0; // that daemons did not send
    std::size_t filtered_out = 0;
};

struct Order {
    std::string filter{};     // part of a name, or of its daemon's; letter case does not matter
    std::string by{};         // the name of a column; empty: by name
    bool is_reversed = false; // names from the last, values from the smallest
};

// Values from the largest, names from the first, unknown ones last.
Table make_table(const std::vector<Source>& sources, const std::string& kind, const Order& order);

// "daemon" and the kinds of all sources, in the order in which people look at them.
std::vector<std::string> kinds_of(const std::vector<Source>& sources);

} // namespace flotilla::cli::top
