// SPDX-License-Identifier: Apache-2.0
//
// What a handler of somebody else makes of a message.
#pragma once

#include <flotilla/base/result.hpp>

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

} // namespace flotilla::taker
