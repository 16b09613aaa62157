// SPDX-License-Identifier: Apache-2.0
#include "titanic_queues.hpp"

#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/codec.hpp>

namespace flotilla::compose {

namespace {

Status ask(net::Socket& socket, const std::string& name, const queue::QueueProperties& properties,
           Duration wait) {
    namespace leased = queue::leased;
    wire::Frames message;
    queue::write(leased::Envelope{true, "1"}, queue::Command{queue::Create{name, properties, true}},
                 message);
    if (const Status sent = socket.send(message, wait); !sent)
        return sent;
    auto answer = socket.receive(wait);
    if (!answer)
        return fail(answer.error());
    const auto head = leased::read_head(*answer, 0);
    if (!head)
        return fail(head.error());
    const auto event = queue::read_event(*head, queue::Asked::other, *answer);
    if (!event)
        return fail(event.error());
    const auto* plain = std::get_if<leased::Event>(&*event);
    const auto* error = plain ? std::get_if<leased::ErrorReply>(plain) : nullptr;
    // An operator may have given it other properties.
    if (error && error->code != leased::ErrorCode::exists)
        return fail(Errc::refused, std::string(leased::name(error->code)) + ": " + error->text);
    return {};
}

} // namespace

Status create_queue(net::Context& context, const std::vector<net::Endpoint>& stores,
                    const net::Security& security, const std::string& name,
                    const queue::QueueProperties& properties, Duration wait) {
    const auto parts = static_cast<std::int64_t>(stores.size());
    Status last = fail(Errc::timeout);
    for (const net::Endpoint& store : stores) {
        net::SocketOptions options;
        options.security = security;
        auto socket = net::Socket::open(context, net::SocketType::dealer, options);
        if (!socket)
            return fail(socket.error());
        if (const Status connected = socket->connect(store); !connected)
            return connected;
        last = ask(*socket, name, properties, wait / parts);
        if (last || last.error().code == Errc::refused || last.error().code == Errc::stopped)
            return last;
    }
    return last;
}

} // namespace flotilla::compose
