// SPDX-License-Identifier: Apache-2.0
// The calls that say how they ended in registers: what they did not do is left to the others.
#include <flotilla/net/socket.hpp>

#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::net;

namespace {

using flotilla::test::patience;

struct Pair {
    explicit Pair(SocketOptions sending = {})
        : context(Context::open().value()), pull(Socket::open(context, SocketType::pull).value()),
          push(Socket::open(context, SocketType::push, std::move(sending)).value()) {}
    void link() {
        REQUIRE(push.connect(pull.bind(test::any_tcp()).value()));
        REQUIRE(push.send("linked", patience));
        REQUIRE(pull.receive(patience));
    }
    Context context;
    Socket pull;
    Socket push;
    Part first{};
    Part second = Part::copy("left from before");
};

} // namespace

TEST_CASE("socket: two frames go and come in one call", "[integration][net]") {
    Pair pair;
    pair.link();
    const std::string large(100'000, 'l');
    for (const std::string& body : {std::string{}, std::string{"small"}, large}) {
        REQUIRE(pair.push.send_both_at_once("topic", body) == 2);
        REQUIRE(pair.pull.wait_readable(patience));
        const auto both = pair.pull.receive_both_at_once(pair.first, pair.second, Duration::zero());
        REQUIRE(both);
        CHECK(both.second_bytes == std::int32_t(body.size()));
        CHECK(both.more == More::no);
        CHECK(pair.first.view() == "topic");
        CHECK(pair.second.view() == body);
    }
}

TEST_CASE("socket: a receive of two frames says what else a message has", "[integration][net]") {
    Pair pair;
    pair.link();
    REQUIRE(pair.push.send("alone", patience));
    REQUIRE(pair.pull.wait_readable(patience));
    auto both = pair.pull.receive_both_at_once(pair.first, pair.second, no_limit);
    REQUIRE(both);
    CHECK(both.second_bytes == 0);
    CHECK(both.more == More::no);
    CHECK(pair.first.view() == "alone");
    CHECK(pair.second.view().empty());

    wire::Frames three{"a", "b", "c"};
    REQUIRE(pair.push.send(three, patience));
    REQUIRE(pair.pull.wait_readable(patience));
    both = pair.pull.receive_both_at_once(pair.first, pair.second, no_limit);
    REQUIRE(both);
    CHECK(both.more == More::yes);
    CHECK(pair.second.view() == "b");
    REQUIRE(pair.pull.receive(pair.first, Duration::zero()));
    CHECK(pair.first.view() == "c");
    CHECK_FALSE(pair.first.more());
}

TEST_CASE("socket: what cannot be done at once is not begun", "[integration][net]") {
    SocketOptions to_nobody;
    to_nobody.to_connected_only = true;
    Pair pair(to_nobody);
    CHECK(pair.push.send_both_at_once("topic", "body") == 0);
    CHECK_FALSE(pair.pull.receive_both_at_once(pair.first, pair.second, Duration::zero()));
    // With a limit nothing is waited for here, but what is there is taken.
    CHECK_FALSE(pair.pull.receive_both_at_once(pair.first, pair.second, patience));
    pair.link();
    REQUIRE(pair.push.send_both_at_once("topic", "body") == 2);
    REQUIRE(pair.pull.wait_readable(patience));
    CHECK(pair.pull.receive_both_at_once(pair.first, pair.second, patience));
    pair.context.shutdown();
    (void)pair.push.writable(); // a send hears of it at most once a millisecond, this does now
    CHECK(pair.push.send_both_at_once("topic", "body") == 0);
    CHECK_FALSE(pair.pull.receive_both_at_once(pair.first, pair.second, no_limit));
    CHECK(pair.pull.receive(pair.first, no_limit).error().code == Errc::stopped);
}
