// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/request/freelance_machine.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;

namespace {

FreelanceLimits limits_of(FreelanceMode mode) {
    FreelanceLimits limits;
    limits.mode = mode;
    limits.attempts_max = 4;
    limits.calls_max = 10;
    limits.calls_bytes_max = 1'000 + sizeof(Blob);
    return limits;
}

struct FreelanceBench {
    FreelanceMachine machine;
    Instant now{};
    FreelanceOutputs out;

    FreelanceBench(FreelanceMode mode, int servers) : machine(limits_of(mode)) {
        for (int i = 0; i < servers; ++i)
            REQUIRE(machine.add_server(name(i), now));
        machine.tick(now, out);
        out.clear();
    }
    static std::string name(int server) { return "tcp://server:" + std::to_string(server); }
    void pass(Duration time) {
        now += time;
        machine.tick(now, out);
    }
    void pong(int server) { machine.receive(name(server), wire::Frames{"PONG"}, now, out); }
    std::uint64_t call(Duration deadline = 1h) {
        wire::Frames body{"2+2"};
        const auto begun = machine.call(body, deadline, now, out);
        REQUIRE(begun);
        return *begun;
    }
    void answer(int server, std::uint64_t call) {
        machine.receive(name(server), wire::Frames{FreelanceMachine::control(call), "4"}, now, out);
    }
    // Whom the requests since the last call went to.
    std::vector<std::size_t> asked() {
        std::vector<std::size_t> servers;
        for (const auto& send : out.sends)
            if (send.call)
                servers.push_back(send.server);
        out.sends.clear();
        return servers;
    }
    const FreelanceCounters& counters() const { return machine.counters(); }
};

using Servers = std::vector<std::size_t>;

} // namespace

TEST_CASE("freelance machine: a server is used from its first pong until it is silent",
          "[unit][request]") {
    FreelanceBench bench(FreelanceMode::sticky, 1);
    const std::uint64_t early = bench.call();
    CHECK(bench.asked().empty());
    bench.pong(0);
    CHECK(bench.machine.servers_up() == 1);
    CHECK(bench.asked() == Servers{0});
    bench.answer(0, early);
    REQUIRE(bench.out.finished.size() == 1);
    CHECK(bench.out.finished[0].outcome->body == wire::Frames{"4"});
    CHECK(bench.out.finished[0].outcome->server == FreelanceBench::name(0));
    CHECK(bench.out.finished[0].outcome->attempts == 1);
    bench.out.clear();
    bench.pass(1s);
    REQUIRE(bench.out.sends.size() == 1);
    CHECK_FALSE(bench.out.sends[0].call);
    bench.pass(1999ms);
    CHECK(bench.machine.servers_up() == 1);
    bench.pass(1ms);
    CHECK(bench.machine.servers_up() == 0);
    CHECK(bench.counters().down_total == 1);
}

TEST_CASE("freelance machine: sticky asks one server while it answers", "[unit][request]") {
    FreelanceBench bench(FreelanceMode::sticky, 3);
    for (int server = 2; server >= 0; --server)
        bench.pong(server);
    const std::uint64_t first = bench.call();
    const std::uint64_t second = bench.call();
    CHECK(bench.asked() == Servers{0, 0});
    bench.answer(0, first);
    bench.answer(0, second);
    CHECK(bench.call() > second);
    CHECK(bench.asked() == Servers{0});
}

TEST_CASE("freelance machine: sticky goes on to the next when its server is gone",
          "[unit][request]") {
    FreelanceBench bench(FreelanceMode::sticky, 3);
    for (int server = 0; server < 3; ++server)
        bench.pong(server);
    (void)bench.call();
    (void)bench.call();
    (void)bench.asked();
    bench.machine.unreachable(0, bench.now, bench.out);
    CHECK(bench.asked() == Servers{1, 1});
    bench.machine.connection_lost(FreelanceBench::name(1), bench.now, bench.out);
    CHECK(bench.asked() == Servers{2, 2});
    CHECK(bench.counters().failovers_total == 2);
    CHECK(bench.counters().retries_total == 4);
    // It stays with the one it has.
    bench.pong(0);
    (void)bench.call();
    CHECK(bench.asked() == Servers{2});
}

