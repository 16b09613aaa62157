// SPDX-License-Identifier: Apache-2.0
// The built zmq program, started or run to its end.
#pragma once

#include <support/process.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace flotilla::test {

inline const std::string any_port = "tcp://127.0.0.1:*";

inline std::vector<std::string> zmq_command(std::vector<std::string> words) {
    words.insert(words.begin(), FLOTILLA_ZMQ_PROGRAM);
    return words;
}

// With standard input open: close_input() ends it.
inline Process start_zmq(std::vector<std::string> words) {
    return Process::start(zmq_command(std::move(words)));
}

inline Completed run_zmq(std::vector<std::string> words, std::string_view input = {}) {
    return run_program(zmq_command(std::move(words)), input);
}

// Where a verb with -v, or bound to a wildcard, says that it is bound.
inline std::string bound_endpoint(Process& process) {
    constexpr std::string_view mark = "bound to ";
    const auto line = process.wait_line(Stream::error, mark);
    return line ? line->substr(line->find(mark) + mark.size()) : std::string{};
}

} // namespace flotilla::test
