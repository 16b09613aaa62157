// SPDX-License-Identifier: Apache-2.0
#include "titanic_queues.hpp"

#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/wire/option_text.hpp>

namespace flotilla::compose {

namespace {

// Of the first store that answers, within its part of `wait`.
Result<queue::Event> ask(net::Context& context, const std::vector<net::Endpoint>& stores,
                         const net::Security& security, const queue::Command& command,
                         queue::Asked asked, Duration wait) {
    namespace leased = queue::leased;
    const Duration part = wait / static_cast<std::int64_t>(stores.size());
    Error last{Errc::timeout, "no store answers"};
    for (const net::Endpoint& store : stores) {
        net::SocketOptions options;
        options.security = security;
        auto socket = net::Socket::open(context, net::SocketType::dealer, options);
        if (!socket)
            return fail(socket.error());
        if (const Status connected = socket->connect(store); !connected)
            return fail(connected.error());
        wire::Frames message;
        queue::write(leased::Envelope{true, "1"}, command, message);
        if (const Status sent = socket->send(message, part); !sent) {
            last = sent.error();
            continue;
        }
        auto answer = socket->receive(part);
        if (!answer && answer.error().code == Errc::stopped)
            return fail(answer.error());
        if (!answer) {
            last = answer.error();
            continue;
        }
        const auto head = leased::read_head(*answer, 0);
        if (!head)
            return fail(head.error());
        return queue::read_event(*head, asked, *answer);
    }
    return fail(last);
}

// Nothing: it is not a refusal.
const queue::leased::ErrorReply* refusal_in(const queue::Event& event) {
    const auto* plain = std::get_if<queue::leased::Event>(&event);
    return plain ? std::get_if<queue::leased::ErrorReply>(plain) : nullptr;
}

} // namespace

Status create_queue(net::Context& context, const std::vector<net::Endpoint>& stores,
                    const net::Security& security, const std::string& name,
                    const queue::QueueProperties& properties, Duration wait) {
    const auto event = ask(context, stores, security, queue::Create{name, properties, true},
                           queue::Asked::other, wait);
    if (!event)
        return fail(event.error());
    // An operator may have given it other properties.
    if (const auto* error = refusal_in(*event);
        error && error->code != queue::leased::ErrorCode::exists)
        return fail(Errc::refused,
                    std::string(queue::leased::name(error->code)) + ": " + error->text);
    return {};
}

Result<std::uint64_t> messages_in(net::Context& context, const std::vector<net::Endpoint>& stores,
                                  const net::Security& security, const std::string& name,
                                  Duration wait) {
    const auto event = ask(context, stores, security, queue::Stat{name}, queue::Asked::stat, wait);
    if (!event)
        return fail(event.error());
    const auto* stat = std::get_if<queue::StatReply>(&*event);
    if (stat == nullptr)
        return fail(Errc::refused, "the store does not say what is in queue " + name);
    wire::OptionTextReader read(stat->text);
    constexpr std::uint64_t most = ~std::uint64_t{0};
    return read.count("ready", 0, 0, most) + read.count("delayed", 0, 0, most) +
           read.count("leased", 0, 0, most);
}

} // namespace flotilla::compose