TEST_CASE("freelance machine: sticky leaves a server that is up and does not answer a call",
          "[unit][request]") {
    FreelanceBench bench(FreelanceMode::sticky, 2);
    bench.pong(0);
    bench.pong(1);
    const std::uint64_t stuck = bench.call();
    (void)bench.call();
    (void)bench.asked();
    for (int i = 0; i < 5; ++i) {
        bench.pass(1s);
        bench.pong(0);
        bench.pong(1);
    }
    CHECK(bench.asked() == Servers{1, 1});
    CHECK(bench.counters().failovers_total == 1);
    // The late answer is as good; the other one is then dropped.
    bench.answer(0, stuck);
    CHECK(bench.out.finished.size() == 1);
    bench.answer(1, stuck);
    CHECK(bench.out.finished.size() == 1);
    CHECK(bench.counters().duplicates_total == 1);
}

TEST_CASE("freelance machine: first_answer asks everybody, and the first answer wins",
          "[unit][request]") {
    FreelanceBench bench(FreelanceMode::first_answer, 3);
    bench.pong(0);
    bench.pong(2);
    const std::uint64_t call = bench.call();
    CHECK(bench.asked() == Servers{0, 2});
    bench.pong(1); // comes later
    CHECK(bench.asked() == Servers{1});
    bench.answer(2, call);
    bench.answer(0, call);
    bench.answer(1, call);
    CHECK(bench.out.finished.size() == 1);
    CHECK(bench.counters().answered_total == 1);
    CHECK(bench.counters().duplicates_total == 2);
    CHECK(bench.counters().asked_total == 3);
}

TEST_CASE("freelance machine: first_answer asks a server again that went down and came back",
          "[unit][request]") {
    FreelanceBench bench(FreelanceMode::first_answer, 2);
    bench.pong(0);
    bench.pong(1);
    (void)bench.call();
    (void)bench.asked();
    bench.machine.unreachable(1, bench.now, bench.out);
    CHECK(bench.asked().empty()); // 0 still has it
    bench.pong(1);
    CHECK(bench.asked() == Servers{1});
    bench.machine.unreachable(0, bench.now, bench.out);
    bench.machine.unreachable(1, bench.now, bench.out);
    CHECK(bench.asked().empty());
    bench.pong(0);
    CHECK(bench.asked() == Servers{0});
    CHECK(bench.counters().retries_total == 1);
}

TEST_CASE("freelance machine: a call ends at its deadline, whoever was asked", "[unit][request]") {
    const FreelanceMode mode = GENERATE(FreelanceMode::sticky, FreelanceMode::first_answer);
    FreelanceBench bench(mode, 2);
    bench.pong(0);
    (void)bench.call(700ms);
    CHECK(bench.machine.next_deadline() == bench.now + 700ms);
    bench.pass(700ms);
    REQUIRE(bench.out.finished.size() == 1);
    CHECK(bench.out.finished[0].outcome.error().code == Errc::timeout);
    CHECK(bench.machine.under_way() == 0);
    CHECK(bench.counters().timeout_total == 1);
}

TEST_CASE("freelance machine: a call is given out attempts_max times, then it waits",
          "[unit][request]") {
    FreelanceBench bench(FreelanceMode::sticky, 1);
    const std::uint64_t call = bench.call();
    for (int i = 0; i < 100; ++i) {
        bench.pong(0);
        bench.machine.unreachable(0, bench.now, bench.out);
    }
    CHECK(bench.asked().size() == 4);
    bench.answer(0, call);
    CHECK(bench.out.finished.size() == 1);
}

