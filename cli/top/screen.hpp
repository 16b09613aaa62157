// SPDX-License-Identifier: Apache-2.0
//
// What passes between `zmq top` and the terminal: keys in, lines out. Pure values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flotilla::cli::top {

enum class Key : std::uint8_t {
    none,
    up,
    down,
    left,
    right,
    page_up,
    page_down,
    home,
    end,
    tab,
    back_tab,
    enter,
    escape,
    backspace,
    letter,
};
struct KeyPress {
    Key key = Key::none;
    char letter = 0; // of Key::letter: printable ASCII
};

struct Size {
    std::size_t rows = 24;
    std::size_t columns = 80;
    friend bool operator==(const Size&, const Size&) = default;
};

struct ScreenLine {
    enum class Style : std::uint8_t { plain, title, tabs, heading, selected, warning, footer };
    Style style = Style::plain;
    std::string text{};
    friend bool operator==(const ScreenLine&, const ScreenLine&) = default;
};
using Screen = std::vector<ScreenLine>;

} // namespace flotilla::cli::top
