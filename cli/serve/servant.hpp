// SPDX-License-Identifier: Apache-2.0
//
// Servant: what `zmq serve` makes of one request: its own echo, the output of a command started for
// it, or the next line of a command that runs all the while.
//
// Safe to use from several threads at once; each request has a command of its own meanwhile.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>

#include <cli/serve/child.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace flotilla::cli {

struct ServantOptions {
    enum class Kind : std::uint8_t { echo, command, lines } kind = Kind::command;
    std::vector<std::string> command{}; // [0] is a path
    Duration timeout = 60s;             // longest that it may take for one request
    std::uint64_t bytes_max = 64ULL << 20;
    std::string separator = "\t";  // between the frames of a request in the command's input
    std::string frame_separator{}; // splits its output into frames; empty: one frame
    enum class LastNewline : std::uint8_t { keep, leave_out } last_newline = LastNewline::keep;
};

class Servant {
public:
    struct Asked {
        wire::Frames body{};
        // Variables that the command finds: "FLOTILLA_SERVICE=echo".
        std::vector<std::string> environment{};
        std::function<bool()> is_cancelled = [] { return false; };
        // Hears what is wrong with the command while the request is answered all the same.
        std::function<void(const std::string&)> note = [](const std::string&) {};
    };
    struct Later {
        std::string why{};
    };
    struct Failed {
        std::string why{};
    };
    using Said = std::variant<wire::Frames, Later, Failed>;

    static constexpr int exit_later = 75; // EX_TEMPFAIL of sysexits.h

    explicit Servant(ServantOptions options) : options_(std::move(options)) {}

    Said answer(Asked asked);

private:
    Said run_command(const Asked& asked);
    Said ask_line(const Asked& asked);
    Said framed(std::string output) const;
    std::optional<Child> take_idle();
    Result<Child> take_line_child(const Asked& asked);
    Result<Child> start_line_child() const;
    void give_back(Child child, const Asked& asked);
    Said explained(Child& child, const Error& error) const;

    ServantOptions options_;
    std::mutex mutex_;
    std::vector<Child> idle_; // of lines; at most as many as threads ask at once
};

} // namespace flotilla::cli
