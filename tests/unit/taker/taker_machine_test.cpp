// SPDX-License-Identifier: Apache-2.0
#include <flotilla/taker/taker_machine.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::taker;
namespace leased = flotilla::wire::leased;
using State = TakerMachine::State;

namespace {

constexpr std::uint64_t epoch = 77;

TakerLimits limits(std::uint32_t credit = 100) {
    TakerLimits limits;
    limits.worker = std::string{"w"}; // GCC 12 -O2 misreads an assignment
    limits.credit = credit;
    return limits;
}

struct Bench {
    TakerMachine machine;
    Instant now{};
    TakerOutputs out;

    explicit Bench(TakerLimits with = limits(), std::size_t sources = 1)
        : machine(std::move(with), sources, 1) {
        tick();
    }
    void tick() { machine.tick(now, out); }
    void pass(Duration time) {
        now += time;
        tick();
    }
    void hear(const leased::Event& event) { machine.receive(event, now, out); }
    void ok(std::uint64_t of_epoch = epoch) {
        hear(leased::Ok{leased::Terms{5, of_epoch, 1s, 30s, 1 << 20, 1000}, 0, 0});
    }
    bool deliver(std::uint64_t number, std::uint64_t of_epoch = epoch) {
        return machine.deliver({of_epoch, number}, leased::Redelivered::no, now);
    }
    Status ack(std::uint64_t number) { return machine.ack({epoch, number}, now, out); }
    // The verbs said since the last call, in order.
    std::vector<std::string> said() {
        std::vector<std::string> verbs;
        for (const auto& send : out.sends)
            verbs.emplace_back(leased::verb(send.command));
        out.sends.clear();
        return verbs;
    }
    template <class Command>
    Command last() const {
        REQUIRE_FALSE(out.sends.empty());
        return std::get<Command>(out.sends.back().command);
    }
};

using Verbs = std::vector<std::string>;

} // namespace

TEST_CASE("taker machine: it connects, says hello and is ready when answered", "[unit][work]") {
    Bench bench;
    CHECK(bench.out.connect == std::size_t{0});
    CHECK(bench.last<leased::Hello>() == leased::Hello{"w", "", 1, true, {}, 0, 100});
    CHECK(bench.machine.state() == State::greeting);
    bench.ok();
    CHECK(bench.machine.state() == State::ready);
    bench.out.clear();
    bench.pass(999ms);
    CHECK(bench.said().empty());
    bench.pass(1ms);
    CHECK(bench.last<leased::Ping>() == leased::Ping{100});
    bench.hear(leased::Pong{});
    CHECK(bench.machine.state() == State::ready);
    bench.hear(leased::Ping{});
    bench.out.sends.erase(bench.out.sends.begin());
    CHECK(bench.said() == Verbs{"pong"});
}

TEST_CASE("taker machine: a source that does not answer is left for the next, ever slower",
          "[unit][work]") {
    Bench bench(limits(), 3);
    std::vector<std::size_t> tried{*bench.out.connect};
    std::vector<Duration> pauses;
    for (int i = 0; i < 12; ++i) {
        bench.out.clear();
        bench.pass(bench.machine.next_deadline() - bench.now); // no answer
        CHECK(bench.machine.state() == State::closed);
        pauses.push_back(bench.machine.next_deadline() - bench.now);
        bench.pass(pauses.back());
        REQUIRE(bench.out.connect);
        tried.push_back(*bench.out.connect);
    }
    CHECK(tried[0] == 0);
    CHECK(tried[1] == 1);
    CHECK(tried[2] == 2);
    CHECK(tried[3] == 0);
    CHECK(pauses[0] <= 50ms * 5 / 4);
    CHECK(pauses[4] > pauses[0]);
    for (const Duration pause : pauses)
        CHECK(pause <= 5s * 5 / 4);
    // Success makes the next pause short again.
    bench.ok();
    bench.hear(leased::Bye{});
    CHECK(bench.machine.next_deadline() - bench.now <= 50ms * 5 / 4);
}

TEST_CASE("taker machine: acknowledgements gather, but never wait long", "[unit][work]") {
    Bench bench;
    bench.ok();
    bench.out.clear();
    for (std::uint64_t number = 1; number <= 60; ++number)
        CHECK(bench.deliver(number));
    for (std::uint64_t number = 1; number <= 24; ++number)
        REQUIRE(bench.ack(number));
    CHECK(bench.out.sends.empty());
    REQUIRE(bench.ack(25)); // a quarter of the window
    CHECK(bench.last<leased::Ack>().leases == leased::Leases{epoch, {{1, 25}}});
    bench.out.clear();
    REQUIRE(bench.ack(30));
    bench.pass(2ms);
    CHECK(bench.last<leased::Ack>().leases == leased::Leases{epoch, {{30, 1}}});
    bench.out.clear();
    REQUIRE(bench.ack(31));
    bench.machine.idle(bench.now, bench.out);
    CHECK(bench.said() == Verbs{"ack"});
    CHECK(bench.machine.held() == 33);
    CHECK(bench.ack(31).error().code == Errc::lease_lost);
    CHECK(bench.ack(1000).error().code == Errc::lease_lost);
}

