// SPDX-License-Identifier: Apache-2.0
//
// What a peer that does not read can make a ROUTER hold.
#include <flotilla/net/context.hpp>
#include <flotilla/net/peer_backlog.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace flotilla::net;

namespace {

// A ROUTER with one DEALER called "deaf", who has said hello. Every second message is a staged one.
struct BacklogPair {
    explicit BacklogPair(const Endpoint& endpoint) {
        const auto bound = router.bind(endpoint);
        REQUIRE(bound);
        backlogs.bound_to(endpoint);
        REQUIRE(dealer.connect(*bound));
        REQUIRE(dealer.send(ByteView{"hello"}, 5s));
        REQUIRE(router.receive(5s));
    }
    static SocketOptions named_deaf() {
        SocketOptions options;
        options.routing_id = "deaf";
        options.receive_messages_max = 1;
        options.kernel_receive_bytes = 64 << 10;
        return options;
    }
    PeerBacklogs::Sent say(std::uint32_t number, std::size_t bytes) {
        const std::string body(bytes, 'x');
        if (number % 2 == 0) {
            wire::Frames message{"deaf", std::to_string(number), body};
            return backlogs.send(router, std::move(message));
        }
        staged.clear();
        staged.begin("deaf", 0);
        staged.add(std::to_string(number));
        staged.add(Blob::copy(body));
        return backlogs.send(router, staged, 0);
    }
    // Reads `count` messages, numbered from 0 in order, while the router retries.
    void read(std::uint32_t count) {
        for (std::uint32_t i = 0; i < count; ++i) {
            Result<wire::Frames> got = fail(Errc::would_block);
            for (int tries = 0; !got && tries < 2'000; ++tries) {
                backlogs.retry(router, [](const std::string&) { FAIL("it is there"); });
                got = dealer.receive(backlogs.retry_in());
            }
            REQUIRE(got);
            REQUIRE((*got)[0] == ByteView{std::to_string(i)});
        }
    }

    Context context = *Context::open();
    Socket router = *Socket::open(context, SocketType::router);
    Socket dealer = *Socket::open(context, SocketType::dealer, named_deaf());
    PeerBacklogs backlogs{1'000, 16U << 20, 10, 64U << 20};
    wire::StagedMessages staged{};
};

} // namespace

TEST_CASE("a peer that does not read holds its backlog in bytes, and little more",
          "[integration][net]") {
    BacklogPair pair(test::any_tcp());
    std::uint32_t sent = 0;
    while (sent < 1'000 && pair.say(sent, 1U << 20) == PeerBacklogs::Sent::yes)
        ++sent;
    // The backlog, the transport's share, and what the kernel and the other side took.
    CHECK(sent < 40);
    CHECK(pair.backlogs.transport_bytes() <= PeerBacklogs::transport_bytes_max);
    CHECK(pair.backlogs.bytes() == 0); // too slow: dropped
    CHECK(pair.backlogs.empty());
}

TEST_CASE("what waited for a peer arrives in order when it reads", "[integration][net]") {
    BacklogPair pair(test::any_tcp());
    constexpr std::uint32_t messages = 14;
    for (std::uint32_t i = 0; i < messages; ++i) // large ones and small ones in turn
        REQUIRE(pair.say(i, i % 3 == 2 ? 10 : 1U << 20) == PeerBacklogs::Sent::yes);
    CHECK(pair.backlogs.transport_bytes() <= PeerBacklogs::transport_bytes_max);
    pair.read(messages);
    CHECK(pair.backlogs.empty());
    CHECK(pair.backlogs.dropped_total() == 0);
}

TEST_CASE("a message larger than the transport's share goes alone", "[integration][net]") {
    BacklogPair pair(test::any_tcp());
    for (std::uint32_t i = 0; i < 3; ++i)
        REQUIRE(pair.say(i, 5U << 20) == PeerBacklogs::Sent::yes);
    pair.read(3);
    CHECK(pair.backlogs.empty());
}

TEST_CASE("a peer over inproc may keep what it was sent", "[integration][net]") {
    BacklogPair pair(test::fresh_inproc());
    std::vector<wire::Frames> kept;
    for (std::uint32_t i = 0; i < 8; ++i) {
        REQUIRE(pair.say(i, 1U << 20) == PeerBacklogs::Sent::yes);
        auto got = pair.dealer.receive(5s);
        REQUIRE(got);
        kept.push_back(std::move(*got));
    }
    CHECK(pair.backlogs.empty());
}

TEST_CASE("what was staged arrives frame by frame, or tells that nobody is there",
          "[integration][net]") {
    BacklogPair pair(test::any_tcp());
    const std::string large(wire::StagedMessages::copied_bytes_max + 1, 'l');
    const std::string counted(PeerBacklogs::small_bytes_max, 'c');
    const std::vector<std::vector<std::string>> messages{
        {}, {""}, {"a", "", "b"}, {"a", large, "b", ""}, {large, large}};
    for (const auto& frames : messages) {
        pair.staged.begin("nobody", 0);
        pair.staged.add(ByteView{large});
        pair.staged.add(Blob::copy(counted));
        pair.staged.begin("deaf", 0);
        for (const std::string& frame : frames)
            pair.staged.add(ByteView{frame});
    }
    for (std::size_t i = 0; i < messages.size(); ++i) {
        CHECK(pair.backlogs.send(pair.router, pair.staged, 2 * i) == PeerBacklogs::Sent::gone);
        // Whoever decides what becomes of it has all of it.
        CHECK(pair.staged.frames(2 * i) == wire::Frames{"nobody", large, counted});
        REQUIRE(pair.backlogs.send(pair.router, pair.staged, 2 * i + 1) == PeerBacklogs::Sent::yes);
        wire::Frames expected;
        for (const std::string& frame : messages[i])
            expected.add(frame);
        if (expected.empty())
            continue; // a routing id alone is no message
        const auto got = pair.dealer.receive(5s);
        REQUIRE(got);
        CHECK(*got == expected);
    }
}
