// SPDX-License-Identifier: Apache-2.0
//
// Process: a child program of a test, with pipes on its three streams and a deadline on every wait.
//
//     Process relay = Process::start({FLOTILLA_RELAY_PROGRAM, "streamer", ...});
//     const auto ready = relay.wait_line(Stream::error, "relay_ready");
//     REQUIRE(ready);
//     relay.signal(SIGTERM);
//     REQUIRE(relay.wait_exit() == Exit::with(0));
//
// While it waits it reads both outputs, so a child never stalls on a full pipe during a wait. What
// the test did not end is killed and reaped by the destructor. Failures of the test's own system
// calls (no such program, no descriptors) throw std::runtime_error. One thread at a time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::test {

enum class Stream { output, error };

// How a child ended: its exit code, or the signal that killed it.
struct Exit {
    bool killed = false;
    int number = 0; // exit code, or signal number when killed

    static Exit with(int code) { return Exit{false, code}; }
    static Exit by(int signal) { return Exit{true, signal}; }
    friend bool operator==(const Exit&, const Exit&) = default;
};

struct ProcessOptions {
    // Added to the test's own environment; a name with no value ("NAME") is removed from it.
    std::vector<std::string> environment{};
    std::string directory{}; // working directory; empty: the test's
};

class Process {
public:
    using Wait = std::chrono::milliseconds;
    // Long enough for a loaded machine under a sanitizer; a passing test never waits that long.
    static constexpr Wait patience{30'000};

    // command[0] is a path, or a name looked up in PATH.
    static Process start(const std::vector<std::string>& command, ProcessOptions options = {});
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    ~Process();

    pid_t pid() const noexcept { return pid_; }

    // Writes all of it to the child's standard input, reading its outputs meanwhile. False when the
    // child closed its input or the wait is over.
    bool write(std::string_view bytes, Wait wait = patience);
    void close_input();

    // The next line (without its newline) of that stream that contains `part`. Lines before it are
    // passed over, and remembered in text(). Nothing when the stream ended or the wait is over.
    std::optional<std::string> wait_line(Stream stream, std::string_view part = {},
                                         Wait wait = patience);
    // Everything read from that stream so far, lines already waited for included.
    const std::string& text(Stream stream) const { return pipe(stream).text; }

    void signal(int number);
    // Reads both outputs to their end and reaps the child. Nothing when the wait is over.
    std::optional<Exit> wait_exit(Wait wait = patience);

private:
    struct Pipe {
        int descriptor = -1; // -1: ended
        std::string text{};
        std::size_t passed = 0; // up to here wait_line has gone
    };
    using Deadline = std::chrono::steady_clock::time_point;

    Process() = default;
    const Pipe& pipe(Stream stream) const { return stream == Stream::output ? output_ : error_; }
    Pipe& pipe(Stream stream) { return stream == Stream::output ? output_ : error_; }
    bool pump(Deadline deadline, bool for_input);
    void end() noexcept;

    pid_t pid_ = -1;
    int input_ = -1;
    Pipe output_{};
    Pipe error_{};
    std::optional<Exit> exit_{};
};

// A program run to its end.
struct Completed {
    Exit exit{};
    std::string output{};
    std::string error{};
};

// Starts it, gives it `input`, closes its input and waits. Throws when it does not end in time.
Completed run_program(const std::vector<std::string>& command, std::string_view input = {},
                      ProcessOptions options = {}, Process::Wait wait = Process::patience);

} // namespace flotilla::test
