// SPDX-License-Identifier: Apache-2.0
#include <cli/top/curses.hpp>
#include <unistd.h>

#ifdef FLOTILLA_WITH_NCURSES
#include <ncurses.h>
#include <sys/ioctl.h>

#include <clocale>
#include <cstdio>
#endif

namespace flotilla::cli::top {

int Curses::descriptor() noexcept {
    return STDIN_FILENO;
}

#ifdef FLOTILLA_WITH_NCURSES

namespace {

constexpr int escape_wait_ms = 25; // for the rest of a key's sequence

// Pairs of colours, for terminals that have any; the rest is told by bold and reverse.
enum : short { warning_pair = 1, title_pair = 2 };

attr_t attributes(ScreenLine::Style style) {
    using Style = ScreenLine::Style;
    switch (style) {
    case Style::plain:
        return A_NORMAL;
    case Style::title:
        return A_BOLD | (has_colors() ? static_cast<attr_t>(COLOR_PAIR(title_pair)) : 0);
    case Style::tabs:
    case Style::footer:
        return A_DIM;
    case Style::heading:
        return A_REVERSE;
    case Style::selected:
        return A_BOLD;
    case Style::warning:
        return A_BOLD | (has_colors() ? static_cast<attr_t>(COLOR_PAIR(warning_pair)) : 0);
    }
    return A_NORMAL;
}

KeyPress press_of(int code) {
    switch (code) {
    case KEY_UP:
        return {Key::up};
    case KEY_DOWN:
        return {Key::down};
    case KEY_LEFT:
        return {Key::left};
    case KEY_RIGHT:
        return {Key::right};
    case KEY_PPAGE:
        return {Key::page_up};
    case KEY_NPAGE:
        return {Key::page_down};
    case KEY_HOME:
        return {Key::home};
    case KEY_END:
        return {Key::end};
    case KEY_BTAB:
        return {Key::back_tab};
    case KEY_BACKSPACE:
    case 127:
    case 8:
        return {Key::backspace};
    case KEY_ENTER:
    case '\r':
    case '\n':
        return {Key::enter};
    case '\t':
        return {Key::tab};
    case 27:
        return {Key::escape};
    default:
        return code >= ' ' && code <= '~' ? KeyPress{Key::letter, static_cast<char>(code)}
                                          : KeyPress{};
    }
}

} // namespace

struct Curses::Rest {
    SCREEN* screen = nullptr;
    ~Rest() {
        if (!screen)
            return;
        endwin();
        delscreen(screen);
    }
};

bool Curses::is_compiled() noexcept {
    return true;
}

Result<Curses> Curses::open() {
    std::setlocale(LC_ALL, "");
    auto rest = std::make_unique<Rest>();
    rest->screen = newterm(nullptr, stdout, stdin);
    if (!rest->screen)
        return fail(Errc::unsupported, "this terminal is not known (TERM); zmq top --batch 10 "
                                       "prints text");
    set_term(rest->screen);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(escape_wait_ms);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(warning_pair, COLOR_RED, -1);
        init_pair(title_pair, COLOR_CYAN, -1);
    }
    return Curses{std::move(rest)};
}

Size Curses::size() {
    winsize window{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0 &&
        (window.ws_row != LINES || window.ws_col != COLS)) {
        resizeterm(window.ws_row, window.ws_col);
        clear();
    }
    return {static_cast<std::size_t>(LINES), static_cast<std::size_t>(COLS)};
}

void Curses::draw(const Screen& screen) {
    erase();
    int row = 0;
    for (const ScreenLine& line : screen) {
        const attr_t with = attributes(line.style);
        attrset(with);
        mvaddstr(row++, 0, line.text.c_str());
        if (line.style == ScreenLine::Style::heading)
            chgat(-1, with, 0, nullptr);
    }
    attrset(A_NORMAL);
    refresh();
}

KeyPress Curses::key() {
    for (;;) {
        const int code = getch();
        if (code == ERR)
            return {};
        if (const KeyPress press = press_of(code); press.key != Key::none)
            return press; // what is no key of ours (a resize) is passed over
    }
}

#else

struct Curses::Rest {};

bool Curses::is_compiled() noexcept {
    return false;
}
Result<Curses> Curses::open() {
    return fail(Errc::unsupported, "this build is without ncurses; zmq top --batch 10 prints text");
}
Size Curses::size() {
    return {};
}
void Curses::draw(const Screen&) {}
KeyPress Curses::key() {
    return {};
}

#endif

Curses::Curses(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Curses::Curses(Curses&&) noexcept = default;
Curses::~Curses() = default;

} // namespace flotilla::cli::top
