// SPDX-License-Identifier: Apache-2.0
// What received messages cost whoever keeps them.
#include <flotilla/net/context.hpp>
#include <flotilla/net/socket.hpp>

#include <support/catch.hpp>
#include <support/memory.hpp>
#include <support/scratch.hpp>

#include <vector>

using namespace flotilla;
using namespace flotilla::net;

TEST_CASE("socket: a small message that owns its bytes does not keep the buffer it came in",
          "[integration][net]") {
    constexpr Duration patience = 60s;
    auto context = Context::open();
    auto pull = Socket::open(*context, SocketType::pull);
    auto push = Socket::open(*context, SocketType::push);
    const auto endpoint = pull->bind(test::any_tcp());
    REQUIRE(push->connect(*endpoint));
    const std::string body(100, 'x');
    // One at a time, so that each comes in a buffer of its own, of 8 KiB.
    constexpr std::size_t count = 8'000;
    std::vector<wire::Frames> kept;
    kept.reserve(count);
    const std::uint64_t before = test::memory_bytes();
    while (kept.size() < count) {
        REQUIRE(push->send(ByteView{body}, patience));
        auto message = pull->receive(patience);
        REQUIRE(message);
        message->own_small();
        kept.push_back(std::move(*message));
    }
    CHECK(test::uses_less_than(before + 24 * test::mebibyte));
    CHECK(kept.back()[0] == ByteView{body});
}
