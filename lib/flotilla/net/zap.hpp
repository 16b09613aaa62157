// SPDX-License-Identifier: Apache-2.0
//
// ZAP: answers authentication requests (27/ZAP 1.0) of every listener of a context that asks who
// connects (CURVE, PLAIN, and NULL with a gate), on a thread of its own, by asking each domain's
// Gate. A Context owns the one handler; it is started before the first such listener binds, and an
// unknown domain is answered 500.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/access.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace flotilla::net {

// Starts the handler if need be and sets the policy of `domain`: of its gate, or, without one, of a
// gate without limits. Sockets opened with CurveServer do this themselves; the last policy set for
// a domain holds. Safe from any thread. Errors: address_in_use (somebody else's handler runs in an
// adopted context), stopped.
Status set_access_policy(Context& context, std::string domain, AccessPolicy policy);
// The same with a gate, whose policy may change later, and with what is asked of everybody who
// connects to this domain. Sockets opened with a gate do this themselves.
Status set_gate(Context& context, std::string domain, std::shared_ptr<Gate> gate,
                std::optional<Entry> entry = {});

struct AccessCounters {
    std::uint64_t accepted_total = 0;
    std::uint64_t denied_total = 0;
    std::uint64_t malformed_total = 0;
};
AccessCounters access_counters(const Context& context);

// Pure: the reply to one request, each as 27/ZAP frames it (without routing frames). `decide` is
// asked about one that is well-formed. Errors: malformed (no request id to answer to).
Result<wire::Frames>
answer_access_request(const wire::Frames& request,
                      const std::function<AccessDecision(const AccessRequest&)>& decide);

} // namespace flotilla::net
