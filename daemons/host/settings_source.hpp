// SPDX-License-Identifier: Apache-2.0
//
// SettingsSource: where a daemon's settings came from, so that they can be read again: flags and
// variables, which stay what they were, over a file, which may have changed. Command: what to do
// with them.
#pragma once

#include "host/command_line.hpp"
#include "host/lifecycle.hpp"
#include "host/refusal.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace flotilla::host {

template <class Settings>
struct SettingsSource {
    Settings flags{};   // and variables
    std::string file{}; // empty: none
    // A file with nothing in it, met at a reload, is one that somebody is just writing: it is not
    // taken for a wish to have every default.
    enum class Blank : std::uint8_t { taken, refused } blank = Blank::taken;
};

template <class Settings>
struct Command {
    Task task = Task::run;
    bool ready_json = false;           // say where it is bound on standard output too
    SettingsSource<Settings> source{}; // for reading it again
    std::vector<command_line::FromVariable> variables{};
    Settings settings{};
};

// `parse(text, file)` and `lay_over(flags, file)` are the daemon's. Errors: bad_setting (the file
// cannot be read, or what is in it), and those of laying one over the other.
template <class Settings, class Parse, class LayOver>
Result<Settings> read_settings(const SettingsSource<Settings>& source, Parse&& parse,
                               LayOver&& lay_over) {
    if (source.file.empty())
        return lay_over(source.flags, Settings{});
    const auto text = read_settings_file(source.file);
    if (!text)
        return fail(Errc::bad_setting, text.error().detail);
    if (source.blank == SettingsSource<Settings>::Blank::refused &&
        text->find_first_not_of(" \t\r\n") == std::string::npos)
        return fail(Errc::bad_setting,
                    source.file + ": it is empty, as if it were just being written; write another "
                                  "file and move it there");
    auto file = parse(*text, source.file);
    if (!file)
        return file;
    return lay_over(source.flags, std::move(*file));
}

// Of flags that were read. An ExitCode: the error was printed.
template <class Settings, class ReadAgain>
std::variant<Command<Settings>, ExitCode>
command_of(std::string_view program, const CommonFlags& common,
           Result<SettingsSource<Settings>> source, ReadAgain&& read_again) {
    auto settings = source ? read_again(*source) : Result<Settings>{fail(source.error())};
    if (!settings) {
        (void)refuse(program, named(std::move(settings.error()), common));
        return ExitCode::usage;
    }
    return Command<Settings>{common.task(), common.ready_json.value_or(false), std::move(*source),
                             common.variables, std::move(*settings)};
}

} // namespace flotilla::host
