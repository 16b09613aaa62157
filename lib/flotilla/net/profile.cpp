// SPDX-License-Identifier: Apache-2.0
#include "profile.hpp"

#include "transport_error.hpp"

#include <flotilla/base/option_check.hpp>
#include <flotilla/base/random.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/net/zap.hpp>

#include <zmq.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace flotilla::net::detail {
namespace {

// In the packaged libzmq these two have numbers but no names in the stable header.
constexpr int option_zap_enforce_domain = 93;

int milliseconds(Duration duration) {
    using std::chrono::ceil;
    return static_cast<int>(ceil<std::chrono::milliseconds>(duration).count());
}

// Sets options one after the other and remembers the first that was refused.
class Setter {
public:
    explicit Setter(void* handle) noexcept : handle_(handle) {}

    void number(int option, int value, const char* name) {
        if (failed_ == nullptr && zmq_setsockopt(handle_, option, &value, sizeof value) != 0)
            refused(name);
    }
    void big_number(int option, std::int64_t value, const char* name) {
        if (failed_ == nullptr && zmq_setsockopt(handle_, option, &value, sizeof value) != 0)
            refused(name);
    }
    void text(int option, const std::string& value, const char* name) {
        if (failed_ == nullptr && zmq_setsockopt(handle_, option, value.data(), value.size()) != 0)
            refused(name);
    }
    Status outcome() const {
        if (failed_ == nullptr)
            return {};
        const Errc code = errno_ == EINVAL ? Errc::unsupported : Errc::bad_option;
        return fail(code, std::string("libzmq refused the option ") + failed_ + ": " +
                              zmq_strerror(errno_));
    }

private:
    void refused(const char* name) {
        failed_ = name;
        errno_ = zmq_errno();
    }
    void* handle_;
    const char* failed_ = nullptr;
    int errno_ = 0;
};

bool asks_who_comes(const SocketOptions& options) {
    return std::holds_alternative<CurveServer>(options.security) ||
           asks_handshakes(options.security);
}

void set_security(Setter& set, void* handle, const SocketOptions& options) {
    if (const auto* server = std::get_if<CurveServer>(&options.security)) {
        set.number(ZMQ_CURVE_SERVER, 1, "CURVE_SERVER");
        set.text(ZMQ_CURVE_SECRETKEY, server->keys.secret_key.z85(), "CURVE_SECRETKEY");
    }
    if (std::holds_alternative<PlainServer>(options.security))
        set.number(ZMQ_PLAIN_SERVER, 1, "PLAIN_SERVER");
    if (asks_who_comes(options)) {
        set.text(ZMQ_ZAP_DOMAIN, options.domain, "ZAP_DOMAIN");
        // With it a dead ZAP handler refuses; libraries without it accept then, which the handler's
        // start before the first bind makes impossible but for an adopted context.
        const int enforce = 1;
        zmq_setsockopt(handle, option_zap_enforce_domain, &enforce, sizeof enforce);
    }
    if (const auto* client = std::get_if<PlainClient>(&options.security)) {
        set.text(ZMQ_PLAIN_USERNAME, client->name, "PLAIN_USERNAME");
        set.text(ZMQ_PLAIN_PASSWORD, client->password, "PLAIN_PASSWORD");
    }
    if (const auto* client = std::get_if<CurveClient>(&options.security)) {
        set.text(ZMQ_CURVE_SERVERKEY, client->server_key.z85(), "CURVE_SERVERKEY");
        set.text(ZMQ_CURVE_PUBLICKEY, client->keys.public_key.z85(), "CURVE_PUBLICKEY");
        set.text(ZMQ_CURVE_SECRETKEY, client->keys.secret_key.z85(), "CURVE_SECRETKEY");
    }
}

void set_type_options(Setter& set, SocketType type, const SocketOptions& options) {
    using Subscriptions = SocketOptions::Subscriptions;
    switch (type) {
    case SocketType::router:
        set.number(ZMQ_ROUTER_MANDATORY, 1, "ROUTER_MANDATORY");
        set.number(ZMQ_ROUTER_HANDOVER, options.handover ? 1 : 0, "ROUTER_HANDOVER");
        break;
    case SocketType::req:
        if (options.relaxed_requests) {
            set.number(ZMQ_REQ_CORRELATE, 1, "REQ_CORRELATE");
            set.number(ZMQ_REQ_RELAXED, 1, "REQ_RELAXED");
        }
        break;
    case SocketType::xpub:
        if (options.subscriptions == Subscriptions::every)
            set.number(ZMQ_XPUB_VERBOSER, 1, "XPUB_VERBOSER");
        if (options.subscriptions == Subscriptions::manual)
            set.number(ZMQ_XPUB_MANUAL, 1, "XPUB_MANUAL");
        [[fallthrough]];
    case SocketType::pub:
        if (options.refuse_when_full)
            set.number(ZMQ_XPUB_NODROP, 1, "XPUB_NODROP");
        break;
    default:
        break;
    }
}

Status check_security(const SocketOptions& options) {
    const auto* client = std::get_if<PlainClient>(&options.security);
    if (client && (client->name.empty() || client->name.size() > 255 || client->password.empty() ||
                   client->password.size() > 255))
        return bad_option("PLAIN has a name and a password of 1 to 255 bytes");
    const auto* server = std::get_if<CurveServer>(&options.security);
    const auto* gate = server ? std::get_if<std::shared_ptr<Gate>>(&server->clients) : nullptr;
    const auto* plain = std::get_if<PlainServer>(&options.security);
    if ((gate && !*gate) || (plain && !plain->gate))
        return bad_option("a listener that asks who connects has a gate");
    if (options.entry && !asks_handshakes(options.security))
        return bad_option("an entry rule needs a gate that is asked about it");
    const auto* allowed = server ? std::get_if<AllowList>(&server->clients) : nullptr;
    if (allowed && allowed->size() == 0)
        return fail(Errc::insecure, "the allow-list is empty, so nobody could connect; add client "
                                    "keys, or accept every key by asking for AnyClientKey");
    return {};
}

} // namespace

