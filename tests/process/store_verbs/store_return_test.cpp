// SPDX-License-Identifier: Apache-2.0
// zmq queue take while its store is killed, stopped or silent, and comes back.
#include <flotilla/net/system.hpp>

#include <process/cli/zmq_program.hpp>
#include <process/store/store_program.hpp>
#include <support/gate.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>
#include <sstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

// A store that comes back where it was.
struct ReturningShop {
    ScratchFolder scratch{};
    std::string endpoint = "ipc://" + scratch.file("store");
    Store store = start();

    Store start() const {
        return start_store(
            {"--bind", endpoint, "--data", scratch.file("data"), "--write-ahead-bytes", "1MiB"});
    }
    std::vector<std::string> words(std::vector<std::string> words) const {
        words.insert(words.begin(), "queue");
        words.insert(words.begin() + 2, {"--store", endpoint});
        return words;
    }
    Completed queue(std::vector<std::string> given, std::string_view input = {}) const {
        return run_zmq(words(std::move(given)), input);
    }
    void create() const {
        REQUIRE(queue({"create", "q", "attempts_max=100"}).exit == Exit::with(0));
    }
    void put(const std::string& lines) const {
        REQUIRE(queue({"put", "q"}, lines).exit == Exit::with(0));
    }
    void end(int signal) {
        store.process.signal(signal);
        REQUIRE(store.process.wait_exit());
    }
    std::uint64_t left() const {
        const auto said = nlohmann::json::parse(queue({"stat", "q", "--json"}).output);
        return said.at("ready").get<std::uint64_t>() + said.at("leased").get<std::uint64_t>();
    }
    // Until all is settled.
    void wait_empty() const {
        const Instant deadline = deadline_after(net::now(), patience);
        while (left() > 0)
            REQUIRE(net::now() < deadline);
    }
};

std::string numbers(int count) {
    std::string lines;
    for (int i = 1; i <= count; ++i)
        lines += std::to_string(i) + "\n";
    return lines;
}

std::size_t count_of(const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
        ++count;
    return count;
}

} // namespace

TEST_CASE("queue take: with --follow it goes on with a store that was killed, stopped or silent",
          "[process][store]") {
    ReturningShop shop;
    shop.create();
    shop.put("before\n");
    Process take = start_zmq(shop.words({"take", "q", "--follow", "-t", "1s"}));
    REQUIRE(take.wait_line(Stream::output, "before"));
    shop.wait_empty();
    for (const int signal : {SIGKILL, SIGTERM}) {
        shop.end(signal);
        REQUIRE(take.wait_line(Stream::error, "lost the store at "));
        shop.store = shop.start();
        REQUIRE(take.wait_line(Stream::error, "is back"));
        shop.put("after " + std::to_string(signal) + "\n");
        REQUIRE(take.wait_line(Stream::output, "after " + std::to_string(signal)));
        shop.wait_empty();
    }
    // Silent for longer than -t while it is asked, and there all the time: the take, stopped
    // while the lines are put, holds no more than its credit, and has the rest to ask for.
    take.signal(SIGSTOP);
    shop.put(numbers(30'000));
    shop.store.process.signal(SIGSTOP);
    take.signal(SIGCONT);
    REQUIRE(take.wait_line(Stream::error, "lost the store at "));
    shop.store.process.signal(SIGCONT);
    REQUIRE(take.wait_line(Stream::error, "is back"));
    shop.put("last\n");
    REQUIRE(take.wait_line(Stream::output, "last"));
    take.signal(SIGINT);
    CHECK(take.wait_exit() == Exit::with(130));
    INFO(take.text(Stream::error));
    CHECK(count_of(take.text(Stream::error), "lost the store at ") == 3);
    CHECK(count_of(take.text(Stream::error), "is back") == 3);
    CHECK(take.text(Stream::output).rfind("before\nafter 9\nafter 15\n1\n2\n", 0) == 0);
}

TEST_CASE("queue take: what a killed store had not settled comes again, and nothing is missing",
          "[process][store]") {
    ReturningShop shop;
    shop.create();
    constexpr int all = 30'000;
    shop.put(numbers(all));
    Process take = start_zmq(shop.words({"take", "q", "--all", "--format", "json"}));
    REQUIRE(take.wait_line(Stream::output, "\"2000\""));
    shop.end(SIGKILL);
    shop.store = shop.start();
    CHECK(take.wait_exit() == Exit::with(0));
    INFO(take.text(Stream::error));
    std::istringstream printed(take.text(Stream::output));
    std::set<std::string> bodies;
    for (std::string line; std::getline(printed, line);) {
        const auto said = nlohmann::json::parse(line);
        if (!bodies.insert(said.at("frames")[0]).second)
            CHECK(said.at("meta").at("redelivered") != "no");
    }
    CHECK(bodies.size() == all);
    CHECK(shop.left() == 0);
}

TEST_CASE("queue take: with --follow a store that is not up yet is waited for",
          "[process][store]") {
    ReturningShop shop;
    shop.create();
    shop.end(SIGTERM);
    Process take = start_zmq(shop.words({"take", "q", "--follow", "-t", "300ms"}));
    Process runs =
        start_zmq(shop.words({"take", "q", "--follow", "-t", "300ms", "-j", "2", "--", "cat"}));
    for (Process* each : {&take, &runs})
        REQUIRE(each->wait_line(Stream::error, "it is waited for"));
    shop.store = shop.start();
    shop.put("one\n");
    shop.wait_empty();
    shop.end(SIGTERM);
    for (Process* each : {&take, &runs}) {
        each->signal(SIGINT);
        CHECK(each->wait_exit() == Exit::with(130));
        const std::string said = each->text(Stream::error);
        INFO(said);
        CHECK(said.find("it is waited for") == said.rfind("it is waited for"));
    }
    CHECK(has(take.text(Stream::output) + runs.text(Stream::output), "one"));
}

TEST_CASE("queue take: without --follow a store that stays away ends it after the timeout",
          "[process][store]") {
    ReturningShop shop;
    shop.create();
    Process take = start_zmq(shop.words({"take", "q", "-n", "2", "-w", "10m", "-t", "3s"}));
    shop.put("one\n");
    REQUIRE(take.wait_line(Stream::output, "one"));
    shop.end(SIGKILL);
    CHECK(take.wait_exit() == Exit::with(3));
    INFO(take.text(Stream::error));
    CHECK(has(take.text(Stream::error), "no store answers at " + shop.endpoint));
}

TEST_CASE("queue take: a command whose store was killed is not counted as done, and runs again",
          "[process][store]") {
    ReturningShop shop;
    shop.create();
    shop.put("only\n");
    flotilla::test::Gate gate(shop.scratch);
    auto words = shop.words({"take", "q", "--follow"});
    words.insert(words.end(),
                 {"--", "sh", "-c", "echo began $FLOTILLA_REDELIVERED >&2; " + gate.wait()});
    Process take = start_zmq(words);
    REQUIRE(take.wait_line(Stream::error, "began no"));
    shop.end(SIGKILL);
    shop.store = shop.start();
    gate.open();
    REQUIRE(take.wait_line(Stream::error, "its lease is no more"));
    REQUIRE(take.wait_line(Stream::error, "began "));
    shop.wait_empty();
    take.signal(SIGINT);
    CHECK(take.wait_exit() == Exit::with(130));
    INFO(take.text(Stream::error));
    CHECK(has(take.text(Stream::error),
              "1 done, 0 given back to be tried again, 0 given back as failed, 1 not"));
}
