// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/option.hpp>

#include <CLI/CLI.hpp>
#include <cli/options.hpp>

#include <algorithm>
#include <functional>

namespace flotilla::cli {

namespace {

// An option whose text `parse` turns into a value, or refuses with a sentence.
template <class Value, class Parse>
CLI::Option* add_parsed(CLI::App& app, const std::string& names, Value& target, const char* type,
                        Parse parse, const std::string& help) {
    auto take = [&target, parse, names](const std::string& text) {
        auto value = parse(text);
        if (!value)
            throw CLI::ValidationError(names.substr(names.rfind(',') + 1), value.error().detail);
        target = *value;
    };
    return app.add_option_function<std::string>(names, take, help)
        ->type_name(type)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

} // namespace

CLI::Option* add_duration(CLI::App& app, const std::string& names, Duration& target,
                          const std::string& help) {
    return add_parsed(app, names, target, "TIME", parse_duration, help);
}

CLI::Option* add_duration(CLI::App& app, const std::string& names, std::optional<Duration>& target,
                          const std::string& help) {
    return add_parsed(app, names, target, "TIME", parse_duration, help);
}

CLI::Option* add_bytes(CLI::App& app, const std::string& names, std::uint64_t& target,
                       const std::string& help) {
    return add_parsed(app, names, target, "SIZE", parse_bytes, help);
}

CLI::Option* add_count(CLI::App& app, const std::string& names, std::uint64_t& target,
                       CountRange range, const std::string& help) {
    return add_parsed(
        app, names, target, "N",
        [range](const std::string& text) { return parse_count(text, range.min, range.max); }, help);
}

CLI::Option* add_count(CLI::App& app, const std::string& names,
                       std::optional<std::uint64_t>& target, CountRange range,
                       const std::string& help) {
    return add_parsed(
        app, names, target, "N",
        [range](const std::string& text) { return parse_count(text, range.min, range.max); }, help);
}

CLI::Option* add_list(CLI::App& app, const std::string& names, std::vector<std::string>& target,
                      const std::string& value_name, const std::string& help) {
    return app.add_option(names, target, help)->allow_extra_args(false)->type_name(value_name);
}

CLI::Option* add_choice(CLI::App& app, const std::string& names, std::string& target,
                        std::vector<std::string> choices, const std::string& help) {
    std::string listed;
    for (const std::string& choice : choices)
        listed += (listed.empty() ? "" : "|") + choice;
    auto check = [choices = std::move(choices), listed](const std::string& text) -> std::string {
        for (const std::string& choice : choices)
            if (text == choice)
                return {};
        return "'" + text + "' is none of " + listed;
    };
    return app.add_option(names, target, help)
        ->check(check, "")
        ->type_name(listed)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void add_socket(CLI::App& app, SocketFlags& flags) {
    const char* group = "Socket";
    add_count(app, "--hwm", flags.hwm, {1, 1'000'000},
              "Messages queued per peer and direction [1000]")
        ->group(group);
    add_duration(app, "--linger", flags.linger,
                 "At the end, longest wait until everything sent has left [5s]; exit 5 if not")
        ->group(group);
    add_bytes(app, "--max-size", flags.message_bytes_max,
              "Largest message accepted, in or out [64MiB]")
        ->group(group);
    add_list(app, "-O,--option", flags.options, "NAME=VALUE",
             "Any libzmq socket option, as in its manual: -O SNDBUF=65536; may be repeated")
        ->group(group);
    add_security(app, flags.security);
}

Result<net::SocketOptions> make_socket_options(const SocketFlags& flags) {
    if (flags.linger > 1h)
        return fail(Errc::bad_option,
                    "--linger is " + format_duration(flags.linger) + "; it must be from 0s to 1h");
    net::SocketOptions options;
    options.send_messages_max = static_cast<std::uint32_t>(flags.hwm);
    options.receive_messages_max = static_cast<std::uint32_t>(flags.hwm);
    // The frames of a handshake are held to this too, and must pass.
    options.frame_bytes_max = std::max<std::uint64_t>(flags.message_bytes_max, 1024);
    options.message_bytes_max = flags.message_bytes_max;
    auto security = make_security(flags.security);
    if (!security)
        return fail(security.error());
    options.security = std::move(*security);
    return options;
}

Status set_options(net::Socket& socket, const SocketFlags& flags) {
    for (const std::string& option : flags.options) {
        const std::size_t equals = option.find('=');
        if (equals == std::string::npos || equals == 0)
            return fail(Errc::bad_option,
                        "-O " + option + ": write NAME=VALUE, for example -O SNDBUF=65536");
        Status set = net::set_option(socket, option.substr(0, equals), option.substr(equals + 1));
        if (!set)
            return fail(set.error().code, "-O " + option + ": " + set.error().detail);
    }
    return {};
}

} // namespace flotilla::cli
