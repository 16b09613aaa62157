// SPDX-License-Identifier: Apache-2.0
// Where a Socket binds and connects.
#include "context_state.hpp"
#include "ipc_place.hpp"
#include "socket_rest.hpp"
#include "transport_error.hpp"

#include <flotilla/net/socket.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <zmq.h>

#include <array>
#include <string>

namespace flotilla::net {
namespace {

using detail::transport_failure;

// A socket that accepts IPv6 names its IPv4 address the IPv6 way, "[::ffff:127.0.0.1]"; people and
// IPv4-only peers want it as it was given.
std::string plain_ipv4(std::string_view endpoint) {
    constexpr std::string_view opening = "[::ffff:";
    std::string text{endpoint};
    const std::size_t begin = text.find(opening);
    const std::size_t end = text.find(']');
    if (begin == std::string::npos || end == std::string::npos ||
        text.find('.', begin) == std::string::npos)
        return text;
    text.erase(end, 1);
    return text.erase(begin, opening.size());
}

// libzmq resolves no names here, and how it fails depends on who listens to its events.
Status check_bindable(const Endpoint& endpoint) {
    const std::string host{endpoint.host().substr(0, endpoint.host().find('%'))};
    if (endpoint.transport() != Transport::tcp || host == "*" || if_nametoindex(host.c_str()) != 0)
        return {};
    std::array<unsigned char, sizeof(in6_addr)> address{};
    for (const int family : {AF_INET, AF_INET6})
        if (inet_pton(family, host.c_str(), address.data()) == 1)
            return {};
    return fail(Errc::bad_endpoint,
                "'" + endpoint.text() + "' has the name '" + host +
                    "', and what is bound is an address, an interface of this machine or *; write "
                    "for example tcp://127.0.0.1:" +
                    (endpoint.port() == 0 ? "*" : std::to_string(endpoint.port())));
}

} // namespace

Status Socket::check_reach(const Endpoint& endpoint) const {
    if (endpoint.transport() == Transport::ws && !transport_has("WS"))
        return fail(Errc::unsupported, "this libzmq has no ws:// transport; use tcp://");
    const auto* plain = std::get_if<Plaintext>(&rest_->options.security);
    if (plain && plain->where == Plaintext::Where::local_only && endpoint.reach() == Reach::remote)
        return fail(Errc::insecure, "'" + endpoint.text() +
                                        "' reaches beyond this machine and would be plaintext; use "
                                        "CURVE keys, a loopback or ipc endpoint, or ask for "
                                        "plaintext by name");
    const bool sends_passwords = std::holds_alternative<PlainServer>(rest_->options.security) ||
                                 std::holds_alternative<PlainClient>(rest_->options.security);
    if (sends_passwords && endpoint.reach() == Reach::remote)
        return fail(Errc::insecure, "'" + endpoint.text() +
                                        "' reaches beyond this machine, and PLAIN sends passwords "
                                        "in the clear; use CURVE keys, or a loopback or ipc "
                                        "endpoint");
    return {};
}

Result<Endpoint> Socket::bind(const Endpoint& endpoint) {
    if (const Status reach = check_reach(endpoint); !reach)
        return fail(reach.error());
    const int given = rest_->context->given_listeners().take(endpoint);
    const detail::IpcPlace place(endpoint); // until it is bound
    if (given < 0) {
        if (const Status bindable = check_bindable(endpoint); !bindable)
            return fail(bindable.error());
        if (const Status free = place.check(); !free)
            return fail(free.error());
    }
    // The option counts for binds that follow: only for this one.
    if (given >= 0)
        zmq_setsockopt(handle_, ZMQ_USE_FD, &given, sizeof given);
    const int bound_here = zmq_bind(handle_, endpoint.text().c_str());
    const int number = zmq_errno();
    constexpr int none = -1;
    if (given >= 0)
        zmq_setsockopt(handle_, ZMQ_USE_FD, &none, sizeof none);
    if (bound_here != 0)
        return transport_failure(number, "bind " + endpoint.text());
    std::array<char, Endpoint::bytes_max> bound{};
    std::size_t size = bound.size();
    if (zmq_getsockopt(handle_, ZMQ_LAST_ENDPOINT, bound.data(), &size) != 0 || size <= 1)
        return endpoint;
    return Endpoint::parse(plain_ipv4({bound.data(), size - 1}));
}

Status Socket::connect(const Endpoint& endpoint) {
    if (endpoint.is_wildcard()) // whoever reaches it: nobody does
        return fail(Errc::bad_endpoint, "'" + endpoint.text() +
                                            "' is a wildcard, which can be bound but not connected "
                                            "to; name the peer's host and port");
    if (const Status reach = check_reach(endpoint); !reach)
        return reach;
    if (zmq_connect(handle_, endpoint.text().c_str()) != 0)
        return transport_failure(zmq_errno(), "connect " + endpoint.text());
    if (rest_->redial)
        rest_->redial->connecting(endpoint.text());
    return {};
}

Result<Endpoint> Socket::attach(const Attachment& attachment) {
    if (attachment.how == Attach::bind)
        return bind(attachment.endpoint);
    if (const Status connected = connect(attachment.endpoint); !connected)
        return fail(connected.error());
    return attachment.endpoint;
}

Status Socket::unbind(const Endpoint& endpoint) {
    if (zmq_unbind(handle_, endpoint.text().c_str()) != 0)
        return transport_failure(zmq_errno(), "unbind " + endpoint.text());
    return {};
}

Status Socket::disconnect(const Endpoint& endpoint) {
    if (zmq_disconnect(handle_, endpoint.text().c_str()) != 0)
        return transport_failure(zmq_errno(), "disconnect " + endpoint.text());
    if (rest_->redial)
        rest_->redial->forget(endpoint.text());
    return {};
}

} // namespace flotilla::net
