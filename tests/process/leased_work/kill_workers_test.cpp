// SPDX-License-Identifier: Apache-2.0
//
// Four worker processes, one of which is killed again and again while it holds work.
//
// FLOTILLA_WORK_MESSAGES and FLOTILLA_WORK_KILL_MS make it the long run: so many messages, and a
// kill every so many milliseconds. Without them a kill comes with every so many finished messages,
// so that the test does as much on a slow machine.
#include <flotilla/net/system.hpp>
#include <flotilla/pipeline/work_source.hpp>
#include <flotilla/wire/pack.hpp>

#include <support/catch.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::pipeline;

namespace {

constexpr std::size_t workers = 4;

std::uint64_t setting(const char* name, std::uint64_t fallback) {
    const char* given = std::getenv(name);
    return given ? std::stoull(given) : fallback;
}

struct Tally {
    std::uint64_t records = 0;
    std::uint64_t missing = 0;
    std::uint64_t unmarked_repeats = 0; // given as new more than once
};

// What the workers' logs say about messages 0 to `messages` - 1.
Tally tally(const std::vector<std::string>& logs, std::uint64_t messages) {
    Tally found;
    std::vector<std::uint8_t> seen(messages), as_new(messages);
    for (const std::string& path : logs) {
        std::ifstream file(path, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        REQUIRE(bytes.size() % 9 == 0);
        for (std::size_t at = 0; at < bytes.size(); at += 9) {
            const std::uint64_t message = wire::load_u64(bytes.data() + at);
            REQUIRE(message < messages);
            seen[message] = 1;
            if (bytes[at + 8] == 0 && as_new[message]++ > 0)
                ++found.unmarked_repeats;
            ++found.records;
        }
    }
    for (const std::uint8_t each : seen)
        found.missing += each == 0 ? 1 : 0;
    return found;
}

} // namespace

TEST_CASE("work: workers killed with work in hand lose nothing, and repeats are marked",
          "[process][work]") {
    const std::uint64_t messages = setting("FLOTILLA_WORK_MESSAGES", 100'000);
    const Duration kill_every = std::chrono::milliseconds{setting("FLOTILLA_WORK_KILL_MS", 0)};
    const std::uint64_t kill_each = messages / 10;
    const test::ScratchFolder scratch;
    net::Context context = *net::Context::open();
    WorkSourceOptions options;
    options.limits.return_grace = 20ms;
    WorkSource source = *WorkSource::open(context, options);
    const std::string at = source.bind(*net::Endpoint::parse("tcp://127.0.0.1:*"))->text();

    std::vector<std::string> logs;
    std::vector<test::Process> running;
    const auto start = [&] {
        logs.push_back(scratch.file("log-" + std::to_string(logs.size())));
        return test::Process::start({FLOTILLA_WORK_LOG_WORKER, at, logs.back()});
    };
    for (std::size_t i = 0; i < workers; ++i)
        running.push_back(start());

    std::uint64_t kills = 0;
    const Instant began = net::now();
    Instant next_kill_at = began + kill_every;
    const auto maybe_kill = [&] {
        const bool due = kill_every > Duration::zero()
                             ? net::now() >= next_kill_at
                             : source.counters().finished_total >= (kills + 1) * kill_each;
        if (!due)
            return;
        next_kill_at += kill_every;
        test::Process& victim = running[kills++ % workers];
        victim.signal(SIGKILL);
        REQUIRE(victim.wait_exit() == test::Exit::by(SIGKILL));
        victim = start();
    };

    char body[8];
    for (std::uint64_t i = 0; i < messages; ++i) {
        wire::store_u64(body, i);
        REQUIRE(source.submit(ByteView{body, 8}, {{}, 60s}));
        if (i % 1000 == 0)
            maybe_kill();
    }
    const Instant end = net::now() + 120s;
    while (source.levels().unfinished() > 0 && net::now() < end) {
        REQUIRE(source.process(20ms));
        maybe_kill();
    }
    const Duration took = net::now() - began;
    const auto counters = source.counters();
    for (test::Process& each : running)
        each.signal(SIGKILL);
    running.clear();

    const Tally found = tally(logs, messages);
    std::cout << messages << " messages, " << kills << " kills, "
              << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms, "
              << counters.redelivered_total << " redelivered, " << counters.late_total << " late, "
              << found.records - (messages - found.missing) << " worked on more than once\n";
    CHECK(source.levels().unfinished() == 0);
    CHECK(counters.finished_total == messages);
    CHECK(counters.dead_total == 0);
    CHECK(found.missing == 0);
    CHECK(found.unmarked_repeats == 0);
    CHECK(kills >= 1);
    // Work was in hand when they died, and every repeat in the logs was a redelivery.
    CHECK(counters.requeued_total > 0);
    CHECK(found.records - messages <= counters.redelivered_total);
}