TEST_CASE("freelance machine: count and bytes of what is under way are bounded",
          "[unit][request]") {
    FreelanceBench bench(FreelanceMode::sticky, 1);
    wire::Frames large{std::string(1'001, 'x')};
    CHECK(bench.machine.call(large, 1s, bench.now, bench.out).error().code == Errc::too_large);
    CHECK(large.bytes() == 1'001); // untouched
    std::vector<std::uint64_t> calls;
    for (int i = 0; i < 10; ++i)
        calls.push_back(bench.call());
    wire::Frames more{"x"};
    CHECK(bench.machine.call(more, 1s, bench.now, bench.out).error().code == Errc::too_many);
    REQUIRE(bench.machine.cancel(calls[3]));
    CHECK(bench.machine.cancel(calls[3]).error().code == Errc::not_found);
    CHECK(bench.machine.call(more, 1s, bench.now, bench.out));
}

TEST_CASE("freelance machine: servers come and go", "[unit][request]") {
    FreelanceBench bench(FreelanceMode::sticky, 2);
    bench.pong(0);
    bench.pong(1);
    const std::uint64_t call = bench.call();
    CHECK(bench.asked() == Servers{0});
    CHECK(bench.machine.add_server(FreelanceBench::name(1), bench.now).error().code ==
          Errc::exists);
    REQUIRE(bench.machine.remove_server(FreelanceBench::name(0), bench.now, bench.out));
    CHECK(bench.asked() == Servers{1});
    bench.answer(0, call); // nobody's any more
    CHECK(bench.out.finished.empty());
    CHECK(bench.counters().unexpected_total == 1);
    CHECK(bench.machine.remove_server(FreelanceBench::name(0), bench.now, bench.out).error().code ==
          Errc::not_found);
    // Its place is used again, with nothing of it left.
    CHECK(*bench.machine.add_server(FreelanceBench::name(7), bench.now) == 0);
    CHECK(bench.machine.servers_up() == 1);
    for (int i = 8; i < 70; ++i)
        REQUIRE(bench.machine.add_server(FreelanceBench::name(i), bench.now));
    CHECK(bench.machine.add_server("one more", bench.now).error().code == Errc::too_many);
}

TEST_CASE("freelance machine: what is no answer is counted and costs nothing", "[unit][request]") {
    FreelanceBench bench(FreelanceMode::sticky, 1);
    bench.pong(0);
    const std::uint64_t call = bench.call();
    const auto hear = [&](wire::Frames frames) {
        bench.machine.receive(FreelanceBench::name(0), std::move(frames), bench.now, bench.out);
    };
    hear({});
    hear({""});
    hear({"PONG", "x"});
    hear({FreelanceMachine::control(call)}); // no body
    hear({"123456789", "x"});
    hear({FreelanceMachine::control(call + 1), "x"}); // never asked
    CHECK(bench.counters().malformed_total == 6);
    CHECK(bench.out.finished.empty());
    bench.answer(0, call);
    CHECK(bench.out.finished.size() == 1);
}

TEST_CASE("freelance machine: whatever servers do, each call is finished once, and sums hold",
          "[unit][request]") {
    const std::uint64_t seed = test::seed(11);
    INFO("seed " << seed);
    Random random(seed);
    for (int round = 0; round < 200; ++round) {
        const auto mode = random.one_in(2) ? FreelanceMode::sticky : FreelanceMode::first_answer;
        FreelanceBench bench(mode, 3);
        std::set<std::uint64_t> open;
        std::vector<std::pair<std::size_t, std::uint64_t>> asked;
        for (int step = 0; step < 300; ++step) {
            const int server = static_cast<int>(random.below(3));
            switch (random.below(6)) {
            case 0:
                if (open.size() < 10)
                    open.insert(
                        bench.call(Duration{1ms} * static_cast<std::int64_t>(random.below(9'000))));
                break;
            case 1:
                bench.pong(server);
                break;
            case 2:
                bench.machine.unreachable(static_cast<std::size_t>(server), bench.now, bench.out);
                break;
            case 3:
                bench.pass(Duration{1ms} * static_cast<std::int64_t>(random.below(2'000)));
                break;
            default: // an answer, sometimes twice
                if (!asked.empty()) {
                    const auto [from, call] = asked[random.below(asked.size())];
                    bench.answer(static_cast<int>(from), call);
                }
            }
            for (const auto& send : bench.out.sends)
                if (send.call)
                    asked.emplace_back(send.server, *send.call);
            for (const auto& finished : bench.out.finished)
                REQUIRE(open.erase(finished.call) == 1);
            bench.out.clear();
            REQUIRE(bench.machine.under_way() == open.size());
        }
        bench.pass(1h);
        const FreelanceCounters& counters = bench.counters();
        CHECK(bench.machine.under_way() == 0);
        CHECK(counters.calls_total == counters.answered_total + counters.timeout_total);
    }
}
