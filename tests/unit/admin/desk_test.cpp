// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <admin/desk.hpp>
#include <poll.h>
#include <support/catch.hpp>
#include <support/fake_administered.hpp>

#include <future>
#include <optional>
#include <vector>

using namespace flotilla;
using namespace flotilla::admin;
using flotilla::admin::test::FakeAdministered;

namespace {

bool has_input(const Desk& desk, int wait_ms) {
    pollfd item{desk.fd(), POLLIN, 0};
    return ::poll(&item, 1, wait_ms) == 1;
}

// A daemon that answers orders later, or never.
class Slow final : public Administered {
public:
    Snapshot snapshot(const Wanted&) const override { return {}; }
    void obey(const Order&, std::function<void(Answer)> answered) override {
        kept.push_back(std::move(answered));
    }
    std::vector<std::function<void(Answer)>> kept{};
};

// A daemon whose snapshot takes a while, by the clock of the desk.
class Costly final : public Administered {
public:
    explicit Costly(Duration cost) : cost_(cost) {}
    Snapshot snapshot(const Wanted&) const override {
        const Instant until = net::now() + cost_;
        while (net::now() < until) {
        }
        return {};
    }
    void obey(const Order&, std::function<void(Answer)> answered) override { answered({}); }

private:
    Duration cost_;
};

// Somebody asks and is answered.
void serve_one(Desk& desk, Administered& daemon) {
    auto asked = std::async(std::launch::async, [&] { return desk.ask(Wanted{}, 30s); });
    REQUIRE(has_input(desk, 30'000));
    desk.work(daemon);
    REQUIRE(asked.get());
}

} // namespace

TEST_CASE("desk: who asks is answered when the loop works", "[unit][admin]") {
    const auto desk = *Desk::open();
    desk->begin();
    CHECK_FALSE(has_input(*desk, 0));
    auto asked = std::async(std::launch::async, [&] { return desk->ask(Wanted{}, 30s); });
    REQUIRE(has_input(*desk, 30'000));
    FakeAdministered store(3);
    desk->work(store);
    const auto snapshot = asked.get();
    REQUIRE(snapshot);
    CHECK(snapshot->objects.at(0).rows.size() == 3);
    CHECK_FALSE(has_input(*desk, 0));
}

TEST_CASE("desk: before the loop begins nobody waits for it", "[unit][admin]") {
    const auto desk = *Desk::open();
    CHECK(desk->ask(Wanted{}, 30s).error().code == Errc::no_peer);
    CHECK(desk->ask(Order{}, 30s).error().code == Errc::no_peer);
    CHECK_FALSE(has_input(*desk, 0));
}

TEST_CASE("desk: a loop that does not turn costs the asker its wait and no more", "[unit][admin]") {
    const auto desk = *Desk::open();
    desk->begin();
    CHECK(desk->ask(Wanted{}, 1ms).error().code == Errc::timeout);
    FakeAdministered store(1);
    desk->work(store); // finds nobody
    CHECK(desk->ask(Order{}, 1ms).error().code == Errc::timeout);
}

TEST_CASE("desk: an answer that comes too late is dropped, even when the desk is gone",
          "[unit][admin]") {
    Slow slow;
    {
        const auto desk = *Desk::open();
        desk->begin();
        // On a busy machine it may have given up before it is heard.
        for (Duration wait = 50ms; slow.kept.empty(); wait *= 2) {
            auto asked = std::async(std::launch::async, [&] { return desk->ask(Order{}, wait); });
            REQUIRE(has_input(*desk, 30'000));
            desk->work(slow);
            CHECK(asked.get().error().code == Errc::timeout);
        }
        slow.kept.front()(Answer{});
        slow.kept.push_back(slow.kept.front());
    }
    slow.kept.back()(Answer{});
}

TEST_CASE("desk: an order may be answered in a later turn", "[unit][admin]") {
    Slow slow;
    const auto desk = *Desk::open();
    desk->begin();
    auto asked = std::async(std::launch::async, [&] { return desk->ask(Order{}, 30s); });
    while (slow.kept.empty())
        desk->work(slow);
    slow.kept.front()(Answer{204, "later"});
    CHECK(asked.get()->json == "later");
}

TEST_CASE("desk: beyond its bound askers are refused at once", "[unit][admin]") {
    const auto desk = *Desk::open();
    desk->begin();
    std::vector<std::future<Result<Answer>>> asked;
    for (std::size_t i = 0; i < Desk::waiting_max; ++i)
        asked.push_back(std::async(std::launch::async, [&] { return desk->ask(Order{}, 60s); }));
    Slow slow;
    while (slow.kept.size() < Desk::waiting_max)
        desk->work(slow); // taken, and still waited for
    CHECK(desk->ask(Order{}, 60s).error().code == Errc::too_many);
    desk->close();
    for (auto& each : asked)
        CHECK(each.get().error().code == Errc::stopped);
    CHECK(desk->ask(Wanted{}, 60s).error().code == Errc::stopped);
}

TEST_CASE("desk: whoever asks again and again takes a tenth of the loop's time at most",
          "[unit][admin]") {
    const auto desk = *Desk::open();
    desk->begin();
    const Instant begin = net::now();
    auto asked = std::async(std::launch::async, [&] {
        int answered = 0;
        for (int i = 0; i < 6; ++i)
            answered += desk->ask(Wanted{}, 30s) ? 1 : 0;
        return answered;
    });
    Costly daemon(2ms);
    while (asked.wait_for(std::chrono::seconds{0}) != std::future_status::ready)
        if (has_input(*desk, 10))
            desk->work(daemon);
    CHECK(asked.get() == 6);
    CHECK(net::now() - begin >= 5 * 9 * 2ms); // rests between them
}

TEST_CASE("desk: who gives up during a rest of the loop neither wakes it nor ends the rest",
          "[unit][admin]") {
    const auto desk = *Desk::open();
    desk->begin();
    Costly daemon(200ms); // its rest is as long as rests get
    serve_one(*desk, daemon);
    CHECK(desk->ask(Wanted{}, 1ms).error().code == Errc::timeout);
    CHECK_FALSE(has_input(*desk, 0));
    desk->work(daemon); // finds nobody, and took no time
    CHECK(desk->ask(Wanted{}, 1ms).error().code == Errc::timeout);
    CHECK_FALSE(has_input(*desk, 0));
}

TEST_CASE("desk: however long a turn took, the rest after it ends within its bound",
          "[unit][admin]") {
    const auto desk = *Desk::open();
    desk->begin();
    Costly daemon(400ms); // nine times this is more than anybody waits
    serve_one(*desk, daemon);
    auto asked =
        std::async(std::launch::async, [&] { return desk->ask(Wanted{}, 3 * Desk::rest_max); });
    REQUIRE(has_input(*desk, 30'000));
    desk->work(daemon);
    CHECK(asked.get());
}
