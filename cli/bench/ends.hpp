// SPDX-License-Identifier: Apache-2.0
//
// Ends: the two ends of a benchmark, one class for each pattern and mode, behind two interfaces.
// Each is opened, used and destroyed by one thread.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/socket.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace flotilla::cli::bench {

enum class Pattern : std::uint8_t { pipeline, pubsub, request };

struct EndOptions {
    Pattern pattern = Pattern::pipeline;
    bool batch = false; // pipeline: many messages a frame
    bool lossy = false; // pubsub: a full subscriber loses messages instead of slowing the sender
    net::SocketOptions socket{};
    net::Attachment attachment;
};

class SendEnd {
public:
    virtual ~SendEnd() = default;
    // Waits until somebody is there to take messages. Errors: timeout, stopped.
    virtual Status wait_peer(Duration wait) = 0;
    // Errors: timeout (no room), stopped.
    virtual Status send(ByteView message, Duration wait) = 0;
    // Everything has left this process. Errors: timeout.
    virtual Status finish(Duration wait) = 0;
    // request: waits for replies and gives each to `reply`. Errors: timeout.
    virtual Status receive(const std::function<void(ByteView)>& reply, Duration wait);
};

class ReceiveEnd {
public:
    virtual ~ReceiveEnd() = default;
    virtual net::Endpoint endpoint() const = 0;
    // Gives what is there to `message`, waiting for the first at most `wait`. request: echoes it
    // too. Errors: timeout, stopped.
    virtual Status receive(const std::function<void(ByteView)>& message, Duration wait) = 0;
};

// Errors: those of sockets.
Result<std::unique_ptr<SendEnd>> open_send_end(net::Context& context, EndOptions options);
Result<std::unique_ptr<ReceiveEnd>> open_receive_end(net::Context& context, EndOptions options);

} // namespace flotilla::cli::bench
