// SPDX-License-Identifier: Apache-2.0
#include <cli/table.hpp>

#include <algorithm>
#include <cstddef>

namespace flotilla::cli {

std::string table(const std::vector<Cells>& lines) {
    std::vector<std::size_t> widths;
    for (const Cells& cells : lines) {
        widths.resize(std::max(widths.size(), cells.size()));
        for (std::size_t i = 0; i < cells.size(); ++i)
            widths[i] = std::max(widths[i], cells[i].size());
    }
    std::string out;
    for (const Cells& cells : lines) {
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::string room(widths[i] - cells[i].size(), ' ');
            out += i == 0 ? cells[i] + room : "  " + room + cells[i];
        }
        out += '\n';
    }
    return out;
}

} // namespace flotilla::cli
