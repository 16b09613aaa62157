// SPDX-License-Identifier: Apache-2.0
// A relay and its peers on one thread: the test turns the relay's loop, so nothing happens behind
// its back and counters can be read at any time.
#pragma once

#include <flotilla/net/poller.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/relay/relay.hpp>

#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::relay {

using flotilla::test::patience;

inline net::Attachment attachment(std::string_view text) {
    auto parsed = net::parse_attachment(text, net::AttachRule::bind);
    REQUIRE(parsed);
    return *parsed;
}

inline RelayOptions on_tcp(Kind kind) {
    RelayOptions options;
    options.name = "test";
    options.kind = kind;
    options.frontend.attachments = {attachment("tcp://127.0.0.1:*")};
    options.backend.attachments = {attachment("tcp://127.0.0.1:*")};
    return options;
}

class Served {
public:
    explicit Served(RelayOptions options) {
        auto opened = Relay::open(context, std::move(options));
        if (!opened)
            FAIL(to_string(opened.error()));
        relay.emplace(std::move(*opened));
        relay->attach(poller);
    }

    net::Socket peer(net::SocketType type, const net::Endpoint& endpoint,
                     net::SocketOptions options = {}) {
        auto socket = net::Socket::open(context, type, std::move(options));
        REQUIRE(socket);
        REQUIRE(socket->connect(endpoint));
        return std::move(*socket);
    }
    net::Socket front(net::SocketType type, net::SocketOptions options = {}) {
        return peer(type, relay->endpoints(Side::frontend).at(0), std::move(options));
    }
    net::Socket back(net::SocketType type, net::SocketOptions options = {}) {
        return peer(type, relay->endpoints(Side::backend).at(0), std::move(options));
    }
    net::Socket tap(ByteView topic) {
        net::Socket socket = peer(net::SocketType::sub, relay->capture_endpoints().at(0));
        REQUIRE(socket.subscribe(topic));
        return socket;
    }

    // Turns the relay's loop until `done`.
    void until(const std::function<bool()>& done) {
        const Instant deadline = deadline_after(net::now(), patience);
        while (!done()) {
            REQUIRE(net::now() < deadline);
            REQUIRE(poller.turn(1ms));
        }
    }
    // The next message of a peer, as texts.
    std::vector<std::string> next(net::Socket& socket) {
        Result<wire::Frames> received = fail(Errc::would_block);
        until([&] {
            received = socket.receive(Duration::zero());
            return received.has_value();
        });
        std::vector<std::string> texts;
        for (std::size_t i = 0; i < received->size(); ++i)
            texts.emplace_back((*received)[i].view());
        return texts;
    }
    void send(net::Socket& socket, wire::Frames message) {
        until([&] { return socket.send(message, Duration::zero()).has_value(); });
    }
    // A publisher that sees subscriptions, so that it can wait for them.
    void await_subscription(net::Socket& xpub, const std::string& topic) {
        CHECK(next(xpub) == std::vector<std::string>{"\1" + topic});
    }
    // Nothing comes while something else makes the round.
    bool silent(net::Socket& socket) {
        for (int i = 0; i < 20; ++i)
            REQUIRE(poller.turn(1ms));
        return !socket.receive(Duration::zero()).has_value();
    }
    Counters counters() const { return relay->counters(); }

    net::Context context = *net::Context::open();
    net::Poller poller;
    std::optional<Relay> relay;
};

using Texts = std::vector<std::string>;

inline net::SocketOptions queue_of(std::uint32_t messages) {
    net::SocketOptions options;
    options.send_messages_max = messages;
    options.receive_messages_max = messages;
    return options;
}

} // namespace flotilla::relay
