// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/settings.hpp>
#include <flotilla/net/option.hpp>

#include <zmq.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>

namespace flotilla::net {
namespace {

enum class ValueKind : std::uint8_t { number, big_number, text };

struct Option {
    std::string_view name;
    int number;
    ValueKind kind;
};

// What a person may want to try on a raw socket. Options that the profile owns for safety's sake
// (MAXMSGSIZE, security) are here too: the tool is for tests.
constexpr Option options[] = {
    {"AFFINITY", ZMQ_AFFINITY, ValueKind::big_number},
    {"BACKLOG", ZMQ_BACKLOG, ValueKind::number},
    {"CONFLATE", ZMQ_CONFLATE, ValueKind::number},
    {"CONNECT_ROUTING_ID", ZMQ_CONNECT_ROUTING_ID, ValueKind::text},
    {"CONNECT_TIMEOUT", ZMQ_CONNECT_TIMEOUT, ValueKind::number},
    {"HANDSHAKE_IVL", ZMQ_HANDSHAKE_IVL, ValueKind::number},
    {"HEARTBEAT_IVL", ZMQ_HEARTBEAT_IVL, ValueKind::number},
    {"HEARTBEAT_TIMEOUT", ZMQ_HEARTBEAT_TIMEOUT, ValueKind::number},
    {"HEARTBEAT_TTL", ZMQ_HEARTBEAT_TTL, ValueKind::number},
    {"IMMEDIATE", ZMQ_IMMEDIATE, ValueKind::number},
    {"INVERT_MATCHING", ZMQ_INVERT_MATCHING, ValueKind::number},
    {"IPV6", ZMQ_IPV6, ValueKind::number},
    {"LINGER", ZMQ_LINGER, ValueKind::number},
    {"MAXMSGSIZE", ZMQ_MAXMSGSIZE, ValueKind::big_number},
    {"MULTICAST_HOPS", ZMQ_MULTICAST_HOPS, ValueKind::number},
    {"PROBE_ROUTER", ZMQ_PROBE_ROUTER, ValueKind::number},
    {"RATE", ZMQ_RATE, ValueKind::number},
    {"RCVBUF", ZMQ_RCVBUF, ValueKind::number},
    {"RCVHWM", ZMQ_RCVHWM, ValueKind::number},
    {"RCVTIMEO", ZMQ_RCVTIMEO, ValueKind::number},
    {"RECONNECT_IVL", ZMQ_RECONNECT_IVL, ValueKind::number},
    {"RECONNECT_IVL_MAX", ZMQ_RECONNECT_IVL_MAX, ValueKind::number},
    {"REQ_CORRELATE", ZMQ_REQ_CORRELATE, ValueKind::number},
    {"REQ_RELAXED", ZMQ_REQ_RELAXED, ValueKind::number},
    {"ROUTER_HANDOVER", ZMQ_ROUTER_HANDOVER, ValueKind::number},
    {"ROUTER_MANDATORY", ZMQ_ROUTER_MANDATORY, ValueKind::number},
    {"ROUTER_RAW", ZMQ_ROUTER_RAW, ValueKind::number},
    {"ROUTING_ID", ZMQ_ROUTING_ID, ValueKind::text},
    {"SNDBUF", ZMQ_SNDBUF, ValueKind::number},
    {"SNDHWM", ZMQ_SNDHWM, ValueKind::number},
    {"SNDTIMEO", ZMQ_SNDTIMEO, ValueKind::number},
    {"SOCKS_PROXY", ZMQ_SOCKS_PROXY, ValueKind::text},
    {"SUBSCRIBE", ZMQ_SUBSCRIBE, ValueKind::text},
    {"TCP_KEEPALIVE", ZMQ_TCP_KEEPALIVE, ValueKind::number},
    {"TCP_KEEPALIVE_CNT", ZMQ_TCP_KEEPALIVE_CNT, ValueKind::number},
    {"TCP_KEEPALIVE_IDLE", ZMQ_TCP_KEEPALIVE_IDLE, ValueKind::number},
    {"TCP_KEEPALIVE_INTVL", ZMQ_TCP_KEEPALIVE_INTVL, ValueKind::number},
    {"TCP_MAXRT", ZMQ_TCP_MAXRT, ValueKind::number},
    {"TOS", ZMQ_TOS, ValueKind::number},
    {"UNSUBSCRIBE", ZMQ_UNSUBSCRIBE, ValueKind::text},
    {"XPUB_NODROP", ZMQ_XPUB_NODROP, ValueKind::number},
    {"XPUB_VERBOSE", ZMQ_XPUB_VERBOSE, ValueKind::number},
    {"XPUB_VERBOSER", ZMQ_XPUB_VERBOSER, ValueKind::number},
    {"XPUB_WELCOME_MSG", ZMQ_XPUB_WELCOME_MSG, ValueKind::text},
    {"ZAP_DOMAIN", ZMQ_ZAP_DOMAIN, ValueKind::text},
};

std::string canonical(std::string_view name) {
    std::string text;
    for (const char c : name)
        text += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (text.rfind("ZMQ_", 0) == 0)
        text.erase(0, 4);
    return text;
}

} // namespace

Status set_option(Socket& socket, std::string_view name, std::string_view value) {
    const std::string wanted = canonical(name);
    for (const Option& option : options) {
        if (option.name != wanted)
            continue;
        int outcome = 0;
        if (option.kind == ValueKind::text) {
            outcome =
                zmq_setsockopt(socket.native_handle(), option.number, value.data(), value.size());
        } else {
            std::int64_t big = 0;
            const char* const end = value.data() + value.size();
            const auto parsed = std::from_chars(value.data(), end, big);
            const int number = static_cast<int>(big);
            const bool fits = option.kind == ValueKind::big_number || big == number;
            if (parsed.ec != std::errc{} || parsed.ptr != end || !fits)
                return fail(Errc::bad_option, "the option " + wanted +
                                                  " takes a whole number, not '" +
                                                  std::string(value) + "'");
            outcome =
                option.kind == ValueKind::number
                    ? zmq_setsockopt(socket.native_handle(), option.number, &number, sizeof number)
                    : zmq_setsockopt(socket.native_handle(), option.number, &big, sizeof big);
        }
        if (outcome != 0)
            return fail(Errc::bad_option, "libzmq refused " + wanted + "=" + std::string(value) +
                                              " on a " + std::string(net::name(socket.type())) +
                                              " socket: " + zmq_strerror(zmq_errno()));
        return {};
    }
    std::string why = "there is no socket option '" + std::string(name) + "'";
    if (const auto near = nearest_word(wanted, option_names()))
        why += "; did you mean " + *near + "?";
    return fail(Errc::bad_option, std::move(why));
}

std::vector<std::string> option_names() {
    std::vector<std::string> names;
    for (const Option& option : options)
        names.emplace_back(option.name);
    return names;
}

} // namespace flotilla::net
