// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

#include <flotilla/wire/envelope.hpp>

#include <charconv>

using namespace flotilla;
using namespace flotilla::relay;
using flotilla::net::SocketType;
using flotilla::wire::Frames;

namespace {

constexpr int burst = 100'000;

int number(ByteView text) {
    int value = -1;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

} // namespace

TEST_CASE("relay: a forwarder passes messages down and subscriptions up", "[integration][relay]") {
    Served served(on_tcp(Kind::forwarder));
    net::Socket pub = served.front(SocketType::xpub);
    net::Socket sub = served.back(SocketType::sub);
    REQUIRE(sub.subscribe("a"));
    served.await_subscription(pub, "a");
    served.send(pub, Frames{"b", "not asked for"});
    served.send(pub, Frames{"a1", "body", std::string(100'000, 'x')});
    CHECK(served.next(sub) == Texts{"a1", "body", std::string(100'000, 'x')});

    net::Socket second = served.back(SocketType::sub);
    REQUIRE(second.subscribe("a"));
    REQUIRE(second.subscribe("z")); // shows that the one before it was not passed
    served.await_subscription(pub, "z");
    REQUIRE(sub.unsubscribe("a"));
    REQUIRE(second.unsubscribe("a"));
    CHECK(served.next(pub) == Texts{std::string("\0a", 2)});
    served.send(pub, Frames{"a2", "nobody listens"});
    CHECK(served.silent(sub));
    CHECK(served.counters().out.messages_total == 3);
}

TEST_CASE("relay: subscribers that leave cancel their subscriptions upstream",
          "[integration][relay]") {
    for (const bool remembers : {false, true}) {
        INFO("last value " << remembers);
        RelayOptions options = on_tcp(Kind::forwarder);
        if (remembers)
            options.last_value.emplace();
        Served served(std::move(options));
        net::Socket pub = served.front(SocketType::xpub);
        if (remembers)
            served.await_subscription(pub, "");
        {
            net::Socket one = served.back(SocketType::sub);
            net::Socket two = served.back(SocketType::sub);
            REQUIRE(one.subscribe("a"));
            REQUIRE(two.subscribe("a"));
            REQUIRE(two.subscribe("b"));
            served.await_subscription(pub, "a");
            served.await_subscription(pub, "b");
        }
        std::vector<std::string> cancelled{served.next(pub).at(0), served.next(pub).at(0)};
        std::sort(cancelled.begin(), cancelled.end());
        CHECK(cancelled == Texts{std::string("\0a", 2), std::string("\0b", 2)});
    }
}

TEST_CASE("relay: a forwarder loses nothing of a burst to a subscriber that keeps up",
          "[integration][relay]") {
    Served served(on_tcp(Kind::forwarder));
    net::Socket pub = served.front(SocketType::xpub, queue_of(2 * burst));
    net::Socket sub = served.back(SocketType::sub);
    REQUIRE(sub.subscribe(""));
    served.await_subscription(pub, "");
    for (int i = 0; i < burst; ++i)
        REQUIRE(pub.send(std::to_string(i), Duration::zero()));
    int seen = 0;
    net::Part part;
    served.until([&] {
        while (sub.receive(part, Duration::zero())) {
            REQUIRE(number(part) == seen);
            ++seen;
        }
        return seen == burst;
    });
    CHECK(served.counters().in.messages_total == burst);
    CHECK(served.counters().in.dropped_sum() == 0);
}

TEST_CASE("relay: a streamer passes 100,000 messages in order and loses none",
          "[integration][relay]") {
    Served served(on_tcp(Kind::streamer));
    net::Socket push = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    int sent = 0;
    int seen = 0;
    net::Part part;
    served.until([&] {
        while (sent < burst && push.send(std::to_string(sent), Duration::zero()))
            ++sent;
        while (pull.receive(part, Duration::zero())) {
            REQUIRE(number(part) == seen);
            ++seen;
        }
        return seen == burst;
    });
    CHECK(served.counters().in.messages_total == burst);
}

TEST_CASE("relay: a queue carries requests and replies of many clients", "[integration][relay]") {
    Served served(on_tcp(Kind::queue));
    net::Socket rep = served.back(SocketType::rep);
    net::Socket one = served.front(SocketType::req);
    net::Socket two = served.front(SocketType::dealer);
    for (int round = 0; round < 20; ++round) {
        served.send(one, Frames{"from one"});
        served.send(two, Frames{"", "from two", "second frame"});
        for (int i = 0; i < 2; ++i) {
            Texts request = served.next(rep);
            request[0] += ", answered";
            Frames reply;
            for (const std::string& frame : request)
                reply.add(ByteView{frame});
            served.send(rep, std::move(reply));
        }
        CHECK(served.next(one) == Texts{"from one, answered"});
        CHECK(served.next(two) == Texts{"", "from two, answered", "second frame"});
    }
    CHECK(served.counters().in.messages_total == 40);
    CHECK(served.counters().out.messages_total == 40);
}

TEST_CASE("relay: a slow backend pushes back on the frontend, and then nothing is lost",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::streamer);
    options.messages_max = 10;
    Served served(std::move(options));
    net::Socket push = served.front(SocketType::push, queue_of(10));
    net::Socket pull = served.back(SocketType::pull, queue_of(10));
    const std::string body(200'000, 'x'); // so that kernel buffers hold few
    int sent = 0;
    // Full when no message found room through many turns; how many fit depends on the system.
    int refusals = 0;
    served.until([&] {
        Frames message{std::to_string(sent), body};
        if (push.send(message, Duration::zero())) {
            ++sent;
            refusals = 0;
        } else {
            ++refusals;
        }
        REQUIRE(sent < 5'000);
        return refusals == 200;
    });
    CHECK(served.counters().in.held == 1);
    for (int i = 0; i < sent; ++i)
        REQUIRE(served.next(pull).at(0) == std::to_string(i));
    CHECK(served.counters().in.held == 0);
    CHECK(served.counters().in.messages_total == static_cast<std::uint64_t>(sent));
}

TEST_CASE("relay: programs that only bind meet at a relay that connects both ways",
          "[integration][relay]") {
    auto context = net::Context::open();
    auto push = net::Socket::open(*context, SocketType::push);
    auto pull = net::Socket::open(*context, SocketType::pull);
    const auto front = push->bind(test::any_tcp());
    const auto back = pull->bind(test::any_tcp());
    RelayOptions options;
    options.kind = Kind::streamer;
    options.frontend.attachments = {attachment(">" + front->text())};
    options.backend.attachments = {attachment(">" + back->text())};
    Served served(std::move(options));
    served.send(*push, Frames{"over two bound ends"});
    CHECK(served.next(*pull) == Texts{"over two bound ends"});
}

TEST_CASE("relay: a side may have several endpoints, of several transports",
          "[integration][relay]") {
    const test::ScratchFolder folder;
    RelayOptions options = on_tcp(Kind::streamer);
    options.frontend.attachments.push_back(attachment(folder.ipc("front").text()));
    Served served(std::move(options));
    REQUIRE(served.relay->endpoints(Side::frontend).size() == 2);
    net::Socket pull = served.back(SocketType::pull);
    net::Socket one = served.front(SocketType::push);
    net::Socket two = served.peer(SocketType::push, served.relay->endpoints(Side::frontend)[1]);
    served.send(one, Frames{"by tcp"});
    CHECK(served.next(pull) == Texts{"by tcp"});
    served.send(two, Frames{"by ipc"});
    CHECK(served.next(pull) == Texts{"by ipc"});
}

TEST_CASE("relay: a capture shows both directions, numbered", "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::queue);
    options.capture.emplace();
    options.capture->attachments = {attachment("tcp://127.0.0.1:*")};
    Served served(std::move(options));
    net::Socket rep = served.back(SocketType::rep);
    net::Socket req = served.front(SocketType::req);
    served.send(req, Frames{"before anybody taps"});
    CHECK(served.next(rep) == Texts{"before anybody taps"});
    served.send(rep, Frames{"yes"});
    CHECK(served.next(req) == Texts{"yes"});

    net::Socket all = served.tap("test.");
    net::Socket replies = served.tap("test.out");
    // Both taps are there when both have seen an exchange.
    std::optional<Captured> request;
    std::optional<Captured> reply;
    std::optional<Captured> reply_again;
    const std::string body(50'000, 'b');
    std::uint64_t sequence = 1;
    served.until([&] {
        const auto read = [](net::Socket& tap) -> std::optional<Captured> {
            auto received = tap.receive(Duration::zero());
            if (!received)
                return std::nullopt;
            auto captured = parse_capture(std::move(*received));
            REQUIRE(captured);
            return std::move(*captured);
        };
        if (request && reply && reply_again)
            return true;
        served.send(req, Frames{body});
        served.next(rep);
        served.send(rep, Frames{"done"});
        served.next(req);
        ++sequence;
        while (auto captured = read(all))
            (captured->header.direction == Direction::in ? request : reply) = std::move(captured);
        while (auto captured = read(replies))
            reply_again = std::move(captured);
        return false;
    });
    REQUIRE(request);
    CHECK(request->relay == "test");
    CHECK(request->header.frames == 3);
    REQUIRE(request->message.size() == 3);
    CHECK(request->message[0].size() == 5); // the client's routing id
    CHECK(request->message[2] == body);
    CHECK(request->header.sequence > 1);
    CHECK(request->header.sequence <= sequence);
    CHECK(request->header.at > WallTime{});
    CHECK(reply->header.direction == Direction::out);
    CHECK(reply->message[2] == "done");
    CHECK(reply_again->header.direction == Direction::out);
    CHECK(served.counters().captured_total > 0);
}

TEST_CASE("relay: a tap that does not read loses, sees how much, and slows nobody",
          "[integration][relay]") {
    RelayOptions options = on_tcp(Kind::streamer);
    options.capture.emplace();
    options.capture->attachments = {attachment("tcp://127.0.0.1:*")};
    options.capture_messages_max = 10;
    Served served(std::move(options));
    net::Socket push = served.front(SocketType::push);
    net::Socket pull = served.back(SocketType::pull);
    net::Socket tap =
        served.peer(SocketType::sub, served.relay->capture_endpoints().at(0), queue_of(10));
    REQUIRE(tap.subscribe("test.in"));
    const std::string body(100'000, 'x');
    std::uint64_t passed = 0;
    const auto pass_one = [&] {
        served.send(push, Frames{body});
        served.next(pull);
        ++passed;
    };
    while (served.counters().captured_total == 0)
        pass_one();
    for (int i = 0; i < 1'000; ++i)
        pass_one();
    // The tap reads what its queue kept, and then what comes next: the gap is its loss.
    std::uint64_t last = 0;
    std::uint64_t seen = 0;
    std::uint64_t missing = 0;
    served.until([&] {
        while (auto received = tap.receive(Duration::zero())) {
            const auto captured = parse_capture(std::move(*received));
            REQUIRE(captured);
            missing += last == 0 ? 0 : captured->header.sequence - last - 1;
            last = captured->header.sequence;
            ++seen;
        }
        if (last != passed)
            pass_one();
        return missing > 0 && last == passed;
    });
    CHECK(seen + missing <= passed);
    CHECK(served.counters().in.messages_total == passed);
}
