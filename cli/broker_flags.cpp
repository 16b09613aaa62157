// SPDX-License-Identifier: Apache-2.0
#include <cli/broker_flags.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::cli {

namespace {
constexpr std::size_t brokers_max = 16;
} // namespace

void add_broker(Parser& parser, BrokerFlags& flags) {
    const char* group = "Broker";
    add_list(parser, "-b,--broker", flags.brokers, "ENDPOINT",
             "Where the broker is [FLOTILLA_BROKER in the environment]; may be repeated: when one "
             "does not answer, the next")
        .group(group)
        .variable("FLOTILLA_BROKER");
    add_choice(parser, "--dialect", flags.dialect, {"mdp-0.1", "mdp-0.2", "flotilla"},
               "What to speak with it [what it understands best, which is asked first]")
        .group(group);
    add_bytes(parser, "--max-size", flags.message_bytes_max,
              "Largest message accepted, in or out [64MiB]")
        .group(group);
    add_client_security(parser, flags.security);
}

std::string BrokerLink::text() const {
    std::string all;
    for (const net::Endpoint& each : brokers)
        all += (all.empty() ? "" : ",") + each.text();
    return all;
}

Result<BrokerLink> make_broker_link(const BrokerFlags& flags) {
    if (flags.brokers.empty())
        return fail(Errc::bad_option, "which broker? For example --broker tcp://127.0.0.1:5555, or "
                                      "FLOTILLA_BROKER in the environment");
    if (flags.brokers.size() > brokers_max)
        return fail(Errc::bad_option, std::to_string(flags.brokers.size()) + " brokers; at most " +
                                          std::to_string(brokers_max));
    BrokerLink link;
    for (const std::string& text : flags.brokers) {
        auto endpoint = net::Endpoint::parse(text);
        const std::string from = source_of_value("--broker", "FLOTILLA_BROKER", text) + ": ";
        if (!endpoint)
            return fail(endpoint.error().code, from + endpoint.error().detail);
        if (endpoint->is_wildcard())
            return fail(Errc::bad_endpoint, from + "'" + text +
                                                "' is a wildcard, which nobody can connect to; "
                                                "name the broker's host and port");
        link.brokers.push_back(std::move(*endpoint));
    }
    if (!flags.dialect.empty())
        link.dialect = request::dialect_named(flags.dialect);
    link.message_bytes_max = std::max(flags.message_bytes_max, client_message_bytes_min);
    auto security = make_security(flags.security);
    if (!security)
        return fail(security.error());
    link.security = std::move(*security);
    return link;
}

Status check_service(const std::string& service) {
    if (service.empty() || service.size() > request::limits::service_bytes_max)
        return fail(Errc::bad_option, "a service's name has 1 to " +
                                          std::to_string(request::limits::service_bytes_max) +
                                          " bytes, not " + std::to_string(service.size()));
    return {};
}

void ConnectionWatch::hear(const net::ConnectionEvent& event) {
    terminal_.detail(net::explain(event));
    hint_.hear(event);
    if (!std::exchange(is_told_, hint_.nobody_listens(1)) && is_told_)
        terminal_.note(hint_.sentence() + "; it is tried again");
}

} // namespace flotilla::cli
