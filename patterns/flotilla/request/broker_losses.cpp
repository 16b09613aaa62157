// SPDX-License-Identifier: Apache-2.0
#include "broker_losses.hpp"

namespace flotilla::request {
namespace {

// libzmq tells of the end of a connection before its ROUTER has forgotten the peer: a heartbeat
// sent at once may still be accepted, and proves nothing. So each is looked at twice.
constexpr Duration second_look = 50ms;

} // namespace

// A descriptor that another connection has already is of no use for what was read since the monitor
// was last empty, because that may be the newcomer's; what was read before was not.
void BrokerLosses::read(Instant now, net::PendingCuts& to_cut) {
    using Kind = net::ConnectionEvent::Kind;
    while (const auto event = monitor_.next()) {
        if (event->kind == Kind::disconnected || event->kind == Kind::accepted)
            to_cut.forget(event->value);
        if (event->kind == Kind::disconnected)
            ended_[event->value] = false;
        else if (event->kind == Kind::accepted)
            if (const auto before = ended_.find(event->value); before != ended_.end())
                before->second = true;
    }
    for (const auto& [descriptor, in_use] : ended_)
        lost_.push_back({descriptor, in_use ? read_at_ : now});
    ended_.clear();
    read_at_ = now;
}

void BrokerLosses::tell(BrokerMachine& machine, Instant now, BrokerOutputs& out) {
    for (; !again_.empty() && again_.front().at <= now; again_.pop_front())
        machine.connection_lost(again_.front().lost.first, again_.front().lost.second, now, out);
    for (const Lost& each : lost_) {
        machine.connection_lost(each.first, each.second, now, out);
        again_.push_back({each, now + second_look});
    }
    lost_.clear();
}

void BrokerLosses::tell(int descriptor, BrokerMachine& machine, Instant now,
                        BrokerOutputs& out) const {
    for (const Lost& each : lost_)
        if (each.first == descriptor)
            machine.connection_lost(each.first, each.second, now, out);
}

} // namespace flotilla::request
