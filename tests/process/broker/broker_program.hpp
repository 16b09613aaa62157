// SPDX-License-Identifier: Apache-2.0
// The built flotilla-broker, and peers of it as 18/MDP has them, one socket each.
#pragma once

#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/process.hpp>
#include <support/ready_process.hpp>
#include <support/text.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::test {

inline const std::string broker_program = FLOTILLA_BROKER_PROGRAM;

struct Daemon {
    Process process;
    std::vector<net::Endpoint> endpoints;
};

inline Daemon start_broker(std::vector<std::string> arguments) {
    auto [process, said] = start_ready(broker_program, std::move(arguments));
    std::vector<net::Endpoint> endpoints;
    for (const auto& each : said.at("endpoints"))
        endpoints.push_back(*net::Endpoint::parse(each.get<std::string>()));
    return {std::move(process), std::move(endpoints)};
}

inline Daemon start_broker_anywhere(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--bind", "tcp://127.0.0.1:*"});
    return start_broker(std::move(more));
}

inline net::Socket dealer(net::Context& context, const net::Endpoint& endpoint) {
    net::SocketOptions options;
    options.reconnect_max = 200ms;
    auto socket = net::Socket::open(context, net::SocketType::dealer, options);
    REQUIRE(socket);
    REQUIRE(socket->connect(endpoint));
    return std::move(*socket);
}

inline void send(net::Socket& socket, wire::Frames frames) {
    REQUIRE(socket.send(frames, patience));
}

inline wire::Frames next(net::Socket& socket) {
    auto message = socket.receive(patience);
    REQUIRE(message);
    return std::move(*message);
}

// What 18/MDP says, byte for byte.
inline void ready(net::Socket& worker, std::string_view service) {
    send(worker, {"MDPW02", "\x01", service});
}
inline void ask(net::Socket& client, std::string_view service, std::string_view body) {
    send(client, {"MDPC02", "\x01", service, body});
}
inline std::string answer_of(net::Socket& client) {
    const wire::Frames reply = next(client);
    REQUIRE(reply.size() == 4);
    CHECK(reply[0] == ByteView{"MDPC02"});
    CHECK(reply[1] == ByteView{"\x03"});
    return std::string(reply[3].view());
}
// The next request that a worker gets; heartbeats are passed over.
struct Taken {
    std::string address;
    std::string body;
};
inline Taken take(net::Socket& worker) {
    while (true) {
        const wire::Frames message = next(worker);
        REQUIRE(message.size() >= 2);
        CHECK(message[0] == ByteView{"MDPW02"});
        if (message[1] == ByteView{"\x05"})
            continue;
        INFO("command " << static_cast<int>(message[1].view()[0]));
        REQUIRE(message[1] == ByteView{"\x02"});
        REQUIRE(message.size() == 5);
        return {std::string(message[2].view()), std::string(message[4].view())};
    }
}
inline void answer(net::Socket& worker, const Taken& taken, std::string_view body) {
    send(worker, {"MDPW02", "\x04", taken.address, "", body});
}
inline void wait_disconnect(net::Socket& worker) {
    while (true) {
        const wire::Frames message = next(worker);
        REQUIRE(message.size() >= 2);
        if (message[1] == ByteView{"\x06"})
            return;
        REQUIRE(message[1] == ByteView{"\x05"});
    }
}

} // namespace flotilla::test
