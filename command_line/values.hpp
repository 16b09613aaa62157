// SPDX-License-Identifier: Apache-2.0
//
// Options whose value has a kind: checked while the words are parsed. A wrong one ends the parse
// with a sentence; given twice, the last one counts.
#pragma once

#include <flotilla/base/time.hpp>

#include <command_line/parser.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::command_line {

// Quantities as base/units reads them: "250ms", "64MiB".
Option add_duration(Parser& parser, const std::string& names, Duration& target,
                    const std::string& help);
Option add_duration(Parser& parser, const std::string& names, std::optional<Duration>& target,
                    const std::string& help);
Option add_bytes(Parser& parser, const std::string& names, std::uint64_t& target,
                 const std::string& help);
struct CountRange {
    std::uint64_t min = 0;
    std::uint64_t max = UINT64_MAX;
};
Option add_count(Parser& parser, const std::string& names, std::uint64_t& target, CountRange range,
                 const std::string& help);
Option add_count(Parser& parser, const std::string& names, std::optional<std::uint64_t>& target,
                 CountRange range, const std::string& help);
// One value an occurrence; may be given again. `value_name` is what the help calls it.
Option add_list(Parser& parser, const std::string& names, std::vector<std::string>& target,
                const std::string& value_name, const std::string& help);
// One of a few words.
Option add_choice(Parser& parser, const std::string& names, std::string& target,
                  std::vector<std::string> choices, const std::string& help);

} // namespace flotilla::command_line