Status check_options(SocketType type, const SocketOptions& options) {
    const Status checks[] = {
        check_within("send_messages_max", options.send_messages_max, 1, 1'000'000),
        check_within("receive_messages_max", options.receive_messages_max, 1, 1'000'000),
        check_within("kernel_send_bytes", options.kernel_send_bytes, 0, 1ULL << 30),
        check_within("kernel_receive_bytes", options.kernel_receive_bytes, 0, 1ULL << 30),
        check_within("frame_bytes_max", options.frame_bytes_max, 1, 1ULL << 40),
        check_within("message_bytes_max", options.message_bytes_max, 1, 1ULL << 40),
        check_within("frames_max", options.frames_max, 1, wire::Frames::frames_max),
        check_within("routing_id size", options.routing_id.size(), 0, 255),
        check_within("domain size", options.domain.size(), 1, 255),
        check_within("linger", options.linger, 0s, 1h),
        check_within("heartbeat_interval", options.heartbeat_interval, 0s, 1h),
        check_within("heartbeat_timeout", options.heartbeat_timeout, 1ms, 1h),
        check_within("handshake_timeout", options.handshake_timeout, 1ms, 1h),
        check_within("connect_timeout", options.connect_timeout, 1ms, 1h),
        check_within("reconnect_min", options.reconnect_min, 1ms, 1h),
        check_within("reconnect_max", options.reconnect_max, options.reconnect_min, 1h),
    };
    for (const Status& check : checks)
        if (!check)
            return check;
    if (!options.routing_id.empty() && options.routing_id.front() == '\0')
        return bad_option("routing_id starts with a zero byte, which libzmq reserves");
    const bool publishes = type == SocketType::pub || type == SocketType::xpub;
    if (options.refuse_when_full && !publishes)
        return bad_option("refuse_when_full is for pub and xpub sockets");
    if (options.subscriptions != SocketOptions::Subscriptions::first_and_last &&
        type != SocketType::xpub)
        return bad_option("subscriptions is for xpub sockets");
    return check_security(options);
}

