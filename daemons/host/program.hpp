// SPDX-License-Identifier: Apache-2.0
//
// What main() of every daemon does with a command line that was read: prints or checks the
// settings, or opens the service and serves until a signal ends it.
//
// A daemon's Command has `task`, `ready_json` and `settings`; its namespace has
// format_settings(settings); its Service has ready_json() and run(Signals&).
#pragma once

#include "host/command_line.hpp"
#include "host/doubts.hpp"
#include "host/freed_memory.hpp"
#include "host/lifecycle.hpp"
#include "host/log.hpp"
#include "host/refusal.hpp"
#include "host/signals.hpp"

#include <flotilla/base/error.hpp>
#include <flotilla/base/exit_code.hpp>
#include <flotilla/net/open_files.hpp>

#include <iostream>
#include <string>
#include <string_view>
#include <utility>

namespace flotilla::host {

// `open(log)` gives the Result of opening the service; it is called when signals are taken.
template <class Command, class Open>
ExitCode serve(std::string_view program, const Command& command, LogLevel level, LogFormat format,
               Open&& open) {
    // Before any thread starts: threads inherit which signals are blocked.
    auto signals = Signals::open();
    if (!signals)
        return refuse(program, signals.error());
    raise_file_limit();
    keep_freed_memory();
    Log log(level, format);
    auto service = open(log);
    if (!service)
        return refuse(program, named(service.error(), command));
    if (const Status room = net::check_room_for_connections(); !room)
        return refuse(program, room.error());
    if (command.ready_json)
        std::cout << service->ready_json() << std::endl;
    const ExitCode code = service->run(*signals);
    // From here a signal ends the process, so that nobody has to wait for the sockets to flush.
    { const Signals given_back = std::move(*signals); }
    return code;
}

// `make_options(settings)` gives a Result, and `serve(command, options)` runs with its value.
template <class Command, class MakeOptions, class Serve>
ExitCode obey(std::string_view program, const Command& command, MakeOptions&& make_options,
              Serve&& serve) {
    if (command.task == Task::print_config) {
        std::cout << format_settings(command.settings) << std::flush;
        return std::cout ? ExitCode::ok
                         : refuse(program, {Errc::io, "the settings cannot be written"});
    }
    auto options = make_options(command.settings);
    if (!options) {
        refuse(program, named(options.error(), command));
        return ExitCode::usage; // whatever is wrong, the settings name it
    }
    if (command.task == Task::check_config) {
        if (const std::string doubt = doubt_of_rules(command.settings); !doubt.empty())
            std::cerr << program << ": " << doubt << "\n";
        return ExitCode::ok;
    }
    return serve(command, std::move(*options));
}

} // namespace flotilla::host
