// SPDX-License-Identifier: Apache-2.0
// Envelopes with and without hops, for tests of whoever records them.
#pragma once

#include <flotilla/wire/envelope.hpp>
#include <flotilla/wire/hop.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

namespace flotilla::test {

inline const std::string traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

inline std::string traced_envelope() {
    wire::Envelope envelope;
    envelope.traceparent = traceparent;
    return wire::encode(envelope).value();
}

// Of a frame that must be the traced envelope with nothing but hops added.
inline std::vector<wire::Hop> hops_in(ByteView frame) {
    const auto envelope = wire::decode_envelope(frame);
    REQUIRE(envelope);
    CHECK(envelope->traceparent == traceparent);
    const auto hops = wire::hops_of(*envelope);
    CHECK(hops.size() == envelope->headers.size());
    return hops;
}

} // namespace flotilla::test
