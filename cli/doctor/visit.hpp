// SPDX-License-Identifier: Apache-2.0
//
// Visit: goes to an endpoint and finds out what there is, from the bare connection up, as far as it
// gets. It takes no message from anybody else unless it was allowed to.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>

#include <cli/doctor/facts.hpp>

#include <optional>

namespace flotilla::cli::doctor {

struct VisitOptions {
    net::Endpoint endpoint; // tcp or ipc
    std::optional<net::CurveClient> curve{};
    std::optional<net::SocketType> type{};
    std::optional<std::string> topic{};
    Subscribes subscribes = Subscribes::to_everything_too;
    Duration timeout = 5s; // for everything before listening
    Duration listen = 3s;
    bool may_take = false;
};
// Errors: what keeps us from looking at all (no descriptors, no CURVE in this build).
Result<Facts> visit(const VisitOptions& options);

// The types with which a CURVE peer is tried, when ours is not known: those to which nobody sends
// unasked what another would have got.
std::vector<net::SocketType> harmless_types();

} // namespace flotilla::cli::doctor
