// SPDX-License-Identifier: Apache-2.0
// QueueServer over real sockets: raw peers, doors, a taker of the pipeline pattern, slow readers.
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/work_taker.hpp>
#include <flotilla/queue/engine/memory_store.hpp>
#include <flotilla/queue/put_pack.hpp>
#include <flotilla/queue/server.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/envelope.hpp>
#include <flotilla/wire/option_text.hpp>

#include <poll.h>
#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <memory>
#include <optional>
#include <string>

using namespace flotilla;
using namespace flotilla::queue;
using wire::Frames;

namespace {

struct Shop {
    net::Context context = *net::Context::open();
    QueueServer server;
    net::Endpoint at;

    explicit Shop(QueueServerOptions options = {})
        : server(*QueueServer::open(context, std::make_unique<MemoryStore>(), std::move(options))),
          at(*server.bind(test::any_tcp())) {}

    net::Socket raw(net::SocketType type = net::SocketType::dealer,
                    net::SocketOptions options = {}) {
        net::Socket socket = *net::Socket::open(context, type, std::move(options));
        REQUIRE(socket.connect(at));
        return socket;
    }
    Frames ask(net::Socket& socket, Frames message) {
        REQUIRE(socket.send(message, 5s));
        return answer(socket);
    }
    Frames answer(net::Socket& socket) {
        for (int i = 0; i < 2000; ++i) {
            REQUIRE(server.process(5ms));
            if (auto received = socket.receive(0ms))
                return std::move(*received);
        }
        FAIL("the store does not answer");
        return {};
    }
    template <class Done>
    bool until(Done&& done) {
        for (int i = 0; i < 2000 && !done(); ++i)
            REQUIRE(server.process(5ms));
        return done();
    }
};

std::string verb(const Frames& answer) {
    return std::string(answer[answer[0].empty() ? 2 : 1].view());
}
std::string option(const Frames& answer, std::string_view name) {
    const std::size_t at = answer[0].empty() ? 4 : 3;
    if (answer.size() <= at)
        return {};
    wire::OptionTextReader reader(answer[at].view());
    return std::string(reader.text(name, 4096));
}
std::string outcome(const Frames& answer) {
    const std::string said = verb(answer);
    return said == "error" ? said + " " + option(answer, "code") : said;
}

Door door(Door::Kind kind, const std::string& queue, const net::Endpoint& at,
          std::vector<std::string> topics = {}) {
    Door made;
    made.kind = kind;
    made.queue = queue;
    made.endpoints = {{at, net::Attach::bind}};
    made.topics = std::move(topics);
    return made;
}

} // namespace

TEST_CASE("server: a plain REQ puts, takes and acknowledges", "[integration][queue]") {
    Shop shop;
    REQUIRE(shop.server.declare("q", {}));
    net::Socket peer = shop.raw(net::SocketType::req);
    const Frames put = shop.ask(peer, {"FLQ1", "put", "c1", "queue=q", "a", "b"});
    CHECK(outcome(put) == "ok");
    CHECK(put[2] == ByteView{"c1"});
    const Frames taken = shop.ask(peer, {"FLQ1", "take", "c2", "queue=q"});
    REQUIRE(outcome(taken) == "deliver");
    REQUIRE(taken.size() == 6);
    CHECK(taken[4] == ByteView{"a"});
    CHECK(taken[5] == ByteView{"b"});
    const std::string lease = "lease=" + option(taken, "lease");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "ack", "c3", lease})) == "ok");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "take", "c4", "queue=q"})) == "empty");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "put", "c5", "queue=none", "x"})) == "error no_queue");
}

