// SPDX-License-Identifier: Apache-2.0
// The built flotilla-relay, and sockets that meet at it.
#pragma once

#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/process.hpp>
#include <support/ready_process.hpp>
#include <support/scratch.hpp>
#include <support/text.hpp>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::test {

inline const std::string relay_program = FLOTILLA_RELAY_PROGRAM;

struct Daemon {
    Process process;
    nlohmann::json relays;

    net::Endpoint endpoint(const char* side, std::size_t relay = 0) const {
        return *net::Endpoint::parse(relays.at(relay).at(side).at(0).get<std::string>());
    }
    // What one of its counters says now; 0 while it is not told.
    std::uint64_t counted(const std::string& name) {
        process.signal(SIGUSR1);
        const auto line = process.wait_line(Stream::error, "relay_counters");
        REQUIRE(line);
        const std::size_t at = line->find(" " + name + "=");
        return at == std::string::npos ? 0 : std::stoull(line->substr(at + name.size() + 2));
    }
};

inline Daemon start_relay(std::vector<std::string> arguments) {
    auto [process, said] = start_ready(relay_program, std::move(arguments));
    return {std::move(process), std::move(said.at("relays"))};
}

inline Daemon start_kind(const std::string& kind, std::vector<std::string> more = {}) {
    std::vector<std::string> all{kind, "--frontend", "tcp://127.0.0.1:*", "--backend",
                                 "tcp://127.0.0.1:*"};
    all.insert(all.end(), more.begin(), more.end());
    return start_relay(std::move(all));
}

inline net::Socket connected(net::Context& context, net::SocketType type,
                             const net::Endpoint& endpoint, net::SocketOptions options = {}) {
    options.reconnect_max = 200ms;
    auto socket = net::Socket::open(context, type, std::move(options));
    REQUIRE(socket);
    REQUIRE(socket->connect(endpoint));
    return std::move(*socket);
}

inline std::string next(net::Socket& socket) {
    auto message = socket.receive(patience);
    REQUIRE(message);
    return std::string((*message).back().view());
}

} // namespace flotilla::test
