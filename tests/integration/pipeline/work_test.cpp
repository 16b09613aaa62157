// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/socket.hpp>
#include <flotilla/pipeline/work_source.hpp>
#include <flotilla/pipeline/work_taker.hpp>

#include <support/catch.hpp>

#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::pipeline;

namespace {

net::Endpoint endpoint(const std::string& text) {
    return *net::Endpoint::parse(text);
}

// A source on a free port and workers of it, all moved on by one thread.
struct Floor {
    net::Context context = *net::Context::open();
    WorkSource source;
    net::Endpoint at;

    explicit Floor(WorkSourceOptions options = {}, const std::string& bind = "tcp://127.0.0.1:*")
        : source(*WorkSource::open(context, std::move(options))), at(*source.bind(endpoint(bind))) {
    }

    WorkTaker taker(TakerLimits limits = {}) {
        WorkTakerOptions options;
        options.sources = {at};
        options.limits = std::move(limits);
        return *WorkTaker::open(context, std::move(options));
    }
    // Turns the source until `done`, or for ten seconds.
    template <class Done>
    bool until(Done&& done, std::vector<WorkTaker*> takers = {}) {
        for (int i = 0; i < 2000; ++i) {
            for (WorkTaker* taker : takers)
                REQUIRE(taker->process(0ms));
            REQUIRE(source.process(5ms));
            if (done())
                return true;
        }
        return false;
    }
    Result<Work> take(WorkTaker& taker) {
        Result<Work> work = fail(Errc::would_block);
        until([&] { return (work = taker.take(0ms)).has_value(); });
        return work;
    }
};

WorkSourceOptions quick() {
    WorkSourceOptions options;
    options.limits.return_grace = 20ms;
    return options;
}

} // namespace

TEST_CASE("work: what is submitted arrives whole and is finished by its acknowledgement",
          "[integration][work]") {
    Floor floor;
    WorkTaker taker = floor.taker();
    wire::Frames many{"one", "", "three", "four", "five"};
    REQUIRE(floor.source.submit(many, {"the key"}));
    CHECK(many.empty());
    REQUIRE(floor.source.submit(ByteView{"single"}));
    auto first = floor.take(taker);
    REQUIRE(first);
    CHECK(first->body == wire::Frames{"one", "", "three", "four", "five"});
    CHECK(first->key == "the key");
    CHECK(first->id == WorkId{1});
    CHECK(first->attempt == 1);
    CHECK(first->redelivered == wire::leased::Redelivered::no);
    auto second = floor.take(taker);
    REQUIRE(second);
    CHECK(second->body == wire::Frames{"single"});
    CHECK(floor.source.levels().leased == 2);
    REQUIRE(taker.ack(*first));
    REQUIRE(taker.ack(*second));
    CHECK(taker.ack(*second).error().code == Errc::lease_lost);
    CHECK(floor.until([&] { return floor.source.levels().unfinished() == 0; }));
    CHECK(floor.source.counters().finished_total == 2);
    CHECK(floor.source.counters().redelivered_total == 0);
}

TEST_CASE("work: ten thousand messages over several transports, each to one of three workers",
          "[integration][work]") {
    const auto transport =
        GENERATE(as<std::string>{}, "tcp://127.0.0.1:*", "ipc://*", "inproc://work-floor");
    INFO(transport);
    constexpr std::size_t messages = 10'000;
    Floor floor({}, transport);
    std::vector<WorkTaker> takers;
    for (int i = 0; i < 3; ++i)
        takers.push_back(floor.taker());
    std::set<std::string> seen;
    std::array<std::size_t, 3> by_taker{};
    for (std::size_t sent = 0; seen.size() < messages;) {
        for (int i = 0; i < 100 && sent < messages; ++i, ++sent)
            REQUIRE(floor.source.submit(ByteView{"message " + std::to_string(sent)}));
        REQUIRE(floor.source.process(0ms));
        for (std::size_t i = 0; i < takers.size(); ++i)
            while (auto work = takers[i].take(0ms)) {
                CHECK(seen.insert(std::string(work->body[0].view())).second);
                ++by_taker[i];
                REQUIRE(takers[i].ack(*work));
            }
    }
    CHECK(floor.until([&] { return floor.source.levels().unfinished() == 0; }));
    CHECK(floor.source.counters().redelivered_total == 0);
    for (const std::size_t share : by_taker)
        CHECK(share > messages / 10);
    CHECK(floor.source.counters().packed_frames_total < messages / 2);
}

