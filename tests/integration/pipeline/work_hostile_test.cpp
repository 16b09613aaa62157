// SPDX-License-Identifier: Apache-2.0
//
// Peers that are wrong, greedy, slow or dishonest: each costs itself, and a good worker beside it
// notices nothing.
#include <flotilla/net/socket.hpp>
#include <flotilla/pipeline/work_source.hpp>
#include <flotilla/pipeline/work_taker.hpp>
#include <flotilla/wire/leased.hpp>
#include <flotilla/wire/leased_pack.hpp>
#include <flotilla/wire/option_text.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <optional>
#include <string>

using namespace flotilla;
using namespace flotilla::pipeline;
namespace leased = flotilla::wire::leased;
using wire::Frames;

namespace {

struct Shop {
    net::Context context = *net::Context::open();
    WorkSource source;
    net::Endpoint at;

    explicit Shop(WorkSourceOptions options = {})
        : source(*WorkSource::open(context, std::move(options))),
          at(*source.bind(test::any_tcp())) {}

    net::Socket raw(net::SocketType type = net::SocketType::dealer,
                    net::SocketOptions options = {}) {
        net::Socket socket = *net::Socket::open(context, type, std::move(options));
        REQUIRE(socket.connect(at));
        return socket;
    }
    // What the source answers to `message`, as its frames.
    Frames ask(net::Socket& socket, Frames message) {
        REQUIRE(socket.send(message, 5s));
        return answer(socket);
    }
    Frames answer(net::Socket& socket) {
        for (int i = 0; i < 2000; ++i) {
            REQUIRE(source.process(5ms));
            if (auto received = socket.receive(0ms))
                return std::move(*received);
        }
        FAIL("the source does not answer");
        return {};
    }
    template <class Done>
    bool until(Done&& done) {
        for (int i = 0; i < 2000 && !done(); ++i)
            REQUIRE(source.process(5ms));
        return done();
    }
    // A good worker still gets its work.
    void check_good_worker() {
        WorkTakerOptions options;
        options.sources = {at};
        WorkTaker taker = *WorkTaker::open(context, options);
        const std::uint64_t before = source.counters().finished_total;
        REQUIRE(source.submit(ByteView{"honest work"}));
        CHECK(until([&] {
            if (auto work = taker.take(0ms))
                REQUIRE(taker.ack(*work));
            return source.counters().finished_total > before;
        }));
    }
};

std::string option(const Frames& answer, std::string_view name) {
    const std::size_t at = answer[0].empty() ? 4 : 3;
    wire::OptionTextReader reader(answer[at].view());
    return std::string(reader.text(name, 4096));
}
std::string verb(const Frames& answer) {
    return std::string(answer[answer[0].empty() ? 2 : 1].view());
}
// "error lease_lost"
std::string outcome(const Frames& answer) {
    const std::string said = verb(answer);
    return said == "error" ? said + " " + option(answer, "code") : said;
}

} // namespace

TEST_CASE("work: a plain REQ takes and acknowledges", "[integration][work]") {
    Shop shop;
    net::Socket worker = shop.raw(net::SocketType::req);
    CHECK(outcome(shop.ask(worker, {"FLQ1", "take", "c1"})) == "empty");
    REQUIRE(shop.source.submit(ByteView{"body"}, {"k"}));
    const Frames delivered = shop.ask(worker, {"FLQ1", "take", "c2", "wait_ms=5000"});
    REQUIRE(verb(delivered) == "deliver");
    CHECK(delivered[2] == ByteView{"c2"});
    CHECK(delivered.back() == ByteView{"body"});
    CHECK(option(delivered, "redelivered") == "no");
    CHECK(option(delivered, "key") == "k");
    const std::string lease = "lease=" + option(delivered, "lease");
    CHECK(outcome(shop.ask(worker, {"FLQ1", "touch", "", lease})) == "ok");
    const Frames acked = shop.ask(worker, {"FLQ1", "ack", "c3", lease});
    CHECK(outcome(acked) == "ok");
    CHECK(option(acked, "done") == "1");
    CHECK(outcome(shop.ask(worker, {"FLQ1", "ack", "", lease})) == "error lease_lost");
    CHECK(shop.source.counters().finished_total == 1);
}

