// SPDX-License-Identifier: Apache-2.0
#include <command_line/program.hpp>

#include <cstdio>

namespace flotilla::command_line {

namespace {

ExitCode print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    return ExitCode::ok;
}

} // namespace

std::optional<ExitCode> read_words(Parser& parser, int count, const char* const* words) {
    const auto asked = parser.parse({words + 1, words + count});
    if (!asked) {
        std::fprintf(stderr, "%s: %s\nSee %s --help\n", parser.name().c_str(),
                     asked.error().detail.c_str(), parser.name().c_str());
        return ExitCode::usage;
    }
    switch (*asked) {
    case Parser::Asked::help:
        return print(parser.help());
    case Parser::Asked::version:
        return print(parser.version() + "\n");
    case Parser::Asked::run:
        break;
    }
    return std::nullopt;
}

} // namespace flotilla::command_line
