// SPDX-License-Identifier: Apache-2.0
#include <broker/columns.hpp>
#include <broker/report.hpp>
#include <support/catch.hpp>

#include <set>
#include <string>

using namespace flotilla;
using namespace flotilla::broker_daemon;

TEST_CASE("broker report: every counter has a name of its own and its value", "[unit][broker]") {
    request::BrokerShellCounters counters;
    counters.requests_total = 7;
    counters.peers_too_slow_total = 9;
    counters.backlog_dropped_total = 11;
    request::BrokerLevels levels;
    levels.queued = 3;
    const host::Fields fields = counter_fields(counters, levels);
    std::set<std::string> names;
    for (const host::Field& each : fields)
        CHECK(names.insert(each.name).second);
    // As many fields as there are numbers and levels, so that none is forgotten: times are a
    // histogram's, and of the operations a broker knows two.
    constexpr std::size_t levels_shown = 7;
    constexpr std::size_t operations_shown = 2;
    CHECK(fields.size() ==
          (sizeof counters - sizeof counters.answer_times - sizeof counters.not_allowed) /
                  sizeof(std::uint64_t) +
              operations_shown + levels_shown);
    const auto value = [&](const std::string& name) {
        for (const host::Field& each : fields)
            if (each.name == name)
                return each.value;
        return std::string("none");
    };
    CHECK(value("requests") == "7");
    CHECK(value("peers_too_slow") == "9");
    CHECK(value("backlog_dropped") == "11");
    CHECK(value("queued_now") == "3");
}

TEST_CASE("broker report: names of services are shown printable and short", "[unit][broker]") {
    CHECK(shown("echo") == "echo");
    CHECK(shown(std::string_view("a\0\xff\n", 4)) == "a\\x00\\xff\\x0a");
    CHECK(shown(std::string(255, 'x')) == std::string(64, 'x') + "...");
    request::ServiceLevels service;
    service.name = "echo";
    service.queued = 2;
    const host::Fields fields = service_fields(service);
    CHECK(fields[0] == host::Field{"name", "echo"});
    CHECK(fields[3] == host::Field{"queued_now", 2});
}

TEST_CASE("broker report: peers that come and go are no warning", "[unit][broker]") {
    using Kind = request::BrokerNotice::Kind;
    CHECK(level(Kind::worker_registered) == host::LogLevel::info);
    CHECK(level(Kind::worker_gone) == host::LogLevel::info);
    CHECK(level(Kind::worker_expired) == host::LogLevel::warning);
    CHECK(level(Kind::malformed) == host::LogLevel::warning);
}