TEST_CASE("work: a take that waits is answered when something comes", "[integration][work]") {
    Shop shop;
    net::Socket worker = shop.raw();
    Frames take{"FLQ1", "take", "t", "wait_ms=60000"};
    REQUIRE(worker.send(take, 1s));
    CHECK(shop.until([&] { return shop.source.levels().sessions == 1; }));
    CHECK(outcome(shop.ask(worker, {"FLQ1", "take", "t2"})) == "error too_many");
    REQUIRE(shop.source.submit(ByteView{"late"}));
    const Frames delivered = shop.answer(worker);
    CHECK(verb(delivered) == "deliver");
    CHECK(delivered[2] == ByteView{"t"});
    // One message was asked for.
    REQUIRE(shop.source.submit(ByteView{"another"}));
    REQUIRE(shop.source.process(10ms));
    CHECK_FALSE(worker.receive(0ms));
    CHECK(shop.source.levels().pending == 1);
}

TEST_CASE("work: what is not the protocol is answered with what is wrong", "[integration][work]") {
    Shop shop;
    net::Socket peer = shop.raw();
    const auto said = [&](Frames message) { return outcome(shop.ask(peer, std::move(message))); };
    CHECK(said({"GET / HTTP/1.1"}) == "error malformed");
    CHECK(said({""}) == "error malformed");
    CHECK(said({std::string(1000, '\xff'), "x", "y"}) == "error malformed");
    CHECK(said({"FLQ9", "take"}) == "error unsupported");
    CHECK(said({"FLQ1", "steal"}) == "error unsupported");
    CHECK(said({"FLQ1", "deliver"}) == "error unsupported");
    CHECK(said({"FLQ1", "hello", "", "weight=many"}) == "error bad_option");
    CHECK(said({"FLQ1", "hello", "", "queue=orders"}) == "error bad_option");
    CHECK(said({"FLQ1", "ack", "", "", "short"}) == "error malformed");
    CHECK(said({"FLQ1", "take", std::string(65, 'c')}) == "error too_large");
    CHECK(said({"FLQ1", "take", "", std::string(4097, 'o')}) == "error too_large");
    Frames long_one{"FLQ1", "take", "", ""};
    for (int i = 0; i < 500; ++i)
        long_one.add(ByteView{"more"});
    CHECK(said(std::move(long_one)) == "error malformed");
    Frames heavy_one{"FLQ1", "ack", "heavy", ""}; // each frame within its limit, not all of them
    for (int i = 0; i < 6; ++i)
        heavy_one.add(std::string(60'000, 'l'));
    const Frames refused = shop.ask(peer, std::move(heavy_one));
    CHECK(outcome(refused) == "error too_large");
    CHECK(refused[2] == ByteView{"heavy"});
    CHECK(shop.source.counters().malformed_total + shop.source.counters().refused_total == 13);
    shop.check_good_worker();
}

TEST_CASE("work: a REQ that sends garbage is answered, or it could never ask again",
          "[integration][work]") {
    Shop shop;
    net::Socket peer = shop.raw(net::SocketType::req);
    CHECK(outcome(shop.ask(peer, {"hello?"})) == "error malformed");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "take"})) == "empty");
}

TEST_CASE("work: what needs a session says so", "[integration][work]") {
    Shop shop;
    net::Socket peer = shop.raw();
    CHECK(outcome(shop.ask(peer, {"FLQ1", "credit", "", "credit=5"})) == "error no_session");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "ping"})) == "error no_session");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "hello"})) == "ok");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "ping"})) == "pong");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "bye", "b"})) == "ok");
    CHECK(outcome(shop.ask(peer, {"FLQ1", "ping"})) == "error no_session");
}

TEST_CASE("work: windows are cut to the source's limit, absurd ones refused",
          "[integration][work]") {
    WorkSourceOptions options;
    options.limits.credit_max = 3;
    Shop shop(std::move(options));
    for (int i = 0; i < 10; ++i)
        REQUIRE(shop.source.submit(ByteView{"x"}));
    net::Socket greedy = shop.raw();
    CHECK(outcome(shop.ask(greedy, {"FLQ1", "hello"})) == "ok");
    CHECK(outcome(shop.ask(greedy, {"FLQ1", "credit", "", "credit=4294967296"})) ==
          "error bad_option");
    CHECK(outcome(shop.ask(greedy, {"FLQ1", "credit", "c", "credit=1000000"})) == "ok");
    CHECK(shop.until([&] { return shop.source.levels().leased == 3; }));
    REQUIRE(shop.source.process(10ms));
    CHECK(shop.source.levels().leased == 3);
}

