// SPDX-License-Identifier: Apache-2.0
//
// Listing: what a store said about its queues, shown as a table or as JSON lines. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::cli {

// name=value, as the store wrote it.
using OptionPairs = std::vector<std::pair<std::string, std::string>>;

// Empty when there is none.
std::string_view value_of(const OptionPairs& pairs, std::string_view name) noexcept;

// Who sees all queues, and who perhaps only those that a rule gives him a right to.
enum class ListedFor : std::uint8_t { anybody, a_key };
// One queue a line: name, ready, delayed, leased, consumers; "no queues" when there is none.
std::string queues_table(const std::vector<OptionPairs>& queues, ListedFor whom);
// Rates, depth, lag and time to drain of one queue a line.
std::string watch_table(const std::vector<OptionPairs>& queues, ListedFor whom);
// "name  value" lines.
std::string pairs_table(const OptionPairs& pairs);
// One JSON object; numbers are numbers.
std::string pairs_json(const OptionPairs& pairs);

} // namespace flotilla::cli
