// SPDX-License-Identifier: Apache-2.0
#include "host/transport.hpp"

#include <flotilla/base/units.hpp>

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

namespace flotilla::host {
namespace {

constexpr int first_descriptor = 3; // as sd_listen_fds(3) has it
constexpr std::uint64_t descriptors_max = 256;

std::string taken(const char* variable) {
    const char* const text = std::getenv(variable);
    std::string value = text ? text : "";
    ::unsetenv(variable); // for nobody behind us
    return value;
}

Status give_listeners(net::Context& context, const Log& log) {
    const std::string process = taken("LISTEN_PID");
    const std::string count_text = taken("LISTEN_FDS");
    std::string names = taken("LISTEN_FDNAMES");
    if (process != std::to_string(::getpid()) || count_text.empty())
        return {}; // none, or meant for the program that started us
    const auto count = parse_count(count_text, 0, descriptors_max);
    if (!count)
        return fail(count.error().code, "LISTEN_FDS: " + count.error().detail);
    for (int i = 0; i < static_cast<int>(*count); ++i) {
        const std::size_t end = names.find(':');
        const std::string name = names.substr(0, end);
        names = end == std::string::npos ? "" : names.substr(end + 1);
        const auto endpoint = context.give_listener(first_descriptor + i);
        if (!endpoint)
            return fail(endpoint.error().code,
                        "socket '" + name + "' from the supervisor: " + endpoint.error().detail);
        log.info("listener_given", {{"name", name}, {"endpoint", endpoint->text()}});
    }
    return {};
}

} // namespace

Result<net::Context> open_context(const CommonSettings& settings, const Log& log) {
    net::ContextOptions options;
    options.io_threads = static_cast<std::uint32_t>(*settings.io_threads);
    auto context = net::Context::open(options);
    if (!context)
        return context;
    if (const Status given = give_listeners(*context, log); !given)
        return fail(given.error());
    return context;
}

void name_unused_listeners(const net::Context& context, const Log& log) {
    for (const net::Endpoint& each : context.listeners_left())
        log.warning("listener_unused",
                    {{"endpoint", each.text()}, {"why", "no endpoint of the settings is there"}});
}

} // namespace flotilla::host
