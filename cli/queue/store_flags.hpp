// SPDX-License-Identifier: Apache-2.0
//
// The flags of the verbs that speak to a store: which, how long, and with which keys.
#pragma once

#include <cli/options.hpp>

#include <string>
#include <vector>

namespace flotilla::cli {

struct StoreFlags {
    std::vector<std::string> stores;
    Duration timeout = 10s; // longest wait for an answer
    std::uint64_t message_bytes_max = 64ULL << 20;
    SecurityFlags security;
};
// Of a verb that stores, or of one that asks: what a store that does not answer ends it with.
enum class StoreUse { asks, stores };
void add_store(Parser& parser, StoreFlags& flags, StoreUse use = StoreUse::asks);

struct StorePlan {
    std::vector<net::Endpoint> stores{};
    Duration timeout{0};
    std::uint64_t message_bytes_max = 0;
    net::Security security{};
};
// Errors: bad_option (no store, too many), bad_endpoint, and those of net/curve.
Result<StorePlan> make_store_plan(const StoreFlags& flags);

// A name that a queue can have. Errors: bad_option.
Status check_queue(const std::string& queue);

} // namespace flotilla::cli