TEST_CASE("server: whatever ends a turn, what was read is answered", "[integration][queue]") {
    QueueServerOptions options;
    options.turn_max = 0s; // every turn is over at its first look at the clock
    Shop shop(std::move(options));
    REQUIRE(shop.server.declare("q", {}));
    net::SocketOptions wide;
    wide.send_messages_max = 10'000;
    wide.receive_messages_max = 10'000;
    net::Socket peer = shop.raw(net::SocketType::dealer, wide);
    constexpr int puts = 3'000;
    for (int i = 0; i < puts; ++i) {
        Frames put{"FLQ1", "put", std::to_string(i), "queue=q", "x"};
        REQUIRE(peer.send(put, 5s));
    }
    for (int i = 0; i < puts; ++i) {
        const Frames answer = shop.answer(peer);
        REQUIRE(outcome(answer) == "ok");
        REQUIRE(answer[2] == ByteView{std::to_string(i)});
    }
    CHECK(shop.server.counters().commands_total >= puts);
}

TEST_CASE("server: what is not the protocol is answered, and everybody else is served",
          "[integration][queue]") {
    QueueServerOptions options;
    options.limits.message_bytes_max = 1 << 20;
    Shop shop(std::move(options));
    REQUIRE(shop.server.declare("q", {}));
    net::Socket wrong = shop.raw();
    CHECK(outcome(shop.ask(wrong, {"hello"})) == "error malformed");
    CHECK(outcome(shop.ask(wrong, {"FLQ1", "fly", "1"})) == "error unsupported");
    CHECK(outcome(shop.ask(wrong, {"FLQ1", "put", "2", "queue=q"})).rfind("error", 0) == 0);
    CHECK(outcome(shop.ask(wrong, {"FLQ1", "take", "3", "queue=" + std::string(300, 'x')}))
              .rfind("error", 0) == 0);
    Frames many{"FLQ1", "put", "4", "queue=q"};
    while (many.size() < Frames::frames_max)
        many.add(ByteView{"x"});
    CHECK(outcome(shop.ask(wrong, std::move(many))).rfind("error", 0) == 0);
    net::Socket good = shop.raw(net::SocketType::req);
    CHECK(outcome(shop.ask(good, {"FLQ1", "put", "", "queue=q", "x"})) == "ok");
}

TEST_CASE("server: declared again, a queue has the new properties, and what cannot change is said",
          "[integration][queue]") {
    Shop shop;
    QueueProperties properties;
    REQUIRE(shop.server.declare("q", properties));
    properties.attempts_max = 3;
    REQUIRE(shop.server.declare("q", properties));
    CHECK(shop.server.queues()[0].properties.attempts_max == 3);
    properties.order = Order::strict;
    CHECK_FALSE(shop.server.declare("q", properties));
}

TEST_CASE("server: what a consumer held goes to the next, who connects the moment that it left",
          "[integration][queue]") {
    Shop shop;
    auto producer = shop.raw();
    REQUIRE(outcome(shop.ask(producer, {"FLQ1", "create", "1", "queue=jobs"})) == "ok");
    REQUIRE(outcome(shop.ask(producer, {"FLQ1", "put", "2", "queue=jobs", "body"})) == "ok");
    std::optional<net::Socket> consumer(shop.raw());
    for (int round = 0; round < 5; ++round) { // well within the lease of 30 s, and its silence
        Frames hello{"FLQ1", "hello", "", "queue=jobs\ncredit=1"};
        REQUIRE(consumer->send(hello, 5s));
        Frames heard = shop.answer(*consumer);
        while (verb(heard) != "deliver")
            heard = shop.answer(*consumer);
        CHECK(option(heard, "attempt") == std::to_string(round + 1));
        CHECK(option(heard, "redelivered") == (round == 0 ? "no" : "yes"));
        consumer.reset(); // the next connection is likely to get its descriptor
        consumer.emplace(shop.raw());
    }
}

