// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/model.hpp>

#include <cli/hints.hpp>
#include <cli/queue/store_flags.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::cli {

namespace {
constexpr std::size_t stores_max = 16;
} // namespace

void add_store(Parser& parser, StoreFlags& flags, StoreUse use) {
    const char* group = "Store";
    add_list(parser, "-s,--store", flags.stores, "ENDPOINT",
             "Where the store is [FLOTILLA_STORE in the environment]; may be repeated: when one "
             "does not answer, the next")
        .group(group)
        .variable("FLOTILLA_STORE");
    add_duration(parser, "-t,--timeout", flags.timeout,
                 use == StoreUse::stores ? "Longest wait for the store's answer [10s]; exit 5"
                                         : "Longest wait for the store's answer [10s]; exit 3")
        .group(group);
    add_bytes(parser, "--max-size", flags.message_bytes_max,
              "Largest message accepted, in or out [64MiB]")
        .group(group);
    add_client_security(parser, flags.security);
}

Result<StorePlan> make_store_plan(const StoreFlags& flags) {
    if (flags.stores.empty())
        return fail(Errc::bad_option, "which store? For example --store tcp://127.0.0.1:5560, or "
                                      "FLOTILLA_STORE in the environment");
    if (flags.stores.size() > stores_max)
        return fail(Errc::bad_option, std::to_string(flags.stores.size()) + " stores; at most " +
                                          std::to_string(stores_max));
    StorePlan plan;
    for (const std::string& text : flags.stores) {
        auto endpoint = net::Endpoint::parse(text);
        const std::string from = source_of_value("--store", "FLOTILLA_STORE", text) + ": ";
        if (!endpoint)
            return fail(endpoint.error().code, from + endpoint.error().detail);
        if (endpoint->is_wildcard())
            return fail(Errc::bad_endpoint, from + "'" + text +
                                                "' is a wildcard, which nobody can connect to; "
                                                "name the store's host and port");
        plan.stores.push_back(std::move(*endpoint));
    }
    plan.timeout = flags.timeout;
    plan.message_bytes_max = std::max(flags.message_bytes_max, client_message_bytes_min);
    auto security = make_security(flags.security);
    if (!security)
        return fail(security.error());
    plan.security = std::move(*security);
    return plan;
}

Status check_queue(const std::string& queue) {
    if (!queue::is_queue_name(queue))
        return fail(Errc::bad_option, queue::no_queue_name(queue));
    return {};
}

} // namespace flotilla::cli
