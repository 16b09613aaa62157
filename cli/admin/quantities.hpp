// SPDX-License-Identifier: Apache-2.0
//
// Quantities for a reader with little room, and columns for them. Pure.
#pragma once

#include <cli/admin/view.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::cli {

// "0", "999", "12.3k", "1.2M"; "0.25" below ten where it is no whole number.
std::string compact(double value);
// As the unit wants: "1.5M" of count, "1.5MiB", "250ms", "yes".
std::string compact(double value, ColumnView::Unit unit);
// "3s", "5m", "2h 10m", "12d 3h".
std::string age_text(std::int64_t milliseconds);

// Columns of a text that a person reads: widths in characters, UTF-8 counted as one each.
std::size_t width_of(std::string_view text);
std::string padded(std::string_view text, std::size_t width);    // cut when it is longer
std::string shortened(std::string_view text, std::size_t width); // the same, with an ellipsis
std::string right(std::string_view text, std::size_t width);

// Lines under a heading. Of the columns from `first_right` on, `right_columns` end at the right;
// all others begin at the left.
using TextRows = std::vector<std::vector<std::string>>;
std::string text_table(const TextRows& rows, std::size_t first_right,
                       std::size_t right_columns = SIZE_MAX);

} // namespace flotilla::cli