TEST_CASE("server: a taker of the pipeline pattern works unchanged", "[integration][queue]") {
    Shop shop;
    REQUIRE(shop.server.declare("q", {}));
    net::Socket peer = shop.raw(net::SocketType::req);
    for (int i = 0; i < 100; ++i)
        REQUIRE(outcome(shop.ask(peer, {"FLQ1", "put", "", "queue=q", std::to_string(i)})) == "ok");
    pipeline::WorkTakerOptions options;
    options.sources = {shop.at};
    options.limits.queue = "q";
    auto taker = *pipeline::WorkTaker::open(shop.context, options);
    int next = 0;
    CHECK(shop.until([&] {
        while (auto work = taker.take(0ms)) {
            CHECK(work->body[0] == ByteView{std::to_string(next)});
            REQUIRE(taker.ack(*work));
            ++next;
        }
        return next == 100 && shop.server.queues()[0].counters.finished_total == 100;
    }));
}

TEST_CASE("server: a pull door stores what plain PUSH sockets send, and waits when it is full",
          "[integration][queue]") {
    QueueServerOptions options;
    const net::Endpoint at = test::fresh_inproc();
    options.doors = {door(Door::Kind::pull, "q", at)};
    Shop shop(std::move(options));
    QueueProperties properties;
    properties.messages_max = 3;
    REQUIRE(shop.server.declare("q", properties));
    net::Socket push = *net::Socket::open(shop.context, net::SocketType::push);
    REQUIRE(push.connect(at));
    for (const char* each : {"a", "b", "c", "d", "e"}) {
        Frames message{each, "second"};
        REQUIRE(push.send(message, 5s));
    }
    CHECK(shop.until([&] { return shop.server.doors()[0].is_paused; }));
    CHECK(shop.server.doors()[0].refused_total == 0);
    net::Socket peer = shop.raw(net::SocketType::req);
    std::string all;
    for (int i = 0; i < 5; ++i) {
        const Frames taken = shop.ask(peer, {"FLQ1", "take", "", "queue=q\nwait_ms=10000"});
        REQUIRE(outcome(taken) == "deliver");
        all += taken[4].view();
        CHECK(taken[5] == ByteView{"second"});
        REQUIRE(outcome(shop.ask(peer, {"FLQ1", "ack", "", "lease=" + option(taken, "lease")})) ==
                "ok");
    }
    CHECK(all == "abcde");
    CHECK(shop.server.doors()[0].messages_total == 5);
}

TEST_CASE("server: a sub door stores its topics, and drops and counts what does not fit",
          "[integration][queue]") {
    QueueServerOptions options;
    const test::ScratchFolder scratch;
    const net::Endpoint at = scratch.ipc("feed");
    options.doors = {door(Door::Kind::sub, "q", at, {"a."})};
    Shop shop(std::move(options));
    QueueProperties properties;
    properties.messages_max = 2;
    REQUIRE(shop.server.declare("q", properties));
    net::Socket publisher = *net::Socket::open(shop.context, net::SocketType::xpub);
    REQUIRE(publisher.connect(at));
    bool subscribed = false;
    CHECK(
        shop.until([&] { return subscribed = subscribed || publisher.receive(0ms).has_value(); }));
    for (const char* topic : {"b.x", "a.1", "a.2", "a.3", "a.4"}) {
        Frames message{topic, "body"};
        REQUIRE(publisher.send(message, 5s));
    }
    CHECK(shop.until([&] { return shop.server.doors()[0].refused_total == 2; }));
    CHECK(shop.server.doors()[0].messages_total == 2);
}

