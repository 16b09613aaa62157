// SPDX-License-Identifier: Apache-2.0
//
// Terminal: everything that is not data. Data goes to stdout (see output.hpp); notes, warnings and
// progress go to stderr, one line each, headed by the verb: "zmq push: ...".
//
// Not thread-safe.
#pragma once

#include <flotilla/base/time.hpp>

#include <string>
#include <string_view>

namespace flotilla::cli {

enum class Verbosity { quiet, normal, verbose };

class Terminal {
public:
    explicit Terminal(std::string verb, Verbosity verbosity = Verbosity::normal);
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    // Control characters are shown as escapes, but for line feeds.
    void error(std::string_view text);  // always
    void note(std::string_view text);   // unless --quiet
    void detail(std::string_view text); // only with --verbose
    // One line that replaces itself, at most ten times a second, only where a person sees it:
    // stderr is a terminal and --quiet was not given.
    void progress(Instant now, std::string_view text);
    bool shows_progress() const noexcept { return shows_progress_; }

    Verbosity verbosity() const noexcept { return verbosity_; }
    const std::string& verb() const noexcept { return verb_; }

private:
    void line(std::string_view text);
    void clear_progress();

    std::string verb_;
    Verbosity verbosity_;
    bool shows_progress_ = false;
    bool progress_shown_ = false;
    Instant progress_next_{};
};

bool is_terminal(int descriptor) noexcept;
// Of a terminal: empty, to be written on from its first line.
inline constexpr const char* clear_screen = "\x1b[H\x1b[2J";

} // namespace flotilla::cli
