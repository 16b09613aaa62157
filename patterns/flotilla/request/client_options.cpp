// SPDX-License-Identifier: Apache-2.0
#include "client_options.hpp"

#include <variant>

namespace flotilla::request {

namespace {

bool in(std::uint64_t value, std::uint64_t min, std::uint64_t max) {
    return value >= min && value <= max;
}
bool in(Duration value, Duration min, Duration max) {
    return value >= min && value <= max;
}

auto wrong(const char* what) {
    return fail(Errc::bad_option, what);
}

// Connections are made later, when nobody is there to be told.
Status check(const net::Endpoint& broker, const net::Security& security) {
    if (broker.is_wildcard())
        return fail(Errc::bad_endpoint,
                    "'" + broker.text() + "' is a wildcard; name the broker's host and port");
    const auto* plain = std::get_if<net::Plaintext>(&security);
    if (plain && plain->where == net::Plaintext::Where::local_only &&
        broker.reach() == net::Reach::remote)
        return fail(Errc::insecure, "'" + broker.text() +
                                        "' reaches beyond this machine and would be plaintext; use "
                                        "CURVE keys, or ask for plaintext by name");
    return {};
}

} // namespace

Status check(const ClientOptions& options) {
    if (!in(options.brokers.size(), 1, 16))
        return wrong("a client needs 1 to 16 brokers");
    if (!in(options.deadline, 1ms, limits::expires_max))
        return wrong("deadline must be 1ms to 24h");
    if (!in(options.attempt_max, 10ms, 24h))
        return wrong("attempt_max must be 10ms to 24h");
    if (!in(options.broker_silence_max, 30ms, 1h))
        return wrong("broker_silence_max must be 30ms to 1h");
    if (!in(options.attempts_max, 1, 1'000))
        return wrong("attempts_max must be 1 to 1,000");
    if (!in(options.reconnect_min, 1ms, 1h) ||
        !in(options.reconnect_max, options.reconnect_min, 1h))
        return wrong("reconnect_min and reconnect_max must be 1ms to 1h, in this order");
    if (!in(options.calls_max, 1, 1'000'000) || !in(options.calls_bytes_max, 1, 1ULL << 40))
        return wrong("calls_max must be 1 to 1,000,000 and calls_bytes_max 1 byte to 1 TiB");
    if (!in(options.connections_max, 1, 1'000))
        return wrong("connections_max must be 1 to 1,000");
    if (!in(options.message_bytes_max, 64ULL << 10, 1ULL << 30))
        return wrong("message_bytes_max must be 64KiB to 1GiB");
    if (std::holds_alternative<net::CurveServer>(options.security))
        return wrong("security of a client is plaintext or CurveClient");
    for (const net::Endpoint& broker : options.brokers)
        if (const Status reach = check(broker, options.security); !reach)
            return reach;
    return {};
}

} // namespace flotilla::request
