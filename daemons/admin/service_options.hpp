// SPDX-License-Identifier: Apache-2.0
//
// The way of every daemon's settings into its Service, at the start and at a reload. A daemon's
// ServiceOptions derive from these; its namespace has in_effect(), make_options() and read_again()
// for its DaemonSettings.
#pragma once

#include "admin/admin.hpp"
#include "host/program.hpp"

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace flotilla::admin {

template <class Settings>
struct ServiceOptions {
    Settings settings{};  // in effect: what the rest was made of
    AdminOptions admin{}; // where administrators connect
    // The settings as they are now, for a reload; may be empty, which reloads nothing.
    std::function<Result<Settings>()> read_again{};
};

// The last step of main(): completes `options` from the command, opens the service and serves.
template <class Service, class Options, class Command>
ExitCode serve(std::string_view program, const Command& command, Options options) {
    options.settings = in_effect(command.settings);
    auto admin = admin_options(options.settings, std::string(program));
    if (!admin) { // they were right a moment ago
        host::refuse(program, admin.error());
        return ExitCode::usage;
    }
    options.admin = std::move(*admin);
    auto source = command.source;
    source.blank = decltype(source)::Blank::refused;
    options.read_again = [source = std::move(source)] { return read_again(source); };
    const auto level = *host::log_level_named(*options.settings.log_level);
    const auto format = *host::log_format_named(*options.settings.log_format);
    return host::serve(program, command, level, format,
                       [&](host::Log& log) { return Service::open(std::move(options), log); });
}

// What a reload begins with: the settings as they are wanted now, found right as a whole.
template <class Settings>
struct WantedSettings {
    Settings settings{}; // in effect
    Token token{};
};
// Errors: those of `read_again`, make_options and admin_options.
template <class Settings>
Result<WantedSettings<Settings>> wanted_settings(const ServiceOptions<Settings>& running) {
    auto read = running.read_again();
    if (!read)
        return fail(read.error());
    WantedSettings<Settings> wanted{in_effect(std::move(*read)), {}};
    if (const auto made = make_options(wanted.settings); !made)
        return fail(made.error());
    auto admin = admin_options(wanted.settings, {});
    if (!admin)
        return fail(admin.error());
    wanted.token = std::move(admin->token);
    return wanted;
}

} // namespace flotilla::admin