TEST_CASE("work: what a worker held that died goes to another, marked", "[integration][work]") {
    const auto transport = GENERATE(as<std::string>{}, "tcp://127.0.0.1:*", "ipc://*");
    Floor floor(quick(), transport);
    for (int i = 0; i < 10; ++i)
        REQUIRE(floor.source.submit(ByteView{std::to_string(i)}));
    {
        // A worker that takes and vanishes: not a WorkTaker, that would say bye.
        net::Socket dying = *net::Socket::open(floor.context, net::SocketType::dealer);
        REQUIRE(dying.connect(floor.at));
        wire::Frames hello{"FLQ1", "hello", "", "credit=10"};
        REQUIRE(dying.send(hello, 1s));
        CHECK(floor.until([&] { return floor.source.levels().leased == 10; }));
    }
    WorkTaker taker = floor.taker();
    for (int i = 0; i < 10; ++i) {
        auto work = floor.take(taker);
        REQUIRE(work);
        CHECK(work->body[0] == ByteView{std::to_string(i)}); // in the order of submission
        CHECK(work->redelivered == wire::leased::Redelivered::yes);
        CHECK(work->attempt == 2);
        REQUIRE(taker.ack(*work));
    }
    CHECK(floor.until([&] { return floor.source.levels().unfinished() == 0; }));
    CHECK(floor.source.counters().requeued_total == 10);
    CHECK(floor.source.counters().expired_total == 0);
}

TEST_CASE("work: a worker that stops gives back what it holds", "[integration][work]") {
    Floor floor;
    WorkTaker first = floor.taker();
    for (int i = 0; i < 5; ++i)
        REQUIRE(floor.source.submit(ByteView{std::to_string(i)}));
    auto done = floor.take(first);
    REQUIRE(done);
    REQUIRE(first.ack(*done));
    first.stop();
    CHECK(first.take(0ms).error().code == Errc::stopped);
    WorkTaker second = floor.taker();
    for (int i = 1; i < 5; ++i) {
        auto work = floor.take(second);
        REQUIRE(work);
        CHECK(work->body[0] == ByteView{std::to_string(i)});
        REQUIRE(second.ack(*work));
    }
    CHECK(floor.until([&] { return floor.source.levels().unfinished() == 0; }));
}

TEST_CASE("work: a refused message comes back, with its attempt counted, and is given up at last",
          "[integration][work]") {
    std::vector<Dead> dead;
    WorkSourceOptions options;
    options.limits.attempts_max = 3;
    options.on_dead = [&](Dead one) { dead.push_back(std::move(one)); };
    Floor floor(std::move(options));
    WorkTaker taker = floor.taker();
    REQUIRE(floor.source.submit(ByteView{"poison"}, {"key"}));
    for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
        auto work = floor.take(taker);
        REQUIRE(work);
        CHECK(work->attempt == attempt);
        REQUIRE(taker.nack(*work, 1ms, "cannot swallow it"));
    }
    CHECK(floor.until([&] { return !dead.empty(); }));
    CHECK(dead[0].id == WorkId{1});
    CHECK(dead[0].key == "key");
    CHECK(dead[0].body == wire::Frames{"poison"});
    CHECK(dead[0].attempts == 3);
    CHECK(dead[0].reason == DeadReason::nacked);
    CHECK(dead[0].text == "cannot swallow it");
    CHECK(floor.source.levels().unfinished() == 0);
}

