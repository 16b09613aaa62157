// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/routed_message.hpp>

#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

#include <string>
#include <utility>

using namespace flotilla;
using namespace flotilla::net;

namespace {

using flotilla::test::patience;
constexpr std::uint64_t bytes_max = 10'000;

struct RoutedPair {
    explicit RoutedPair(const Endpoint& endpoint) {
        REQUIRE(dealer.connect(*router.bind(endpoint)));
    }
    static SocketOptions named() {
        SocketOptions options;
        options.routing_id = "named";
        return options;
    }
    // What comes of `frames`. To ask for input first must change nothing: libzmq then makes the
    // routing id in another place.
    RoutedMessage& say(const wire::Frames& frames) {
        wire::Frames message = frames.share();
        REQUIRE(dealer.send(message, patience));
        if (asks_first)
            REQUIRE(router.wait_readable(patience));
        REQUIRE(message_.receive(router, patience));
        CHECK(message_.peer() == "named");
        return message_;
    }

    Context context = *Context::open();
    Socket router = *Socket::open(context, SocketType::router);
    Socket dealer = *Socket::open(context, SocketType::dealer, named());
    bool asks_first = false;

private:
    RoutedMessage message_{bytes_max, Plaintext{}};
};

} // namespace

TEST_CASE("routed message: its frames, one message after the other", "[integration][net]") {
    RoutedPair pair(test::any_tcp());
    pair.asks_first = GENERATE(false, true);
    const std::string most(bytes_max, 'x');
    for (const wire::Frames& frames :
         {wire::Frames{""}, wire::Frames{"a", "", std::string(48, 'i'), std::string(49, 'o'), "e"},
          wire::Frames{most}, wire::Frames{"small again"}}) {
        RoutedMessage& message = pair.say(frames);
        CHECK_FALSE(message.is_cut());
        CHECK(message.bytes() == frames.bytes());
        CHECK(message.frames() == frames);
        CHECK(message.descriptor() > 2);
        CHECK(message.user_id().empty());
    }
}

TEST_CASE("routed message: what is too much is not kept, and the next one is whole",
          "[integration][net]") {
    RoutedPair pair(test::any_tcp());
    const auto next_is_whole = [&pair] {
        const RoutedMessage& next = pair.say({"next"});
        CHECK_FALSE(next.is_cut());
        CHECK(next.bytes() == 4);
    };
    RoutedMessage& large = pair.say({"head", std::string(bytes_max - 3, 'x'), "behind"});
    CHECK(large.is_cut());
    CHECK(large.bytes() == bytes_max + 7);
    CHECK(large.frames() == wire::Frames{"head"});
    next_is_whole();
    wire::Frames many;
    while (many.size() < wire::Frames::frames_max)
        many.add("f");
    RoutedMessage& cut = pair.say(many);
    CHECK(cut.is_cut());
    CHECK(cut.frames().size() == RoutedMessage::frames_max);
    next_is_whole();
}

TEST_CASE("routed message: over inproc there is no descriptor, and nothing is no message",
          "[integration][net]") {
    RoutedPair pair(test::fresh_inproc());
    CHECK(pair.say({"a"}).descriptor() == -1);
    RoutedMessage message{bytes_max, Plaintext{}};
    const Status received = message.receive(pair.router, Duration::zero());
    REQUIRE_FALSE(received);
    CHECK(received.error().code == Errc::would_block);
    CHECK(message.frames().empty());
}