TEST_CASE("work: nobody can acknowledge what another holds", "[integration][work]") {
    Shop shop;
    net::Socket owner = shop.raw();
    net::Socket thief = shop.raw();
    REQUIRE(shop.source.submit(ByteView{"mine"}));
    const Frames delivered = shop.ask(owner, {"FLQ1", "take"});
    const std::string token = option(delivered, "lease");
    const std::string lease = "lease=" + token;
    for (const char* verb_of : {"ack", "nack", "touch"})
        CHECK(outcome(shop.ask(thief, {"FLQ1", verb_of, "x", lease})) == "error lease_lost");
    // A range around it, a million numbers wide, and one that never was.
    const leased::LeaseToken real = *leased::parse_token(token);
    const std::string wide = leased::pack_leases({real.epoch, {{0, 1'000'000}}});
    CHECK(option(shop.ask(thief, {"FLQ1", "ack", "", "", wide}), "lost") == "1000000");
    const std::string wider = leased::pack_leases({real.epoch, {{0, 4'000'000'000}}});
    CHECK(outcome(shop.ask(thief, {"FLQ1", "ack", "", "", wider})) == "error too_many");
    const std::string stale = "lease=" + leased::to_text({real.epoch + 1, real.number});
    CHECK(outcome(shop.ask(owner, {"FLQ1", "ack", "", stale})) == "error lease_lost");
    CHECK(shop.source.levels().leased == 1);
    // The owner's own wide range finishes what is its own, and is told of the rest.
    const Frames swept = shop.ask(owner, {"FLQ1", "ack", "", "", wide});
    CHECK(option(swept, "done") == "1");
    CHECK(option(swept, "lost") == "999999");
    CHECK(shop.source.counters().finished_total == 1);
}

TEST_CASE("work: a frame beyond the limit costs its sender the connection", "[integration][work]") {
    Shop shop;
    net::Socket peer = shop.raw();
    CHECK(outcome(shop.ask(peer, {"FLQ1", "hello", "", "credit=1"})) == "ok");
    REQUIRE(shop.source.submit(ByteView{"x"}));
    CHECK(verb(shop.answer(peer)) == "deliver");
    Frames huge{"FLQ1", "ack", "", "", std::string(100'000, 'x')};
    REQUIRE(peer.send(huge, 1s));
    CHECK(shop.until([&] { return shop.source.levels().leased == 0; }));
    CHECK(shop.source.counters().malformed_total == 0);
    CHECK(shop.source.counters().requeued_total == 1);
    shop.check_good_worker();
}

TEST_CASE("work: a worker that does not read loses its session, not the others their work",
          "[integration][work]") {
    WorkSourceOptions options;
    options.backlog_bytes_max = 64 << 10;
    options.limits.bytes_max = 512 << 20;
    Shop shop(std::move(options));
    net::SocketOptions deaf_options;
    deaf_options.receive_messages_max = 1;
    deaf_options.kernel_receive_bytes = 4096;
    net::Socket deaf = shop.raw(net::SocketType::dealer, deaf_options);
    CHECK(outcome(shop.ask(deaf, {"FLQ1", "hello", "", "credit=1000000"})) == "ok");
    const std::string body(20'000, 'x');
    std::uint64_t submitted = 0;
    // It takes what the send queue and the kernel hold; then the backlog; then no more.
    while (shop.source.counters().sessions_dropped_total == 0 && submitted < 20'000) {
        REQUIRE(shop.source.submit(body));
        ++submitted;
        if (submitted % 100 == 0)
            REQUIRE(shop.source.process(0ms));
    }
    CHECK(shop.source.counters().sessions_dropped_total == 1);
    CHECK(shop.source.counters().backlogged_total > 0);
    CHECK(shop.source.levels().leased == 0);
    CHECK(shop.source.levels().pending == submitted);
    WorkTakerOptions good_options;
    good_options.sources = {shop.at};
    WorkTaker good = *WorkTaker::open(shop.context, good_options);
    CHECK(shop.until([&] {
        while (auto work = good.take(0ms))
            REQUIRE(good.ack(*work));
        return shop.source.levels().unfinished() == 0;
    }));
}

TEST_CASE("work: the table of sessions is bounded, and idle takers make room",
          "[integration][work]") {
    WorkSourceOptions options;
    options.limits.sessions_max = 2;
    Shop shop(std::move(options));
    net::Socket one = shop.raw();
    net::Socket two = shop.raw();
    net::Socket three = shop.raw();
    net::Socket four = shop.raw();
    CHECK(outcome(shop.ask(one, {"FLQ1", "hello"})) == "ok");
    CHECK(outcome(shop.ask(two, {"FLQ1", "take"})) == "empty");
    CHECK(outcome(shop.ask(three, {"FLQ1", "hello"})) == "ok"); // the idle taker made room
    CHECK(outcome(shop.ask(four, {"FLQ1", "hello"})) == "error busy");
    CHECK(outcome(shop.ask(four, {"FLQ1", "take"})) == "error busy");
    CHECK(shop.source.levels().sessions == 2);
    CHECK(outcome(shop.ask(one, {"FLQ1", "bye", "b"})) == "ok");
    CHECK(outcome(shop.ask(four, {"FLQ1", "hello"})) == "ok");
}

TEST_CASE("work: a hello with an old session moves what it holds to the new connection",
          "[integration][work]") {
    Shop shop;
    std::string session;
    std::string lease;
    REQUIRE(shop.source.submit(ByteView{"held"}));
    net::Socket before = shop.raw();
    session = option(shop.ask(before, {"FLQ1", "hello", "", "credit=1"}), "session");
    lease = option(shop.answer(before), "lease");
    net::Socket after = shop.raw();
    const Frames resumed = shop.ask(after, {"FLQ1", "hello", "", "resume=" + session});
    CHECK(option(resumed, "session") == session);
    CHECK(outcome(shop.ask(before, {"FLQ1", "ack", "x", "lease=" + lease})) == "error lease_lost");
    CHECK(outcome(shop.ask(after, {"FLQ1", "ack", "x", "lease=" + lease})) == "ok");
    CHECK(shop.source.counters().finished_total == 1);
    CHECK(shop.source.counters().delivered_total == 1);
}

TEST_CASE("work: what a hello with an old session does not name is delivered again at once",
          "[integration][work]") {
    Shop shop;
    for (const ByteView body : {"one", "two", "three"})
        REQUIRE(shop.source.submit(body));
    net::Socket before = shop.raw();
    const Frames terms = shop.ask(before, {"FLQ1", "hello", "", "credit=2"});
    const std::string first = option(shop.answer(before), "lease");
    net::Socket after = shop.raw(); // the second delivery was never read
    shop.ask(after, {"FLQ1", "hello", "",
                     "credit=2\nresume=" + option(terms, "session") + "\nheld=" +
                         option(terms, "epoch") + "," + first.substr(first.find('-') + 1)});
    const Frames again = shop.answer(after);
    CHECK(again[again.size() - 1].view() == "two");
    CHECK(option(again, "redelivered") == "yes");
    CHECK(outcome(shop.ask(after, {"FLQ1", "ack", "x", "lease=" + first})) == "ok");
    CHECK(shop.source.counters().requeued_total == 1);
}

TEST_CASE("work: a taker drops a source's garbage and goes on", "[integration][work]") {
    net::Context context = *net::Context::open();
    net::Socket router = *net::Socket::open(context, net::SocketType::router);
    WorkTakerOptions options;
    options.sources = {*router.bind(test::any_tcp())};
    WorkTaker taker = *WorkTaker::open(context, options);
    auto hello = router.receive(5s);
    REQUIRE(hello);
    const std::string id{(*hello)[0].view()};
    const auto tell = [&](std::initializer_list<ByteView> frames) {
        Frames message{id};
        for (const ByteView frame : frames)
            message.add(frame);
        REQUIRE(router.send(message, 5s));
    };
    tell({"what?"});
    tell({"FLQ1", "sing"});
    tell({"FLQ1", "ok", "", "session=1\nepoch=7\nheartbeat_ms=1000\nlease_ms=30000"});
    tell({"FLQ1", "deliver", "", "packed=yes", "not packed at all"});
    tell({"FLQ1", "deliver", "", "lease=0000000000000008-1\nid=1\nredelivered=no", "of no epoch"});
    for (int twice = 0; twice < 2; ++twice)
        tell({"FLQ1", "deliver", "", "lease=0000000000000007-1\nid=1\nredelivered=no", "good"});
    auto work = taker.take(5s);
    REQUIRE(work);
    CHECK(work->body == Frames{"good"});
    CHECK(taker.take(50ms).error().code == Errc::timeout);
    const TakerCounters counters = taker.counters();
    CHECK(counters.malformed_total == 3);
    CHECK(counters.stale_total == 1);
    CHECK(counters.duplicate_total == 1);
}
