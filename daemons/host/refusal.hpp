// SPDX-License-Identifier: Apache-2.0
//
// The last words of a daemon that does not start.
#pragma once

#include <flotilla/base/encoding.hpp>
#include <flotilla/base/error.hpp>
#include <flotilla/base/exit_code.hpp>

#include <command_line/program.hpp>

#include <iostream>
#include <string>
#include <string_view>
#include <utility>

namespace flotilla::host {

inline ExitCode refuse(std::string_view program, const Error& error) {
    std::string text{program};
    text += ": ";
    append_shown(text, error.detail); // settings files are quoted in it
    std::cerr << text << "\n";
    return exit_code(error.code);
}

// Settings that variables gave go by their names. `given` has the `variables` that were read.
template <class Given>
Error named(Error error, const Given& given) {
    error.detail = command_line::named_by_source(std::move(error.detail), given.variables);
    return error;
}

} // namespace flotilla::host
