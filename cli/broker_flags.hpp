// SPDX-License-Identifier: Apache-2.0
//
// The flags of the verbs that speak to a broker: which, how, and with which keys.
#pragma once

#include <flotilla/request/client_model.hpp>

#include <cli/hints.hpp>
#include <cli/options.hpp>
#include <cli/terminal.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli {

struct BrokerFlags {
    std::vector<std::string> brokers;
    std::string dialect; // empty: find out
    std::uint64_t message_bytes_max = 64ULL << 20;
    SecurityFlags security;
};
void add_broker(Parser& parser, BrokerFlags& flags);

struct BrokerLink {
    std::vector<net::Endpoint> brokers{};
    std::optional<request::Dialect> dialect{};
    std::uint64_t message_bytes_max = 0;
    net::Security security{};

    std::string text() const; // the endpoints, joined by commas
};
// Errors: bad_option (no broker, too many), bad_endpoint, and those of net/curve.
Result<BrokerLink> make_broker_link(const BrokerFlags& flags);

// A name that requests can be sent to. Errors: bad_option.
Status check_service(const std::string& service);

// Shows what happens to the connections of a broker's client or worker (-v; that nobody listens is
// told once without), and remembers what may be the reason that no broker answers. One thread at a
// time.
class ConnectionWatch {
public:
    explicit ConnectionWatch(Terminal& terminal) : terminal_(terminal) {}
    void hear(const net::ConnectionEvent& event);
    const ConnectionHint& hint() const noexcept { return hint_; }

private:
    Terminal& terminal_;
    ConnectionHint hint_{};
    bool is_told_ = false; // that nobody listens
};

} // namespace flotilla::cli
