// SPDX-License-Identifier: Apache-2.0
//
// A broker and bare sockets around it, on one thread: whoever waits for a message drives the
// broker.
#pragma once

#include <flotilla/net/context.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/broker.hpp>

#include <support/catch.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::request {

class BrokerWorld {
public:
    explicit BrokerWorld(const std::string& endpoint = "tcp://127.0.0.1:*",
                         BrokerOptions options = {})
        : context(*net::Context::open()) {
        options.on_notice = [this](const BrokerNotice& notice) { notices.push_back(notice); };
        auto opened = Broker::open(context, std::move(options));
        REQUIRE(opened);
        broker = std::make_unique<Broker>(std::move(*opened));
        auto bound = broker->bind(*net::Endpoint::parse(endpoint));
        REQUIRE(bound);
        address = std::make_unique<net::Endpoint>(*bound);
    }

    net::Socket connect(net::SocketType type = net::SocketType::dealer,
                        net::SocketOptions options = {}) {
        auto socket = net::Socket::open(context, type, std::move(options));
        REQUIRE(socket);
        REQUIRE(socket->connect(*address));
        return std::move(*socket);
    }

    static void say(net::Socket& socket, wire::Frames message) {
        REQUIRE(socket.send(message, 5s));
    }

    // Drives the broker until `done`, or fails the test.
    void until(const std::function<bool()>& done) {
        const Instant deadline = deadline_after(net::now(), 20s);
        while (!done()) {
            REQUIRE(net::now() < deadline);
            REQUIRE(broker->process(1ms));
        }
    }

    // Until it has read all that was said: a turn is bounded by time, so a slow one leaves some.
    void catch_up() {
        until([this] { return !broker->has_input(); });
    }

    // The next message; heartbeats are left out.
    wire::Frames hear(net::Socket& socket) {
        wire::Frames heard;
        until([&] {
            auto received = socket.receive(Duration::zero());
            if (!received || is_heartbeat(*received))
                return false;
            heard = std::move(*received);
            return true;
        });
        return heard;
    }

    // Drives the broker until it has nothing to do. What was sent before over inproc is then done;
    // over tcp an answer has to be waited for.
    bool hears_nothing(net::Socket& socket) {
        for (int i = 0; i < 20; ++i) {
            REQUIRE(broker->process(1ms));
            if (auto received = socket.receive(Duration::zero());
                received && !is_heartbeat(*received))
                return false;
        }
        return true;
    }

    net::Context context;
    std::vector<BrokerNotice> notices{};
    std::unique_ptr<Broker> broker{};
    std::unique_ptr<net::Endpoint> address{};

private:
    static bool is_heartbeat(const wire::Frames& message) {
        return message == wire::Frames{"", "MDPW01", "\x04"} ||
               message == wire::Frames{"MDPW02", "\x05"} ||
               message == wire::Frames{"FLR1", "heartbeat", "", "", ""};
    }
};

} // namespace flotilla::request
