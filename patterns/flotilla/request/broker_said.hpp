// SPDX-License-Identifier: Apache-2.0
//
// What the broker machine's own files share: one message and its circumstances.
#pragma once

#include <flotilla/request/broker_machine.hpp>

#include <deque>

namespace flotilla::request {

struct BrokerMachine::Said {
    const BrokerPeer& peer;
    Message& message;
    Instant now;
    BrokerOutputs& out;
};

// Of a service's queue, and of what a worker holds: a request is in one of them.
using RequestLinks = SlotLinks<RequestTable, &BrokerRequest::in_list>;

} // namespace flotilla::request
