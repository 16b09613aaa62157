// SPDX-License-Identifier: Apache-2.0
//
// Signals: what the system asks of a daemon, as events of its loop.
//
//     SIGINT, SIGTERM   stop: drain within the deadline; a second one stops at once
//     SIGHUP            reload
//     SIGUSR1           report
//
// One object a process, opened before any thread starts (threads inherit the blocked signals).
#pragma once

#include <flotilla/base/result.hpp>

#include <cstdint>
#include <optional>

namespace flotilla::host {

enum class Signal : std::uint8_t { stop, reload, report };

class Signals {
public:
    // Errors: out_of_files.
    static Result<Signals> open();
    Signals(Signals&& other) noexcept;
    Signals& operator=(Signals&&) = delete;
    // Gives the signals back to the system: from now on a SIGTERM ends the process.
    ~Signals();

    // Readable when there is a signal; for a Poller.
    int descriptor() const noexcept { return descriptor_; }
    // The oldest signal not yet taken; never waits.
    std::optional<Signal> next();

private:
    explicit Signals(int descriptor) noexcept : descriptor_(descriptor) {}
    int descriptor_;
};

} // namespace flotilla::host
