// SPDX-License-Identifier: Apache-2.0
//
// ZAP: answers authentication requests (27/ZAP 1.0) of every CURVE listener of a context, on a
// thread of its own, by asking each domain's AllowList. A Context owns the one handler; it is
// started before the first CURVE listener binds, and an unknown domain is answered 500.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/access.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

namespace flotilla::net {

using AccessPolicy = std::variant<AllowList, AnyClientKey>;

// Starts the handler if need be and sets the policy of `domain`. Sockets opened with CurveServer do
// this themselves; the last policy set for a domain holds. Safe from any thread. Errors:
// address_in_use (somebody else's handler runs in an adopted context), stopped.
Status set_access_policy(Context& context, std::string domain, AccessPolicy policy);

struct AccessCounters {
    std::uint64_t accepted_total = 0;
    std::uint64_t denied_total = 0;
    std::uint64_t malformed_total = 0;
};
AccessCounters access_counters(const Context& context);

// Pure: the reply to one request, each as 27/ZAP frames it (without routing frames). `policy_of`
// answers nullptr for an unknown domain, whose peers get 500. Errors: malformed (no request id to
// answer to).
Result<wire::Frames>
answer_access_request(const wire::Frames& request,
                      const std::function<const AccessPolicy*(std::string_view domain)>& policy_of);

} // namespace flotilla::net
