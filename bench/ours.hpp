// SPDX-License-Identifier: Apache-2.0
//
// What every measurement of ours begins with.
#pragma once

#include "arena.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>

#include <string>
#include <utility>

namespace flotilla::bench {

// The value, or the end of the program.
template <class T>
T need(Result<T> result) {
    if (!result)
        give_up(to_string(result.error()));
    return std::move(*result);
}
inline void need(const Status& status) {
    if (!status)
        give_up(to_string(status.error()));
}

inline net::Context open_context() {
    return need(net::Context::open());
}
inline net::Attachment binds(const std::string& endpoint) {
    return {need(net::Endpoint::parse(endpoint)), net::Attach::bind};
}
inline net::Attachment connects(const std::string& endpoint) {
    return {need(net::Endpoint::parse(endpoint)), net::Attach::connect};
}

} // namespace flotilla::bench
