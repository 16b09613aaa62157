// SPDX-License-Identifier: Apache-2.0
//
// A built daemon with both ways to administer it, and a token.
#pragma once

#include <flotilla/net/socket.hpp>

#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/http_client.hpp>
#include <support/patience.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::test {

inline const std::string secret = "correct-horse-battery";
inline const std::string authorized = "Authorization: Bearer " + secret + "\r\n";

inline std::string token_file(const ScratchFolder& folder) {
    const std::string path = folder.file("token");
    std::ofstream(path) << secret << "\n";
    std::filesystem::permissions(path, std::filesystem::perms{0600});
    return path;
}

struct Administered {
    Process process;
    nlohmann::json said;

    std::uint16_t http() const {
        const std::string address = said.at("admin_http");
        return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    }
    net::Endpoint endpoint() const {
        return *net::Endpoint::parse(said.at("admin").get<std::string>());
    }
    nlohmann::json status(const std::string& query = {}) const {
        return nlohmann::json::parse(http_get(http(), "/api/status" + query).body);
    }
};

inline Administered start(std::vector<std::string> command, const ScratchFolder& folder) {
    for (const char* each : {"--ready-json", "--admin", "tcp://127.0.0.1:*", "--admin-http",
                             "127.0.0.1:0", "--admin-token"})
        command.emplace_back(each);
    command.push_back(token_file(folder));
    Process process = Process::start(command);
    const auto line = process.wait_line(Stream::output);
    if (!line) {
        (void)process.wait_exit();
        FAIL(process.text(Stream::error));
    }
    return {std::move(process), nlohmann::json::parse(*line)};
}

// What Prometheus says of a page; empty: nothing.
inline std::string promtool(const std::string& page) {
    const Completed checked = run_program({"promtool", "check", "metrics"}, page);
    return checked.output + checked.error;
}

} // namespace flotilla::test
