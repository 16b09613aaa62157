// SPDX-License-Identifier: Apache-2.0
// A store's status as docs/protocol/admin.md has it, for tests.
#pragma once

#include <cli/admin/view.hpp>
#include <nlohmann/json.hpp>
#include <support/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace flotilla::test {

using Json = nlohmann::ordered_json;

struct StatusOf {
    std::string instance = "orders";
    std::string state = "ready";
    std::int64_t started_ms = 1'000;
    std::int64_t taken_ms = 61'000;
    double commits = 10;
    std::vector<std::pair<std::string, std::pair<int, int>>> queues{}; // name, (ready, accepted)
    std::uint64_t left_out = 0;
};

inline Json column(const char* name, const char* kind, const char* unit, const char* help) {
    return {{"name", name}, {"kind", kind}, {"unit", unit}, {"help", help}};
}

inline Json status_json_of(const StatusOf& of) {
    Json json{{"program", "flotilla-store"},
              {"instance", of.instance},
              {"version", "0.1.0"},
              {"process", 4711},
              {"started_ms", of.started_ms},
              {"taken_ms", of.taken_ms},
              {"state", of.state},
              {"not_ready", Json::array()},
              {"endpoints", {"tcp://127.0.0.1:5560"}}};
    if (of.state != "ready")
        json["not_ready"].push_back(of.state);
    json["totals_kind"] = "store";
    json["text_columns"]["queue"] = {"order"};
    json["columns"]["store"] = {column("commits", "counter", "count", "Transactions."),
                                column("disk_bytes", "gauge", "bytes", "Of the data folder."),
                                column("sessions", "gauge", "count", "Consumers with credit.")};
    json["columns"]["queue"] = {column("ready", "gauge", "count", "Messages that wait."),
                                column("accepted", "counter", "count", "Messages put.")};
    json["totals"] = {{"commits", of.commits}, {"disk_bytes", 1536}, {"sessions", 3}};
    json["objects"]["queue"] = Json::array();
    for (const auto& [name, counts] : of.queues)
        json["objects"]["queue"].push_back({{"name", name},
                                            {"order", "plain"},
                                            {"ready", counts.first},
                                            {"accepted", counts.second}});
    json["left_out"]["queue"] = of.left_out;
    json["histograms"] = Json::array();
    return json;
}

inline cli::DaemonView view_of(const StatusOf& of) {
    auto view = cli::read_status(status_json_of(of).dump());
    REQUIRE(view);
    return std::move(*view);
}

} // namespace flotilla::test