TEST_CASE("server: a sub door counts what its feed lacks, by the numbers of each topic",
          "[integration][queue]") {
    QueueServerOptions options;
    const test::ScratchFolder scratch;
    const net::Endpoint at = scratch.ipc("feed");
    options.doors = {door(Door::Kind::sub, "q", at, {""})};
    options.doors[0].metadata = true;
    Shop shop(std::move(options));
    REQUIRE(shop.server.declare("q", {}));
    net::Socket publisher = *net::Socket::open(shop.context, net::SocketType::xpub);
    REQUIRE(publisher.connect(at));
    bool subscribed = false;
    CHECK(
        shop.until([&] { return subscribed = subscribed || publisher.receive(0ms).has_value(); }));
    std::uint64_t sent = 0;
    const auto publish = [&](const char* topic, std::uint64_t epoch, std::uint64_t sequence,
                             std::uint32_t generation = 0, bool is_snapshot = false) {
        wire::Envelope envelope;
        envelope.publisher_epoch = epoch;
        envelope.sequence = sequence;
        envelope.generation = generation;
        envelope.snapshot = is_snapshot;
        const auto metadata = wire::encode(envelope);
        REQUIRE(metadata);
        Frames message{topic, "body", *metadata};
        REQUIRE(publisher.send(message, 5s));
        ++sent;
    };
    publish("a", 7, 5);          // the first one says where the feed stands
    publish("a", 7, 6);          // nothing between
    publish("a", 7, 9);          // 7 and 8
    publish("b", 7, 1);          // a topic of its own
    publish("b", 7, 3);          // 2
    publish("a", 7, 4, 0, true); // a value that was kept: no part of the feed
    publish("a", 8, 100);        // another publisher counts anew
    publish("a", 8, 1, 1);       // and so does one that forgot
    publish("a", 8, 3, 1);       // 2
    Frames bare{"a", "body", "no metadata"};
    REQUIRE(publisher.send(bare, 5s));
    ++sent;
    CHECK(shop.until([&] { return shop.server.doors()[0].messages_total == sent; }));
    CHECK(shop.server.doors()[0].lost_total == 4);
    CHECK(shop.server.doors()[0].is_loss_unknown); // what was sent before it forgot
    CHECK(shop.server.doors()[0].refused_total == 0);
}

TEST_CASE("server: a push door drains a queue to plain PULL sockets, and keeps what none takes",
          "[integration][queue]") {
    QueueServerOptions options;
    const net::Endpoint at = test::fresh_inproc();
    options.doors = {door(Door::Kind::push, "q", at)};
    Shop shop(std::move(options));
    REQUIRE(shop.server.declare("q", {}));
    net::Socket peer = shop.raw(net::SocketType::req);
    for (int i = 0; i < 100; ++i)
        REQUIRE(outcome(shop.ask(peer, {"FLQ1", "put", "", "queue=q", std::to_string(i)})) == "ok");
    CHECK(shop.server.queues()[0].counters.finished_total == 0); // nobody pulls yet
    net::Socket pull = *net::Socket::open(shop.context, net::SocketType::pull);
    REQUIRE(pull.connect(at));
    int next = 0;
    CHECK(shop.until([&] {
        while (auto received = pull.receive(0ms))
            CHECK((*received)[0] == ByteView{std::to_string(next++)});
        return next == 100;
    }));
    CHECK(shop.until([&] { return shop.server.queues()[0].counters.finished_total == 100; }));
}

TEST_CASE("server: a push door that nobody pulls from takes nothing, and wakes nobody",
          "[integration][queue]") {
    QueueServerOptions options;
    const net::Endpoint at = test::fresh_inproc();
    options.doors = {door(Door::Kind::push, "q", at)};
    Shop shop(std::move(options));
    REQUIRE(shop.server.declare("q", {}));
    const auto is_silent = [&] {
        pollfd wake{shop.server.fd(), POLLIN, 0};
        return ::poll(&wake, 1, 0) == 0 && !shop.server.has_input();
    };
    CHECK(shop.until(is_silent));
    {
        net::Socket peer = shop.raw(net::SocketType::req);
        REQUIRE(outcome(shop.ask(peer, {"FLQ1", "put", "", "queue=q", "one"})) == "ok");
    }
    CHECK(shop.until(is_silent));
    CHECK(shop.server.queues()[0].levels.ready == 1);
    CHECK(shop.server.queues()[0].levels.leased == 0);
    net::Socket pull = *net::Socket::open(shop.context, net::SocketType::pull);
    REQUIRE(pull.connect(at));
    int pulled = 0;
    CHECK(shop.until([&] {
        pulled += pull.receive(0ms) ? 1 : 0;
        return pulled == 1;
    }));
    CHECK(shop.until(is_silent)); // with a puller that waits, too
}

