// SPDX-License-Identifier: Apache-2.0
//
// BrokerLosses: which connections of a broker ended, as its monitor tells, for the machine to hear
// once everything that came over them was read: a worker may have answered and left.
//
// Private to the component; one thread.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/net/cut.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/request/broker_machine.hpp>

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flotilla::request {

class BrokerLosses {
public:
    explicit BrokerLosses(net::Monitor monitor) : monitor_(std::move(monitor)) {}

    // Reads the monitor. Descriptors whose connection ended, or that are another's by now, leave
    // `to_cut`: they must not be cut any more.
    void read(Instant now, net::PendingCuts& to_cut);
    Instant read_at() const noexcept { return read_at_; }
    int fd() { return monitor_.socket().fd(); } // there is something to read
    // Nothing was read of that the machine was not told.
    bool empty() const noexcept { return lost_.empty(); }
    // What was received so far has been handled.
    void tell(BrokerMachine& machine, Instant now, BrokerOutputs& out);
    // Of one connection, before all else was handled: somebody greets over its descriptor.
    void tell(int descriptor, BrokerMachine& machine, Instant now, BrokerOutputs& out) const;

private:
    using Lost = std::pair<int, Instant>; // a descriptor, and until when it was that connection's
    struct Again {
        Lost lost;
        Instant at; // when to look a second time
    };

    net::Monitor monitor_;
    Instant read_at_{};
    std::unordered_map<int, bool> ended_{}; // whether the descriptor is in use again
    std::vector<Lost> lost_{};
    std::deque<Again> again_{};
};

} // namespace flotilla::request
