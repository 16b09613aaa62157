// SPDX-License-Identifier: Apache-2.0
//
// A broker, a store, Titanic and a worker, each a program, each killed at random moments: what was
// accepted is answered.
//
// FLOTILLA_TITANIC_KILL_ROUNDS is how often (default 6); FLOTILLA_TEST_SEED whom, and when.
#include <flotilla/base/random.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/client.hpp>

#include <process/store/store_program.hpp>
#include <support/seed.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

using namespace flotilla;
using namespace flotilla::test;

namespace {

constexpr std::uint32_t clients = 2;
constexpr std::uint32_t rounds_default = 6;
constexpr std::size_t accepted_max = 100'000;

std::uint64_t rounds() {
    const char* given = std::getenv("FLOTILLA_TITANIC_KILL_ROUNDS");
    return given ? std::stoull(given) : rounds_default;
}

// The programs, and how each is started.
class Fleet {
public:
    static constexpr std::size_t size = 4;
    Fleet() {
        for (std::size_t i = 0; i < size; ++i)
            all_.push_back(start(i));
    }
    void kill_and_start(std::size_t which) {
        all_[which].signal(9);
        REQUIRE(all_[which].wait_exit() == Exit::by(9));
        all_[which] = start(which);
    }
    net::Endpoint broker() const { return scratch_.ipc("broker"); }

private:
    Process start(std::size_t which) const {
        const std::string broker_at = broker().text();
        const std::string store_at = scratch_.ipc("store").text();
        const std::string zmq = FLOTILLA_ZMQ_PROGRAM;
        const std::vector<std::string> commands[size] = {
            {FLOTILLA_BROKER_PROGRAM, "--bind", broker_at, "--ready-json", "--heartbeat", "200ms"},
            {store_program, "--bind", store_at, "--data", scratch_.file("data"),
             "--write-ahead-bytes", "1MiB", "--ready-json"},
            {zmq, "titanic", "-q", "-b", broker_at, "-s", store_at, "--deadline", "2s", "--retry",
             "50ms", "--retry-max", "500ms"},
            {zmq, "serve", "echo", "--echo", "-q", "-b", broker_at}};
        Process process = Process::start(commands[which]);
        if (which < 2)
            REQUIRE(process.wait_line(Stream::output));
        return process;
    }

    ScratchFolder scratch_{};
    std::vector<Process> all_{};
};

class Ledger {
public:
    void accept(const std::string& id, std::string body) {
        const std::lock_guard lock(mutex_);
        accepted_.emplace(id, std::move(body));
    }
    std::map<std::string, std::string> accepted() const {
        const std::lock_guard lock(mutex_);
        return accepted_;
    }
    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return accepted_.size();
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, std::string> accepted_{};
};

request::Client client(net::Context& context, const net::Endpoint& broker) {
    request::ClientOptions options;
    options.brokers = {broker};
    options.deadline = 2s;
    return *request::Client::open(context, options);
}

// The reply's frames; none: nobody answered.
wire::Frames ask(request::Client& from, const std::string& service, wire::Frames body) {
    auto reply = from.call("titanic." + service, body);
    return reply ? std::move(reply->body) : wire::Frames{};
}

std::string status_of(const wire::Frames& reply) {
    return reply.empty() ? "" : std::string(reply[0].view().substr(0, 3));
}

void demand(const net::Endpoint& broker, std::uint32_t number, Ledger& ledger,
            const std::atomic<bool>& stop, std::atomic<std::uint64_t>& unknown) {
    net::Context context = *net::Context::open();
    request::Client from = client(context, broker);
    std::string last;
    for (std::uint64_t next = 0; !stop && ledger.size() < accepted_max; ++next) {
        const std::string body = std::to_string(number) + "/" + std::to_string(next);
        const wire::Frames reply = ask(from, "request", {"echo", ByteView{body}});
        if (reply.size() == 2 && status_of(reply) == "200") {
            last = std::string(reply[1].view());
            ledger.accept(last, body);
        }
        // What was accepted is known at every moment.
        if (!last.empty() && next % 8 == 0 &&
            status_of(ask(from, "reply", {ByteView{last}})) == "400")
            ++unknown;
    }
}

} // namespace

TEST_CASE("titanic: whichever program is killed, everything that was accepted is answered",
          "[process][titanic]") {
    const std::uint64_t seed = test::seed(9);
    INFO("FLOTILLA_TEST_SEED=" << seed);
    Random random(seed);
    Fleet fleet;
    Ledger ledger;
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> unknown{0};
    std::vector<std::thread> asking;
    for (std::uint32_t i = 0; i < clients; ++i)
        asking.emplace_back([&, i] { demand(fleet.broker(), i, ledger, stop, unknown); });

    const std::uint64_t kills = rounds();
    for (std::uint64_t round = 0; round < kills; ++round) {
        const std::size_t until = ledger.size() + 1 + random.below(200);
        const Instant end = net::now() + patience;
        while (ledger.size() < until && net::now() < end)
            std::this_thread::yield();
        CHECK(ledger.size() >= until); // it goes on after the last one
        // Each of them at least once, in the default number of rounds.
        fleet.kill_and_start(round < Fleet::size ? round : random.below(Fleet::size));
    }
    stop = true;
    for (std::thread& each : asking)
        each.join();

    net::Context context = *net::Context::open();
    request::Client from = client(context, fleet.broker());
    const auto accepted = ledger.accepted();
    std::cout << kills << " kills, " << accepted.size() << " accepted\n";
    const Instant end = net::now() + 2 * patience;
    std::size_t answered = 0;
    for (const auto& [id, body] : accepted) {
        wire::Frames reply;
        do
            reply = ask(from, "reply", {ByteView{id}});
        while ((reply.empty() || status_of(reply) == "300") && net::now() < end);
        const bool is_right = reply == wire::Frames{"200", ByteView{body}};
        answered += is_right ? 1 : 0;
        if (!is_right)
            UNSCOPED_INFO(id << ": "
                             << (reply.empty() ? "nobody answers" : std::string(reply[0].view())));
    }
    CHECK(answered == accepted.size());
    CHECK(unknown == 0);
    CHECK_FALSE(accepted.empty());
}
