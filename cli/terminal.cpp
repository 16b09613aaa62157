// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>

#include <cli/terminal.hpp>
#include <unistd.h>

#include <cstdio>

namespace flotilla::cli {

bool is_terminal(int descriptor) noexcept {
    return isatty(descriptor) == 1;
}

Terminal::Terminal(std::string verb, Verbosity verbosity)
    : verb_(std::move(verb)), verbosity_(verbosity),
      shows_progress_(verbosity != Verbosity::quiet && is_terminal(STDERR_FILENO)) {}

Terminal::~Terminal() {
    clear_progress();
}

void Terminal::line(std::string_view text) {
    clear_progress();
    std::string out = verb_.empty() ? "zmq: " : "zmq " + verb_ + ": ";
    append_shown(out, text);
    out.push_back('\n');
    std::fwrite(out.data(), 1, out.size(), stderr); // one write: lines of two programs do not mix
    std::fflush(stderr);
}

void Terminal::error(std::string_view text) {
    line(text);
}

void Terminal::note(std::string_view text) {
    if (verbosity_ != Verbosity::quiet)
        line(text);
}

void Terminal::detail(std::string_view text) {
    if (verbosity_ == Verbosity::verbose)
        line(text);
}

void Terminal::progress(Instant now, std::string_view text) {
    if (!shows_progress_ || now < progress_next_)
        return;
    progress_next_ = now + 100ms;
    progress_shown_ = true;
    std::string out = "\r\x1b[K"; // back to the start of the line, and clear it
    append_shown(out, text);
    std::fwrite(out.data(), 1, out.size(), stderr);
    std::fflush(stderr);
}

void Terminal::clear_progress() {
    if (!progress_shown_)
        return;
    progress_shown_ = false;
    std::fputs("\r\x1b[K", stderr);
}

} // namespace flotilla::cli