TEST_CASE("taker machine: the last thing held is acknowledged at once", "[unit][work]") {
    Bench bench;
    bench.ok();
    bench.out.clear();
    CHECK(bench.deliver(8));
    REQUIRE(bench.ack(8));
    CHECK(bench.said() == Verbs{"ack"});
}

TEST_CASE("taker machine: what is held is touched every third of a lease", "[unit][work]") {
    Bench bench;
    bench.ok();
    for (const std::uint64_t number : {1U, 2U, 3U, 9U})
        CHECK(bench.deliver(number));
    bench.out.clear();
    bench.pass(10s);
    CHECK(std::get<leased::Touch>(bench.out.sends.front().command).leases ==
          leased::Leases{epoch, {{1, 3}, {9, 1}}});
    for (const std::uint64_t number : {1U, 2U, 3U, 9U})
        REQUIRE(bench.ack(number));
    bench.hear(leased::Pong{});
    bench.out.clear();
    bench.pass(10s);
    CHECK(bench.said() == Verbs{"ping"});
}

TEST_CASE("taker machine: a silent source is left, what is held comes along", "[unit][work]") {
    Bench bench;
    bench.ok();
    CHECK(bench.deliver(3));
    bench.pass(1s); // ping
    bench.pass(1s); // ping
    CHECK(bench.machine.state() == State::ready);
    bench.pass(1s); // two seconds without an answer to the first
    CHECK(bench.machine.state() == State::closed);
    REQUIRE(bench.ack(3)); // kept for later
    bench.out.clear();
    bench.pass(1s);
    CHECK(bench.out.connect);
    CHECK(bench.last<leased::Hello>().resume == 5);
    bench.out.clear();
    bench.ok();
    CHECK(bench.last<leased::Ack>().leases == leased::Leases{epoch, {{3, 1}}});
}

TEST_CASE("taker machine: a worker that was busy does not mistake itself for a silent source",
          "[unit][work]") {
    Bench bench;
    bench.ok();
    bench.pass(1s);   // ping
    bench.now += 20s; // the handler ran, nobody called tick; the pong came meanwhile
    bench.hear(leased::Pong{});
    bench.tick();
    CHECK(bench.machine.state() == State::ready);
}

TEST_CASE("taker machine: another epoch means that all is forgotten", "[unit][work]") {
    Bench bench;
    bench.ok();
    CHECK(bench.deliver(1));
    CHECK(bench.deliver(2));
    REQUIRE(bench.ack(1));
    bench.hear(leased::ErrorReply{leased::ErrorCode::no_session, "", 0, 0, 0});
    CHECK(bench.machine.state() == State::greeting);
    CHECK(bench.last<leased::Hello>().resume == 5);
    bench.out.clear();
    bench.ok(epoch + 1);
    CHECK(bench.said().empty());
    CHECK(bench.machine.held() == 0);
    CHECK(bench.machine.counters().stale_total == 2);
    CHECK(bench.ack(2).error().code == Errc::lease_lost);
    CHECK_FALSE(bench.deliver(3)); // of the old epoch
    CHECK(bench.deliver(1, epoch + 1));
}

TEST_CASE("taker machine: a doubled delivery is dropped, also after it was done", "[unit][work]") {
    Bench bench;
    bench.ok();
    CHECK(bench.deliver(10));
    CHECK_FALSE(bench.deliver(10));
    REQUIRE(bench.ack(10));
    CHECK_FALSE(bench.deliver(10));
    CHECK(bench.deliver(9)); // overtaken, not doubled
    CHECK(bench.machine.counters().duplicate_total == 2);
    CHECK(bench.deliver(10 + LeaseWindow::numbers));
    CHECK_FALSE(bench.deliver(8)); // too old to say
}

TEST_CASE("taker machine: a second connection is greeted with the old session", "[unit][work]") {
    Bench bench;
    bench.machine.connection_made(bench.now, bench.out); // the first: hello is under way
    CHECK(bench.out.sends.size() == 1);
    bench.ok();
    bench.out.clear();
    bench.machine.connection_made(bench.now, bench.out);
    CHECK(bench.last<leased::Hello>().resume == 5);
}