TEST_CASE("work: leases that are over are given again, those that are renewed are not",
          "[integration][work]") {
    WorkSourceOptions options;
    options.limits.lease = 60ms;
    options.limits.heartbeat = 20ms;
    Floor floor(std::move(options));
    WorkTaker slow = floor.taker();
    REQUIRE(floor.source.submit(ByteView{"slow"}));
    auto work = floor.take(slow);
    REQUIRE(work);
    // Four leases long, renewed by process().
    for (int i = 0; i < 24; ++i) {
        REQUIRE(floor.source.process(10ms));
        REQUIRE(slow.process(0ms));
    }
    CHECK(slow.counters().delivered_total == 1);
    CHECK(floor.source.counters().expired_total == 0);
    // And then forgotten: nobody renews it.
    CHECK(floor.until([&] { return floor.source.counters().expired_total == 1; }));
    // Nobody is given it, as the worker says nothing; what that says about it at last still counts.
    CHECK(floor.source.levels().pending == 1);
    REQUIRE(slow.ack(*work));
    CHECK(floor.until([&] { return floor.source.levels().unfinished() == 0; }));
    CHECK(floor.source.counters().finished_total == 1);
    CHECK(floor.source.counters().late_total == 1);
}

TEST_CASE("work: room is felt at submit, and comes back with acknowledgements",
          "[integration][work]") {
    WorkSourceOptions options;
    options.limits.messages_max = 3;
    options.limits.message_bytes_max = 100;
    Floor floor(std::move(options));
    for (int i = 0; i < 3; ++i)
        REQUIRE(floor.source.submit(ByteView{"x"}));
    wire::Frames kept{"kept"};
    CHECK(floor.source.submit(kept).error().code == Errc::would_block);
    const auto refused = floor.source.submit(kept, {"", 5ms});
    CHECK(refused.error().code == Errc::timeout);
    CHECK(refused.error().detail.find("no room within 5ms: ") == 0);
    CHECK(kept == wire::Frames{"kept"});
    CHECK(floor.source.submit(ByteView{std::string(101, 'x')}).error().code == Errc::too_large);
    CHECK(floor.source.submit(ByteView{"x"}, {"line\nfeed"}).error().code == Errc::bad_option);
    CHECK(floor.source.submit(ByteView{"x"}, {std::string(256, 'k')}).error().code ==
          Errc::bad_option);
    wire::Frames none;
    CHECK(floor.source.submit(none).error().code == Errc::too_many);
    WorkTaker taker = floor.taker();
    auto work = floor.take(taker);
    REQUIRE(work);
    REQUIRE(taker.ack(*work));
    REQUIRE(taker.process(10ms));
    CHECK(floor.source.submit(kept, {"", 10s}));
}

TEST_CASE("work: draining accepts no more and waits for the last acknowledgement",
          "[integration][work]") {
    Floor floor;
    WorkTaker taker = floor.taker();
    REQUIRE(floor.source.submit(ByteView{"last"}));
    auto work = floor.take(taker);
    REQUIRE(work);
    auto report = floor.source.drain(5ms);
    REQUIRE(report);
    CHECK_FALSE(report->complete());
    CHECK(report->left.leased == 1);
    CHECK(floor.source.submit(ByteView{"more"}).error().code == Errc::refused);
    REQUIRE(taker.ack(*work));
    report = floor.source.drain(10s);
    REQUIRE(report);
    CHECK(report->complete());
}

TEST_CASE("work: a worker goes to the next source when its own goes", "[integration][work]") {
    Floor one;
    Floor two;
    WorkTakerOptions options;
    options.sources = {one.at, two.at};
    options.limits.answer_max = 50ms;
    options.limits.reconnect_min = 1ms;
    WorkTaker taker = *WorkTaker::open(one.context, options);
    CHECK(one.until([&] { return taker.is_ready(); }, {&taker}));
    CHECK(one.source.levels().sessions == 1);
    { WorkSource gone = std::move(one.source); }
    REQUIRE(two.source.submit(ByteView{"over here"}));
    auto work = two.take(taker);
    REQUIRE(work);
    CHECK(work->body[0] == ByteView{"over here"});
}

TEST_CASE("work: compressed deliveries arrive as they were", "[integration][work]") {
    for (const auto algorithm : {wire::Compression::lz4, wire::Compression::zstd}) {
        if (!wire::is_available(algorithm))
            continue;
        WorkSourceOptions options;
        options.compress = algorithm;
        Floor floor(std::move(options));
        TakerLimits limits;
        limits.compress = wire::leased::Compressions::available();
        WorkTaker taker = floor.taker(limits);
        const std::string body(2000, 'c');
        for (int i = 0; i < 20; ++i)
            REQUIRE(floor.source.submit(body));
        for (int i = 0; i < 20; ++i) {
            auto work = floor.take(taker);
            REQUIRE(work);
            CHECK(work->body[0] == ByteView{body});
            REQUIRE(taker.ack(*work));
        }
    }
}