TEST_CASE("server: a consumer that does not read is sent no more than its backlog holds",
          "[integration][queue]") {
    QueueServerOptions options;
    options.backlog_bytes_max = 4 << 20;
    Shop shop(std::move(options));
    REQUIRE(shop.server.declare("q", {}));
    net::SocketOptions producing;
    net::Socket peer = shop.raw(net::SocketType::req, producing);
    const std::string body(64 << 10, 'x');
    for (int i = 0; i < 400; ++i)
        REQUIRE(outcome(shop.ask(peer, {"FLQ1", "put", "", "queue=q", body})) == "ok");
    net::SocketOptions small;
    small.receive_messages_max = 1;
    small.kernel_receive_bytes = 64 << 10;
    net::Socket slow = shop.raw(net::SocketType::dealer, small);
    CHECK(outcome(shop.ask(slow, {"FLQ1", "hello", "1", "queue=q\ncredit=1000"})) == "ok");
    for (int i = 0; i < 50; ++i)
        REQUIRE(shop.server.process(1ms));
    CHECK(shop.server.counters().peers_too_slow_total == 0);
    int read = 0;
    CHECK(shop.until([&] { // and it gets all of them, once it reads
        while (slow.receive(0ms))
            ++read;
        return read == 400;
    }));
}

TEST_CASE("server: who reads is told of all that ended at once, and stays a consumer",
          "[integration][queue]") {
    Shop shop;
    REQUIRE(shop.server.declare("q", {}));
    REQUIRE(shop.server.declare("other", {}));
    constexpr std::size_t messages = 20'000; // of one connection 25,000 are watched
    net::Socket peer = shop.raw();
    REQUIRE(outcome(shop.ask(peer, {"FLQ1", "hello", "h", "queue=other\ncredit=1"})) == "ok");
    PutWriter writer;
    for (std::size_t i = 0; i < messages; ++i) {
        writer.begin({}, 1);
        writer.add_frame("m");
    }
    wire::Compressor none{wire::Compression::none};
    const Frames stored = shop.ask(
        peer, {"FLQ1", "put", "p", "queue=q\npacked=yes\ntell=acked", writer.finish(none)});
    REQUIRE(outcome(stored) == "ok");
    CHECK(option(stored, "told").empty());

    net::Socket keeper = shop.raw(net::SocketType::req);
    REQUIRE(outcome(shop.ask(keeper, {"FLQ1", "purge", "", "queue=q"})) == "ok");
    std::size_t told = 0;
    CHECK(shop.until([&] {
        while (const auto received = peer.receive(0ms)) {
            CHECK(option(*received, "acked") == "no");
            CHECK(option(*received, "sequence").empty());
            ++told;
        }
        return told == messages;
    }));
    CHECK(shop.server.counters().peers_too_slow_total == 0);
    REQUIRE(outcome(shop.ask(keeper, {"FLQ1", "put", "", "queue=other", "x"})) == "ok");
    CHECK(outcome(shop.answer(peer)) == "deliver"); // its session is still there
}

TEST_CASE("server: a drain refuses puts, and ends when nothing is held", "[integration][queue]") {
    Shop shop;
    REQUIRE(shop.server.declare("q", {}));
    net::Socket peer = shop.raw(net::SocketType::req);
    REQUIRE(outcome(shop.ask(peer, {"FLQ1", "put", "", "queue=q", "x"})) == "ok");
    const Frames taken = shop.ask(peer, {"FLQ1", "take", "", "queue=q"});
    REQUIRE(outcome(taken) == "deliver");
    CHECK(*shop.server.drain(0ms) == false);
    CHECK(outcome(shop.ask(peer, {"FLQ1", "put", "", "queue=q", "y"})) == "error draining");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "ack", "", "lease=" + option(taken, "lease")})) == "ok");
    CHECK(*shop.server.drain(10s) == true);
}