Status guard(Context& context, const SocketOptions& options) {
    if (asks_handshakes(options.security))
        return set_gate(context, options.domain, gate_of(options.security), options.entry);
    const auto* server = std::get_if<CurveServer>(&options.security);
    if (!server)
        return {};
    const auto* list = std::get_if<AllowList>(&server->clients);
    return set_access_policy(context, options.domain,
                             list ? AccessPolicy{*list} : AccessPolicy{AnyClientKey{}});
}

Status apply_options(void* handle, SocketType type, const SocketOptions& options) {
    Setter set(handle);
    // libzmq loses subscriptions beyond it without a word. Whoever makes them bounds them.
    const bool sends_subscriptions = type == SocketType::sub || type == SocketType::xsub;
    set.number(ZMQ_SNDHWM, sends_subscriptions ? 0 : static_cast<int>(options.send_messages_max),
               "SNDHWM");
    // libzmq puts who a peer is, where that was asked, into its queue as well, and never counts it
    // as read: in a queue of one nothing else would ever fit.
    const std::uint32_t receive_messages_min = asks_who_comes(options) ? 2 : 1;
    set.number(ZMQ_RCVHWM,
               static_cast<int>(std::max(options.receive_messages_max, receive_messages_min)),
               "RCVHWM");
    if (options.kernel_send_bytes > 0)
        set.number(ZMQ_SNDBUF, static_cast<int>(options.kernel_send_bytes), "SNDBUF");
    if (options.kernel_receive_bytes > 0)
        set.number(ZMQ_RCVBUF, static_cast<int>(options.kernel_receive_bytes), "RCVBUF");
    set.big_number(ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(options.frame_bytes_max),
                   "MAXMSGSIZE");
    set.number(ZMQ_LINGER, milliseconds(options.linger), "LINGER");
    if (options.heartbeat_interval > Duration::zero()) {
        set.number(ZMQ_HEARTBEAT_IVL, milliseconds(options.heartbeat_interval), "HEARTBEAT_IVL");
        set.number(ZMQ_HEARTBEAT_TIMEOUT, milliseconds(options.heartbeat_timeout),
                   "HEARTBEAT_TIMEOUT");
        // How long the peer may miss our heartbeats: in tenths of a second, at most 6553.5 s.
        set.number(ZMQ_HEARTBEAT_TTL, std::min(milliseconds(options.heartbeat_timeout), 6'553'500),
                   "HEARTBEAT_TTL");
    }
    set.number(ZMQ_TCP_KEEPALIVE, 1, "TCP_KEEPALIVE");
    set.number(ZMQ_TCP_KEEPALIVE_IDLE, 15, "TCP_KEEPALIVE_IDLE");
    set.number(ZMQ_TCP_KEEPALIVE_INTVL, 5, "TCP_KEEPALIVE_INTVL");
    set.number(ZMQ_TCP_KEEPALIVE_CNT, 3, "TCP_KEEPALIVE_CNT");
    set.number(ZMQ_HANDSHAKE_IVL, milliseconds(options.handshake_timeout), "HANDSHAKE_IVL");
    set.number(ZMQ_CONNECT_TIMEOUT, milliseconds(options.connect_timeout), "CONNECT_TIMEOUT");
    // Every socket has its own base pause, so that an outage does not end in a thundering herd.
    Random random(system_seed());
    const Duration pause = random.jitter(options.reconnect_min, 0.25);
    set.number(ZMQ_RECONNECT_IVL, std::max(1, milliseconds(pause)), "RECONNECT_IVL");
    set.number(ZMQ_RECONNECT_IVL_MAX, milliseconds(options.reconnect_max), "RECONNECT_IVL_MAX");
    set.number(ZMQ_IMMEDIATE, options.to_connected_only ? 1 : 0, "IMMEDIATE");
    set.number(ZMQ_IPV6, options.ipv6 ? 1 : 0, "IPV6");
    if (!options.routing_id.empty())
        set.text(ZMQ_ROUTING_ID, options.routing_id, "ROUTING_ID");
    set_type_options(set, type, options);
    set_security(set, handle, options);
    return set.outcome();
}

} // namespace flotilla::net::detail
