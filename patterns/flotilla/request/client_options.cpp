// SPDX-License-Identifier: Apache-2.0
#include "client_options.hpp"

#include <flotilla/base/option_check.hpp>

#include <variant>

namespace flotilla::request {

namespace {

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
    if (!is_within(options.brokers.size(), 1, 16))
        return bad_option("a client needs 1 to 16 brokers");
    if (!is_within(options.deadline, 1ms, limits::expires_max))
        return bad_option("deadline must be 1ms to 24h");
    if (!is_within(options.attempt_max, 10ms, 24h))
        return bad_option("attempt_max must be 10ms to 24h");
    if (!is_within(options.broker_silence_max, 30ms, 1h))
        return bad_option("broker_silence_max must be 30ms to 1h");
    if (!is_within(options.attempts_max, 1, 1'000))
        return bad_option("attempts_max must be 1 to 1,000");
    if (const Status pauses = check_reconnect(options.reconnect_min, options.reconnect_max);
        !pauses)
        return pauses;
    if (!is_within(options.calls_max, 1, 1'000'000) ||
        !is_within(options.calls_bytes_max, 1, 1ULL << 40))
        return bad_option("calls_max must be 1 to 1,000,000 and calls_bytes_max 1 byte to 1 TiB");
    if (!is_within(options.connections_max, 1, 1'000))
        return bad_option("connections_max must be 1 to 1,000");
    if (!is_within(options.message_bytes_max, 64ULL << 10, 1ULL << 30))
        return bad_option("message_bytes_max must be 64KiB to 1GiB");
    if (std::holds_alternative<net::CurveServer>(options.security))
        return bad_option("security of a client is plaintext or CurveClient");
    for (const net::Endpoint& broker : options.brokers)
        if (const Status reach = check(broker, options.security); !reach)
            return reach;
    return {};
}

} // namespace flotilla::request