TEST_CASE("taker machine: news of the first connection may come after the answer to its hello",
          "[unit][work]") {
    Bench bench;
    bench.ok();
    bench.out.clear();
    bench.machine.connection_made(bench.now, bench.out);
    CHECK(bench.said().empty());
    bench.machine.connection_made(bench.now, bench.out);
    CHECK(bench.said() == Verbs{"hello"});
}

TEST_CASE("taker machine: a hello names what is held, and what comes before its answer is dropped",
          "[unit][work]") {
    Bench bench;
    CHECK_FALSE(bench.last<leased::Hello>().held);
    bench.ok();
    for (const std::uint64_t number : {1U, 2U, 3U, 5U})
        CHECK(bench.deliver(number));
    REQUIRE(bench.ack(2)); // waits for company
    REQUIRE(bench.machine.nack({epoch, 3}, 0ns, "", bench.now, bench.out));
    bench.machine.connection_made(bench.now, bench.out); // the first
    bench.machine.connection_made(bench.now, bench.out);
    CHECK(bench.last<leased::Hello>().held == leased::Held{epoch, {{1, 2}, {5, 5}}});
    bench.out.clear();
    CHECK_FALSE(bench.deliver(6)); // returned, for the hello did not name it
    bench.ok();
    CHECK(bench.deliver(7));
    CHECK(bench.said() == Verbs{"ack", "touch"});
    CHECK(bench.machine.held() == 3);
}

TEST_CASE("taker machine: busy and draining sources are left, lost leases counted",
          "[unit][work]") {
    for (const auto code : {leased::ErrorCode::busy, leased::ErrorCode::draining}) {
        Bench bench;
        bench.hear(leased::ErrorReply{code, "", 0, 0, 0});
        CHECK(bench.machine.state() == State::closed);
    }
    Bench bench;
    bench.ok();
    bench.hear(leased::ErrorReply{leased::ErrorCode::lease_lost, "", 0, 0, 3});
    CHECK(bench.machine.state() == State::ready);
    CHECK(bench.machine.counters().lease_lost_total == 3);
    bench.hear(leased::ErrorReply{leased::ErrorCode::unknown_code, "", 0, 0, 0});
    CHECK(bench.machine.state() == State::ready);
    CHECK(bench.machine.counters().refused_total == 2);
}

TEST_CASE("taker machine: who is no source is told of when none of them is one", "[unit][work]") {
    Bench bench(limits(), 2);
    const leased::ErrorReply stranger{leased::ErrorCode::wrong_peer, "this is a broker", 0, 0, 0};
    const auto next = [&] {
        bench.out.clear();
        bench.pass(bench.machine.next_deadline() - bench.now);
        REQUIRE(bench.machine.state() == State::greeting);
    };
    bench.hear(stranger);
    CHECK(bench.machine.state() == State::closed);
    CHECK_FALSE(bench.machine.refusal()); // the other one was not asked
    next();
    SECTION("the next is one") {
        bench.ok();
        CHECK(bench.machine.state() == State::ready);
        CHECK_FALSE(bench.machine.refusal());
    }
    SECTION("the next is silent, which says nothing") {
        bench.pass(bench.machine.next_deadline() - bench.now);
        next();
        bench.hear(stranger);
        CHECK_FALSE(bench.machine.refusal());
    }
    SECTION("the next is none either, until one is") {
        bench.hear(stranger);
        REQUIRE(bench.machine.refusal());
        CHECK(bench.machine.refusal()->text == "this is a broker");
        next();
        bench.ok();
        CHECK_FALSE(bench.machine.refusal());
    }
}

TEST_CASE("taker machine: stopping acknowledges what is done and gives back the rest",
          "[unit][work]") {
    Bench bench;
    bench.ok();
    CHECK(bench.deliver(1));
    CHECK(bench.deliver(2));
    REQUIRE(bench.ack(1));
    bench.out.clear();
    bench.machine.stop(bench.now, bench.out);
    CHECK(bench.said() == Verbs{"ack", "bye"});
    CHECK(bench.machine.next_deadline() == never);
    CHECK_FALSE(bench.deliver(3));
}

TEST_CASE("taker machine: a session that ends with its right is asked for again, and then refused",
          "[unit][work]") {
    Bench bench;
    bench.ok();
    bench.out.clear();
    const leased::ErrorReply no{leased::ErrorCode::not_allowed, "ask for a rule", 0, 0, 0};
    bench.hear(no);
    CHECK(bench.said() == Verbs{"hello"});
    CHECK(bench.machine.state() == State::greeting);
    bench.hear(no);
    CHECK(bench.machine.state() == State::closed);
    REQUIRE(bench.machine.refusal());
    CHECK(bench.machine.refusal()->text == "ask for a rule");
}
