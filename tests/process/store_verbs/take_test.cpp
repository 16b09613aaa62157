// SPDX-License-Identifier: Apache-2.0
// zmq queue take when it does not end as planned: readers that go away, signals, kill -9. What was
// printed, or whose command ended with 0, is gone from the queue; everything else is in it.
#include <flotilla/net/system.hpp>

#include <process/store_verbs/store_shop.hpp>
#include <support/gate.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

struct TakeShop : StoreShop {
    // A queue with lines "1" to "count" in it.
    void fill(int count) const {
        REQUIRE(queue({"create", "q", "attempts_max=100"}).exit == Exit::with(0));
        std::string lines;
        for (int i = 1; i <= count; ++i)
            lines += std::to_string(i) + "\n";
        REQUIRE(queue({"put", "q"}, lines).exit == Exit::with(0));
    }
    nlohmann::json stat() const {
        return nlohmann::json::parse(queue({"stat", "q", "--json"}).output);
    }
    // Waits until nothing is leased any more; how many are ready.
    std::uint64_t ready_at_rest() const {
        const Instant deadline = deadline_after(net::now(), patience);
        for (;;) {
            const auto said = stat();
            if (said.at("leased") == 0)
                return said.at("ready");
            REQUIRE(net::now() < deadline);
        }
    }
};

// Waits until a file that commands write a line each to has that many.
std::size_t lines_of(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    std::size_t count = 0;
    while (std::getline(in, line))
        ++count;
    return count;
}
void wait_lines(const std::string& file, std::size_t wanted) {
    const Instant deadline = deadline_after(net::now(), patience);
    while (lines_of(file) < wanted)
        REQUIRE(net::now() < deadline);
}

// Not one that has ended and that nobody has asked about.
bool is_running(const std::string& pid) {
    std::ifstream in("/proc/" + pid + "/stat");
    std::string word;
    return in >> word >> word >> word && word != "Z";
}

// A command that says that it began, waits to be let go, and says that it is done.
struct Work {
    explicit Work(const ScratchFolder& scratch)
        : began(scratch.file("began")), done(scratch.file("done")), gate(scratch) {
        std::filesystem::create_directory(scratch.file("pids"));
        pids = scratch.file("pids");
    }
    std::vector<std::string> command() const {
        return {"--", "sh", "-c",
                "echo $$ > \"" + pids + "/$$\"; echo x >> \"" + began + "\"; " + gate.wait() +
                    "; echo x >> \"" + done + "\""};
    }
    void let_go() { gate.open(); }
    std::size_t alive() const {
        std::size_t count = 0;
        for (const auto& each : std::filesystem::directory_iterator(pids))
            count += is_running(each.path().filename().string()) ? 1 : 0;
        return count;
    }

    std::string began;
    std::string done;
    flotilla::test::Gate gate;
    std::string pids{};
};

// Of a hundred messages eight are with commands, which wait until they are let go.
Process eight_at_work(const TakeShop& shop, const Work& work) {
    shop.fill(100);
    auto words = shop.words({"take", "q", "--follow", "-j", "8"});
    const auto command = work.command();
    words.insert(words.end(), command.begin(), command.end());
    Process take = start_zmq(words);
    wait_lines(work.began, 8);
    return take;
}

} // namespace

TEST_CASE("queue take: what a reader that went away did not get stays in the queue",
          "[process][store]") {
    const TakeShop shop;
    constexpr std::uint64_t all = 60'000; // several times what a pipe holds
    shop.fill(all);
    const Completed run = run_program(
        {"bash", "-c", R"("$0" queue take q --all --store "$1" | head -1; exit ${PIPESTATUS[0]})",
         FLOTILLA_ZMQ_PROGRAM, shop.store.endpoints[0]});
    CHECK(run.exit == Exit::with(5));
    CHECK(run.output == "1\n");
    CHECK(has(run.error, "not printed, and not acknowledged"));
    // A pipe holds 64 KiB, and so much may be on its way: 30,000 lines at most.
    const std::uint64_t left = shop.ready_at_rest();
    CHECK(left > all / 2);
    const Completed rest = shop.queue({"take", "q", "--all"});
    CHECK(rest.exit == Exit::with(0));
    CHECK(std::uint64_t(std::count(rest.output.begin(), rest.output.end(), '\n')) == left);
    // Nothing is missing between the two.
    CHECK(rest.output.substr(0, rest.output.find('\n')) == std::to_string(all - left + 1));
}

TEST_CASE("queue take: killed, it has acknowledged nothing that it had not printed",
          "[process][store]") {
    const TakeShop shop;
    constexpr std::uint64_t all = 60'000;
    shop.fill(all);
    Process take = start_zmq(shop.words({"take", "q", "--follow"}));
    REQUIRE(take.wait_line(Stream::output, "2000"));
    take.signal(SIGKILL);
    REQUIRE(take.wait_exit() == Exit::by(SIGKILL));
    const std::string& printed = take.text(Stream::output);
    const auto lines = std::uint64_t(std::count(printed.begin(), printed.end(), '\n'));
    CHECK(lines + shop.ready_at_rest() >= all); // more: printed, and not acknowledged yet
}

TEST_CASE("queue take: after a signal commands end, and what they answer is settled",
          "[process][store]") {
    for (const int signal : {SIGINT, SIGTERM}) {
        const TakeShop shop;
        Work work(shop.scratch);
        Process take = eight_at_work(shop, work);
        take.signal(signal);
        REQUIRE(take.wait_line(Stream::error, "another signal ends them at once"));
        work.let_go();
        CHECK(take.wait_exit() == Exit::with(128 + signal));
        INFO(take.text(Stream::error));
        CHECK(has(take.text(Stream::error), "8 done, 0 given back"));
        CHECK_FALSE(has(take.text(Stream::error), "not settled"));
        CHECK(lines_of(work.done) == 8);
        CHECK(shop.ready_at_rest() == 92);
    }
}

TEST_CASE("queue take: after a second signal, or killed, no command runs on, and all is given back",
          "[process][store]") {
    for (const int last : {SIGINT, SIGKILL}) {
        const TakeShop shop;
        Work work(shop.scratch);
        Process take = eight_at_work(shop, work);
        if (last == SIGINT) {
            take.signal(SIGINT);
            REQUIRE(take.wait_line(Stream::error, "another signal ends them at once"));
        }
        take.signal(last);
        CHECK(take.wait_exit() == (last == SIGINT ? Exit::with(130) : Exit::by(SIGKILL)));
        const Instant deadline = deadline_after(net::now(), patience);
        while (work.alive() > 0)
            REQUIRE(net::now() < deadline);
        CHECK(shop.ready_at_rest() == 100);
        CHECK(lines_of(work.began) == 8);
        CHECK(lines_of(work.done) == 0);
    }
}
