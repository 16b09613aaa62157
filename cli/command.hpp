// SPDX-License-Identifier: Apache-2.0
//
// Command: one verb of the `zmq` program.
//
// A verb is a function that declares its options on its own Parser, a subcommand of the program's,
// and returns what to do when the command line named it. The options live in an object that both
// share:
//
//     Run declare_hello(Parser& parser) {
//         auto name = std::make_shared<std::string>("world");
//         parser.add_option("NAME", *name, "Whom to greet");
//         parser.set_footer("Examples:\n  zmq hello\n  zmq hello moon");
//         return [name](Terminal& terminal) -> Result<ExitCode> { ... };
//     }
//
// and one line in commands.cpp. -h, -q and -v are there for every verb; the Terminal knows them.
// What a verb returns becomes the exit status: an Error is printed as "zmq VERB: detail" and mapped
// by exit_code(). Parse errors never reach a verb.
#pragma once

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>

#include <cli/terminal.hpp>
#include <command_line/parser.hpp>

#include <functional>
#include <vector>

namespace flotilla::cli {

using command_line::Option;
using command_line::Parser;

using Run = std::function<Result<ExitCode>(Terminal&)>;

struct Command {
    const char* name;
    const char* group;   // heading in `zmq --help`
    const char* summary; // one line without a full stop
    Run (*declare)(Parser&);
};

// In the order of `zmq --help`.
const std::vector<Command>& commands();

// Verbs that are about the program itself find the whole tree here, from `declare` onwards.
const Parser& root_of(const Parser& parser);

} // namespace flotilla::cli
