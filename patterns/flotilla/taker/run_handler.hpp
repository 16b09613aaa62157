// SPDX-License-Identifier: Apache-2.0
//
// The run() of whoever takes messages on lease: what a handler of somebody else makes of each.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <atomic>
#include <exception>
#include <string>

namespace flotilla::taker {

// What it throws is an error like one that it returns: the message goes back, the program goes on.
template <class Handler, class Message>
Status handled(const Handler& handler, Message& message) {
    try {
        return handler(message);
    } catch (const std::exception& error) {
        return fail(Errc::refused, std::string("the handler threw: ") + error.what());
    } catch (...) {
        return fail(Errc::refused, "the handler threw");
    }
}

// Until `stopping`, which it takes back. `client` has take, ack and nack; what was not handled is
// refused for `retry_delay`. Errors: those of take, but timeout.
template <class Client, class Handler>
Status run_handler(Client& client, const Handler& handler, std::atomic<bool>& stopping,
                   Duration retry_delay) {
    constexpr Duration stop_look = 100ms; // how soon `stopping` is noticed
    while (!stopping.exchange(false)) {
        auto message = client.take(stop_look);
        if (!message && message.error().code == Errc::timeout)
            continue;
        if (!message)
            return fail(message.error());
        // A lease that is lost by now means only that somebody else does it again.
        if (const Status done = handled(handler, *message); done)
            (void)client.ack(*message);
        else
            (void)client.nack(*message, retry_delay, to_string(done.error()));
    }
    return {};
}

} // namespace flotilla::taker
