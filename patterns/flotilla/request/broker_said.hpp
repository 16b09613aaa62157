// SPDX-License-Identifier: Apache-2.0
//
// What the broker machine's own files share: one message and its circumstances.
#pragma once

#include <flotilla/base/encoding.hpp>
#include <flotilla/request/broker_machine.hpp>

#include <deque>
#include <string>
#include <string_view>

namespace flotilla::request {

struct BrokerMachine::Said {
    const BrokerPeer& peer;
    Message& message;
    Instant now;
    BrokerOutputs& out;
};

// Of a service's queue, and of what a worker holds: a request is in one of them.
using RequestLinks = SlotLinks<RequestTable, &BrokerRequest::in_list>;

// A peer's address, for a reader.
inline std::string hex(std::string_view bytes) {
    std::string text;
    append_hex(text, bytes);
    return text;
}

} // namespace flotilla::request
