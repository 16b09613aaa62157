// SPDX-License-Identifier: Apache-2.0
//
// Child: a command with pipes on its standard input and output; standard error is ours. It leads a
// process group of its own, so that ^C at the terminal ends us, not its work, and so that what it
// started, and did not put into a session of its own, ends with it, however it ends.
//
// SIGPIPE must be ignored (catch_signals does): a command need not read all that it is given.
// Every wait has a deadline. What still runs at destruction is killed and reaped. Not thread-safe;
// different children are independent.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::cli {

// The path that a command's name stands for. Errors: not_found; bad_option (it cannot be run).
Result<std::string> find_program(const std::string& name);

// Kills every child there is, and what those started. For a signal handler, before the end.
void kill_all_children() noexcept;

class Child {
public:
    // How it ended: an exit code, or the signal that killed it.
    struct End {
        bool killed = false;
        int number = 0;
    };
    using Stop = std::function<bool()>; // asked about every 100 ms during a wait

    // Does it outlive our thread? A command that works on one request must not: it dies with us.
    enum class Life : std::uint8_t { with_our_thread, its_own };

    // `command[0]` is a path; `environment` is added to ours. Errors: io, out_of_files.
    static Result<Child> start(const std::vector<std::string>& command,
                               const std::vector<std::string>& environment, Life life);
    Child(Child&& other) noexcept;
    Child& operator=(Child&&) = delete;
    ~Child();

    // Gives it `input` and the end of the input, and gathers what it prints to the end: of its
    // output, or its own while something in the background holds the pipe. Errors:
    // timeout, too_large (more than bytes_max; it is killed), stopped (`stop` said so), io.
    Result<std::string> exchange(ByteView input, std::uint64_t bytes_max, Instant deadline,
                                 const Stop& stop);
    // Gives it a line and takes its next line, both without the '\n'. Errors: as exchange, and
    // peer_gone (it closed its output).
    Result<std::string> exchange_line(ByteView line, std::uint64_t bytes_max, Instant deadline,
                                      const Stop& stop);
    // It has printed more than was taken: of a request, its answer would be another's. Looks, and
    // does not wait. Errors: io.
    Result<bool> has_more_to_say();
    // exchange_line() has given an answer of it.
    bool has_answered() const noexcept { return has_answered_; }
    // It has closed its output: it will not answer again. As far as reading has come.
    bool has_said_all() const noexcept { return output_ended_ && read_ahead_.empty(); }
    // Of the line of the last exchange_line() it has not read one byte.
    bool read_nothing() const noexcept;

    // Waits for its end. Errors: timeout; stopped.
    Result<End> wait(Instant deadline, const Stop& stop);
    void close_input() noexcept;

private:
    Child(pid_t pid, int input, int output) noexcept : pid_(pid), input_(input), output_(output) {}
    Status read_some(std::string& output);
    Status pump(ByteView& input, std::string& output, Instant deadline);
    Result<std::optional<End>> look_for_end() const;
    void kill_now() noexcept;

    pid_t pid_;
    int input_;  // we write
    int output_; // we read
    bool output_ended_ = false;
    std::string read_ahead_;    // exchange_line: beyond the last line
    std::uint64_t written_ = 0; // exchange_line: of its line
    bool has_answered_ = false;
};

} // namespace flotilla::cli
