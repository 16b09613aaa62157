// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/pusher.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

using namespace flotilla;
using namespace flotilla::pipeline;

TEST_CASE("pusher: a message without frames is refused", "[integration][pipeline]") {
    auto context = net::Context::open().value();
    PusherOptions options;
    options.attach.push_back({test::any_tcp(), net::Attach::bind});
    if (GENERATE(false, true))
        options.batching = Batching{};
    auto pusher = Pusher::open(context, std::move(options)).value();
    wire::Frames none;
    const auto refused = pusher.send(none, Duration::zero());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::malformed);
}
