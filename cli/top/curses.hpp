// SPDX-License-Identifier: Apache-2.0
//
// Curses: the terminal of `zmq top`: ncurses behind a pointer, so that a build without it compiles
// the same. One at a time; the terminal is as it was once it is destroyed. One thread.
#pragma once

#include <flotilla/base/result.hpp>

#include <cli/top/screen.hpp>

#include <memory>

namespace flotilla::cli::top {

class Curses {
public:
    static bool is_compiled() noexcept;
    // Standard input and output must be terminals. Errors: unsupported (not compiled in, or a
    // terminal that ncurses does not know).
    static Result<Curses> open();
    Curses(Curses&&) noexcept;
    Curses& operator=(Curses&&) = delete;
    ~Curses();

    // As it is now: a window may have been resized since the last call.
    Size size();
    void draw(const Screen& screen);
    // The next key that was pressed; Key::none when there is none. Never waits.
    KeyPress key();
    // Readable when a key was pressed.
    static int descriptor() noexcept;

private:
    struct Rest;
    explicit Curses(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::cli::top
