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

enum class Kind : std::uint8_t { number, big_number, text };

struct Option {
    std::string_view name;
    int number;
    Kind kind;
};

// What a person may want to try on a raw socket. Options that the profile owns for safety's sake
// (MAXMSGSIZE, security) are here too: the tool is for tests.
constexpr Option options[] = {
    {"AFFINITY", ZMQ_AFFINITY, Kind::big_number},
    {"BACKLOG", ZMQ_BACKLOG, Kind::number},
    {"CONFLATE", ZMQ_CONFLATE, Kind::number},
    {"CONNECT_ROUTING_ID", ZMQ_CONNECT_ROUTING_ID, Kind::text},
    {"CONNECT_TIMEOUT", ZMQ_CONNECT_TIMEOUT, Kind::number},
    {"HANDSHAKE_IVL", ZMQ_HANDSHAKE_IVL, Kind::number},
    {"HEARTBEAT_IVL", ZMQ_HEARTBEAT_IVL, Kind::number},
    {"HEARTBEAT_TIMEOUT", ZMQ_HEARTBEAT_TIMEOUT, Kind::number},
    {"HEARTBEAT_TTL", ZMQ_HEARTBEAT_TTL, Kind::number},
    {"IMMEDIATE", ZMQ_IMMEDIATE, Kind::number},
    {"INVERT_MATCHING", ZMQ_INVERT_MATCHING, Kind::number},
    {"IPV6", ZMQ_IPV6, Kind::number},
    {"LINGER", ZMQ_LINGER, Kind::number},
    {"MAXMSGSIZE", ZMQ_MAXMSGSIZE, Kind::big_number},
    {"MULTICAST_HOPS", ZMQ_MULTICAST_HOPS, Kind::number},
    {"PROBE_ROUTER", ZMQ_PROBE_ROUTER, Kind::number},
    {"RATE", ZMQ_RATE, Kind::number},
    {"RCVBUF", ZMQ_RCVBUF, Kind::number},
    {"RCVHWM", ZMQ_RCVHWM, Kind::number},
    {"RCVTIMEO", ZMQ_RCVTIMEO, Kind::number},
    {"RECONNECT_IVL", ZMQ_RECONNECT_IVL, Kind::number},
    {"RECONNECT_IVL_MAX", ZMQ_RECONNECT_IVL_MAX, Kind::number},
    {"REQ_CORRELATE", ZMQ_REQ_CORRELATE, Kind::number},
    {"REQ_RELAXED", ZMQ_REQ_RELAXED, Kind::number},
    {"ROUTER_HANDOVER", ZMQ_ROUTER_HANDOVER, Kind::number},
    {"ROUTER_MANDATORY", ZMQ_ROUTER_MANDATORY, Kind::number},
    {"ROUTER_RAW", ZMQ_ROUTER_RAW, Kind::number},
    {"ROUTING_ID", ZMQ_ROUTING_ID, Kind::text},
    {"SNDBUF", ZMQ_SNDBUF, Kind::number},
    {"SNDHWM", ZMQ_SNDHWM, Kind::number},
    {"SNDTIMEO", ZMQ_SNDTIMEO, Kind::number},
    {"SOCKS_PROXY", ZMQ_SOCKS_PROXY, Kind::text},
    {"SUBSCRIBE", ZMQ_SUBSCRIBE, Kind::text},
    {"TCP_KEEPALIVE", ZMQ_TCP_KEEPALIVE, Kind::number},
    {"TCP_KEEPALIVE_CNT", ZMQ_TCP_KEEPALIVE_CNT, Kind::number},
    {"TCP_KEEPALIVE_IDLE", ZMQ_TCP_KEEPALIVE_IDLE, Kind::number},
    {"TCP_KEEPALIVE_INTVL", ZMQ_TCP_KEEPALIVE_INTVL, Kind::number},
    {"TCP_MAXRT", ZMQ_TCP_MAXRT, Kind::number},
    {"TOS", ZMQ_TOS, Kind::number},
    {"UNSUBSCRIBE", ZMQ_UNSUBSCRIBE, Kind::text},
    {"XPUB_NODROP", ZMQ_XPUB_NODROP, Kind::number},
    {"XPUB_VERBOSE", ZMQ_XPUB_VERBOSE, Kind::number},
    {"XPUB_VERBOSER", ZMQ_XPUB_VERBOSER, Kind::number},
    {"XPUB_WELCOME_MSG", ZMQ_XPUB_WELCOME_MSG, Kind::text},
    {"ZAP_DOMAIN", ZMQ_ZAP_DOMAIN, Kind::text},
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
        if (option.kind == Kind::text) {
            outcome =
                zmq_setsockopt(socket.native_handle(), option.number, value.data(), value.size());
        } else {
            std::int64_t big = 0;
            const char* const end = value.data() + value.size();
            const auto parsed = std::from_chars(value.data(), end, big);
            const int number = static_cast<int>(big);
            const bool fits = option.kind == Kind::big_number || big == number;
            if (parsed.ec != std::errc{} || parsed.ptr != end || !fits)
                return fail(Errc::bad_option, "the option " + wanted +
                                                  " takes a whole number, not '" +
                                                  std::string(value) + "'");
            outcome =
                option.kind == Kind::number
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
