// SPDX-License-Identifier: Apache-2.0
// A context and the two ends of a pipeline, opened where a test wants them.
#pragma once

#include <flotilla/net/context.hpp>
#include <flotilla/pipeline/puller.hpp>
#include <flotilla/pipeline/pusher.hpp>

#include <support/catch.hpp>

#include <utility>

namespace flotilla::test {

inline net::Context context() {
    auto opened = net::Context::open();
    REQUIRE(opened.has_value());
    return std::move(*opened);
}

template <class End, class Options>
End end_of_pipeline(net::Context& context, Options options, const net::Endpoint& at,
                    net::Attach how) {
    options.attach.push_back({at, how});
    auto opened = End::open(context, std::move(options));
    REQUIRE(opened.has_value());
    return std::move(*opened);
}

inline pipeline::Pusher pusher(net::Context& context, pipeline::PusherOptions options,
                               const net::Endpoint& at, net::Attach how) {
    return end_of_pipeline<pipeline::Pusher>(context, std::move(options), at, how);
}

inline pipeline::Puller puller(net::Context& context, pipeline::PullerOptions options,
                               const net::Endpoint& at, net::Attach how) {
    return end_of_pipeline<pipeline::Puller>(context, std::move(options), at, how);
}
// One that unpacks.
inline pipeline::Puller puller(net::Context& context, const net::Endpoint& at, net::Attach how) {
    pipeline::PullerOptions options;
    options.unpack = true;
    return puller(context, std::move(options), at, how);
}

} // namespace flotilla::test
