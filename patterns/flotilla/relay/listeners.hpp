// SPDX-License-Identifier: Apache-2.0
//
// Listeners: the subscribers of one XPUB of a relay: a forwarder's backend, or a capture. Judges
// what they ask for, keeps Subscriptions, and hangs up on who asks for more than there is room for.
// Private to relay.
#pragma once

#include "rights.hpp"
#include "subscriptions.hpp"

#include <flotilla/net/monitor.hpp>
#include <flotilla/net/part.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/relay/plan.hpp>
#include <flotilla/wire/subscription.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace flotilla::relay {

class Listeners {
public:
    // `rights` without rules lets everybody have everything. Both outlive this.
    Listeners(const RelayOptions& options, Rights& rights, Rights::Listening listening);

    enum class Outcome : std::uint8_t {
        first,       // upstream is to hear of it
        another,     // subscribed; upstream knows
        last,        // upstream is to hear that it ended
        cancelled,   // by one of several, or it had been refused
        not_allowed, // and noted
        no_place,    // who asked is cut off
        ended,       // libzmq says that somebody left, of whom that is known
        not_his,     // he cancels what he has not
    };
    // After all events of connections that there are. In manual mode libzmq is told what takes
    // effect.
    Outcome hear(net::Socket& socket, const net::Part& message, const wire::Subscription& asked);
    // A message that is no subscription; `first` of its frames. Whoever hides subscriptions behind
    // that, which libzmq takes for such, is cut off. So is everybody in manual mode, where libzmq
    // then takes the answers to what is read next for those of others.
    enum class Hides : std::uint8_t { nothing, subscriptions };
    void heard_garbage(const net::Socket& socket, const net::Part& first, Hides hides);
    // Nothing more is there to be read.
    void found_empty() noexcept { is_out_of_step_ = false; }
    // Topics that ended with a connection: upstream is to hear of it.
    std::vector<std::string> hear(const net::ConnectionEvent& event);
    // Cuts whom the change of rights concerns: they connect again, and ask again.
    void rights_changed();

    const Subscriptions& subscriptions() const noexcept { return subscriptions_; }
    std::uint64_t cut_total() const noexcept { return cut_total_; }

private:
    Outcome subscribe(net::Socket& socket, const net::Part& message, ByteView topic);
    Outcome cancel(net::Socket& socket, int descriptor, ByteView topic);
    void cut_excess();

    const RelayOptions& options_;
    Rights& rights_;
    Rights::Listening listening_;
    Subscriptions subscriptions_;
    std::uint64_t cut_total_ = 0;
    // libzmq (4.3.4) keeps who asked in a queue beside the one of messages, and takes one out for
    // each message, also for those that put none in: until both are empty it may take our answer
    // for another's. So who asks meanwhile is cut, and asks again.
    bool is_out_of_step_ = false;
};

} // namespace flotilla::relay