TEST_CASE("work: run handles messages until it is told to stop", "[integration][work]") {
    Floor floor;
    WorkTaker taker = floor.taker();
    CHECK(floor.until([&] { return taker.is_ready(); }, {&taker}));
    for (int i = 0; i < 4; ++i)
        REQUIRE(floor.source.submit(ByteView{std::to_string(i)}));
    REQUIRE(floor.source.process(0ms));
    int handled = 0;
    REQUIRE(taker.run([&](Work& work) -> Status {
        if (++handled == 4)
            taker.stop_soon();
        if (work.body[0] == ByteView{"1"})
            return fail(Errc::io, "not today");
        if (work.body[0] == ByteView{"2"})
            throw std::runtime_error("nor today");
        return {};
    }));
    CHECK(handled == 4);
    CHECK(floor.until([&] { return floor.source.counters().finished_total == 2; }));
    CHECK(floor.source.counters().nacked_total == 2);
    CHECK(floor.source.levels().delayed == 2);
}

TEST_CASE("work: options out of range are refused by name", "[integration][work]") {
    net::Context context = *net::Context::open();
    const auto refused = [&](auto change) {
        WorkSourceOptions options;
        change(options);
        const auto opened = WorkSource::open(context, options);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == Errc::bad_option);
    };
    refused([](auto& o) { o.limits.messages_max = 0; });
    refused([](auto& o) { o.limits.bytes_max = 0; });
    refused([](auto& o) { o.limits.message_bytes_max = 0; });
    refused([](auto& o) { o.limits.sessions_max = 0; });
    refused([](auto& o) { o.limits.credit_max = 0; });
    refused([](auto& o) { o.limits.attempts_max = 0; });
    refused([](auto& o) { o.limits.lease = 1ms; });
    refused([](auto& o) { o.limits.heartbeat = 40s; });
    refused([](auto& o) { o.limits.return_grace = 2h; });
    refused([](auto& o) { o.pack_bytes = 1; });
    refused([](auto& o) { o.backlog_bytes_max = 1; });
    const auto taker_refused = [&](auto change) {
        WorkTakerOptions options;
        options.sources = {endpoint("tcp://127.0.0.1:5555")};
        change(options);
        const auto opened = WorkTaker::open(context, options);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == Errc::bad_option);
    };
    taker_refused([](auto& o) { o.sources.clear(); });
    taker_refused([](auto& o) { o.limits.credit = 0; });
    taker_refused([](auto& o) { o.limits.weight = 1001; });
    taker_refused([](auto& o) { o.limits.worker = "two\nlines"; });
    taker_refused([](auto& o) { o.limits.reconnect_max = 1ns; });
    taker_refused([](auto& o) { o.limits.ack_wait = 2s; });
    taker_refused([](auto& o) { o.message_bytes_max = 1; });
    WorkTakerOptions remote;
    remote.sources = {endpoint("tcp://192.0.2.1:5555")};
    CHECK(WorkTaker::open(context, remote).error().code == Errc::insecure);
}

TEST_CASE("work: a worker that every source refuses is told so, once", "[integration][work]") {
    Floor floor;
    WorkTakerOptions options;
    options.sources = {floor.at};
    options.limits.queue = "orders"; // which a source has not
    options.limits.reconnect_min = 1ms;
    options.limits.reconnect_max = 1ms;
    std::vector<std::string> told;
    options.on_refused = [&](const net::Endpoint& source, const wire::leased::ErrorReply& why) {
        CHECK(source == floor.at);
        told.push_back(why.text);
    };
    WorkTaker taker = *WorkTaker::open(floor.context, options);
    CHECK(floor.until([&] { return taker.counters().refused_total > 3; }, {&taker}));
    CHECK(told == std::vector<std::string>{
                      "a source has only the queue ''; queues with names are those of a store"});
}
