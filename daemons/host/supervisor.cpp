// SPDX-License-Identifier: Apache-2.0
#include "host/supervisor.hpp"

#include "host/lifecycle.hpp"

#include <flotilla/base/units.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace flotilla::host {
namespace {

constexpr std::uint64_t watchdog_us_max = 86'400'000'000; // a day

std::uint64_t variable(const char* name) {
    const char* const text = std::getenv(name);
    const auto value = parse_count(text ? text : "", 1, watchdog_us_max);
    return value ? *value : 0;
}

// Half of what is allowed, so that one late turn is no alarm.
Duration watchdog_interval() {
    const std::uint64_t process = variable("WATCHDOG_PID");
    if (process != 0 && process != static_cast<std::uint64_t>(::getpid()))
        return no_limit; // it watches somebody else, from whom we have the variables
    const std::uint64_t allowed = variable("WATCHDOG_USEC");
    return allowed == 0 ? no_limit : std::chrono::microseconds{allowed} / 2;
}

// A further line would be an assignment of its own.
std::string in_one_line(std::string_view status) {
    std::string line{status};
    std::replace(line.begin(), line.end(), '\n', ';');
    return line;
}

} // namespace

Supervisor::Supervisor(const Log& log)
    : log_(log), interval_(watchdog_interval()), next_(interval_ == no_limit ? never : Instant{}) {}

bool Supervisor::tell(const std::string& state) {
    const auto told = notify_supervisor(state);
    if (!told && !unreachable_)
        log_.warning("supervisor_unreachable", {{"why", told.error().detail}});
    unreachable_ = !told;
    return told.has_value();
}

void Supervisor::say(std::string state) {
    owed_.clear();
    if (tell(state))
        return;
    owed_ = std::move(state);
    next_ = Instant{};
}

void Supervisor::starting(std::string_view status) {
    say("STATUS=" + in_one_line(status));
}

void Supervisor::ready(std::string_view status) {
    say("READY=1\nSTATUS=" + in_one_line(status));
}

void Supervisor::reloading(Instant now) {
    const auto since =
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
    say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(since.count()) +
        "\nSTATUS=Reading the settings again");
}

void Supervisor::stopping(std::string_view status) {
    say("STOPPING=1\nSTATUS=" + in_one_line(status));
}

} // namespace flotilla::host
