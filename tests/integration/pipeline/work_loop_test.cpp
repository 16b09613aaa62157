// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/curve.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/work_source.hpp>
#include <flotilla/pipeline/work_taker.hpp>

#include <poll.h>
#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <algorithm>
#include <optional>
#include <string>

using namespace flotilla;
using namespace flotilla::pipeline;

namespace {

WorkTaker taker_of(net::Context& context, const net::Endpoint& at, net::Security security = {}) {
    WorkTakerOptions options;
    options.sources = {at};
    options.limits.answer_max = 100ms;
    options.limits.reconnect_min = 1ms;
    options.limits.reconnect_max = 20ms;
    options.security = std::move(security);
    return *WorkTaker::open(context, std::move(options));
}

// Turns both until the taker has something, for at most `wait`.
Result<Work> take(WorkSource& source, WorkTaker& taker, Duration wait = 10s) {
    const Instant end = net::now() + wait;
    for (;;) {
        REQUIRE(source.process(1ms));
        auto work = taker.take(0ms);
        if (work || net::now() > end)
            return work;
    }
}

int poll_ms(Duration wait) {
    return static_cast<int>(std::min<std::int64_t>(
        std::chrono::ceil<std::chrono::milliseconds>(std::min<Duration>(wait, 1s)).count(), 1000));
}

} // namespace

TEST_CASE("work: both ends run in a foreign event loop", "[integration][work]") {
    net::Context context = *net::Context::open();
    WorkSource source = *WorkSource::open(context);
    const auto at = *source.bind(test::any_tcp());
    WorkTaker taker = taker_of(context, at);
    const int descriptor = taker.fd();
    constexpr int messages = 5'000;
    int submitted = 0;
    int taken = 0;
    const Instant end = net::now() + 30s;
    while (source.counters().finished_total < messages && net::now() < end) {
        for (int i = 0; i < 50 && submitted < messages; ++i, ++submitted)
            REQUIRE(source.submit(ByteView{std::to_string(submitted)}));
        do
            REQUIRE(source.process(0ms));
        while (source.has_input());
        do {
            REQUIRE(taker.process(0ms));
            while (auto work = taker.take(0ms)) {
                CHECK(work->body[0] == ByteView{std::to_string(taken++)});
                REQUIRE(taker.ack(*work));
            }
        } while (taker.has_input());
        if (submitted < messages)
            continue;
        pollfd ready[] = {{source.fd(), POLLIN, 0}, {taker.fd(), POLLIN, 0}};
        ::poll(ready, 2, poll_ms(std::min(source.wait_max(), taker.wait_max())));
    }
    CHECK(taken == messages);
    CHECK(source.counters().finished_total == messages);
    CHECK(taker.fd() == descriptor);
}

TEST_CASE("work: a source that restarts is found again, and its old leases are forgotten",
          "[integration][work]") {
    net::Context context = *net::Context::open();
    const test::ScratchFolder scratch;
    const net::Endpoint at = scratch.ipc("work");
    std::optional<WorkSource> source{*WorkSource::open(context)};
    REQUIRE(source->bind(at));
    WorkTaker taker = taker_of(context, at);
    REQUIRE(source->submit(ByteView{"before"}));
    const auto before = take(*source, taker);
    REQUIRE(before);
    source.reset();
    // libzmq frees the address in the background.
    source.emplace(*WorkSource::open(context));
    auto bound = source->bind(at);
    for (int i = 0; i < 1000 && !bound; ++i) {
        REQUIRE(taker.process(5ms));
        bound = source->bind(at);
    }
    REQUIRE(bound);
    REQUIRE(source->submit(ByteView{"after"}));
    const auto after = take(*source, taker);
    REQUIRE(after);
    CHECK(after->body[0] == ByteView{"after"});
    CHECK(after->lease.epoch != before->lease.epoch);
    CHECK(taker.ack(*before).error().code == Errc::lease_lost);
    REQUIRE(taker.ack(*after));
    CHECK(source->drain(10s)->complete());
}

TEST_CASE("work: under CURVE, who is on the list works and others do not", "[integration][work]") {
    net::Context context = *net::Context::open();
    const auto server = *net::generate_key_pair();
    const auto friendly = *net::generate_key_pair();
    const auto stranger = *net::generate_key_pair();
    net::AllowList allowed;
    REQUIRE(allowed.add(friendly.public_key));
    WorkSourceOptions options;
    options.security = net::CurveServer{server, allowed};
    WorkSource source = *WorkSource::open(context, options);
    const auto at = *source.bind(test::any_tcp());
    REQUIRE(source.submit(ByteView{"secret"}));
    WorkTaker denied = taker_of(context, at, net::CurveClient{stranger, server.public_key});
    CHECK_FALSE(take(source, denied, 300ms));
    CHECK(source.levels().sessions == 0);
    WorkTaker welcome = taker_of(context, at, net::CurveClient{friendly, server.public_key});
    const auto work = take(source, welcome);
    REQUIRE(work);
    CHECK(work->body[0] == ByteView{"secret"});
    REQUIRE(welcome.ack(*work));
    CHECK(source.drain(10s)->complete());
}
