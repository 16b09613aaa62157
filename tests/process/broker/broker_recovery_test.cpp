// SPDX-License-Identifier: Apache-2.0
// Processes that die under load: workers, and the broker itself.
#include "broker_program.hpp"

#include <flotilla/base/random.hpp>
#include <flotilla/request/async_client.hpp>

#include <support/seed.hpp>

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <set>

using namespace flotilla;
using namespace flotilla::test;
using request::Dialect;

namespace {

// A client of one dialect that asks `total` things, so many at once, and checks every answer.
class Load {
public:
    Load(net::Context& context, const net::Endpoint& broker, std::optional<Dialect> dialect,
         std::uint64_t total, std::uint32_t parallel)
        : client_([&] {
              request::ClientOptions options;
              options.brokers = {broker};
              options.dialect = dialect;
              options.deadline = 5min;
              options.attempt_max = 1s;
              options.broker_silence_max = 1s;
              options.attempts_max = 1'000;
              options.reconnect_min = 10ms;
              options.reconnect_max = 200ms;
              options.connections_max = parallel;
              auto client = request::AsyncClient::open(context, std::move(options));
              REQUIRE(client);
              return std::move(*client);
          }()),
          total_(total), parallel_(parallel) {}

    // A turn: asks what there is room for, and takes what has come.
    void turn() {
        while (asked_ < total_ && client_.under_way() < parallel_)
            ask(asked_++);
        REQUIRE(client_.process(5ms));
    }
    std::uint64_t answered() const { return answered_; }
    bool done() const { return answered_ + failures_.size() == total_; }
    const std::vector<std::string>& failures() const { return failures_; }
    std::size_t workers_seen() const { return workers_.size(); }

private:
    void ask(std::uint64_t number) {
        const std::string text = "request " + std::to_string(number);
        wire::Frames body{ByteView{text}};
        const auto accepted = client_.call(
            "echo", body, {}, [this, text](request::CallId, Result<request::Reply> reply) {
                if (!reply)
                    failures_.push_back(text + ": " + to_string(reply.error()));
                else if (reply->body.size() != 2 || reply->body[0] != ByteView{text})
                    failures_.push_back(text + ": another answer");
                else
                    workers_.insert(std::string(reply->body[1].view()));
                answered_ += reply && failures_.empty() ? 1 : 0;
            });
        REQUIRE(accepted);
    }

    request::AsyncClient client_;
    std::uint64_t total_;
    std::uint32_t parallel_;
    std::uint64_t asked_ = 0;
    std::uint64_t answered_ = 0;
    std::vector<std::string> failures_;
    std::set<std::string> workers_;
};

Process start_worker(const net::Endpoint& broker, const std::string& dialect = {}) {
    std::vector<std::string> command{FLOTILLA_ECHO_WORKER, broker.text(), "echo"};
    if (!dialect.empty())
        command.push_back(dialect);
    Process worker = Process::start(command);
    REQUIRE(worker.wait_line(Stream::output, "ready"));
    return worker;
}

// Runs every load to its end; `disturb` is called each time another `every` requests are answered.
void run(std::vector<std::unique_ptr<Load>>& loads, std::uint64_t every,
         const std::function<void()>& disturb) {
    const Instant deadline = deadline_after(net::now(), 4min);
    std::uint64_t next = every;
    while (true) {
        std::uint64_t answered = 0;
        bool done = true;
        for (const auto& load : loads) {
            load->turn();
            answered += load->answered();
            done = done && load->done();
        }
        if (done)
            break;
        REQUIRE(net::now() < deadline);
        if (answered >= next) {
            next += every;
            disturb();
        }
    }
    for (const auto& load : loads) {
        for (const std::string& failure : load->failures())
            FAIL_CHECK(failure);
        CHECK(load->workers_seen() > 1);
    }
}

std::vector<std::unique_ptr<Load>> make_loads(net::Context& context, const net::Endpoint& broker,
                                              std::uint64_t total) {
    std::vector<std::unique_ptr<Load>> loads;
    loads.push_back(std::make_unique<Load>(context, broker, std::nullopt, total, 64));
    loads.push_back(std::make_unique<Load>(context, broker, Dialect::mdp_02, total / 2, 8));
    loads.push_back(std::make_unique<Load>(context, broker, Dialect::mdp_01, total / 2, 8));
    return loads;
}

const std::vector<std::string> dialects{"", "mdp-0.2", "mdp-0.1"};

} // namespace

TEST_CASE("flotilla-broker: workers killed under load, every request of every client is answered",
          "[process][broker]") {
    const std::uint64_t used = seed(7);
    INFO("FLOTILLA_TEST_SEED=" << used);
    Random random(used);
    Daemon daemon = start_broker_anywhere({"--requeue", "--attempts-max", "1000", "--heartbeat",
                                           "250ms", "--prefetch", "4", "--log-level", "error"});
    const net::Endpoint broker = daemon.endpoints[0];
    std::vector<Process> workers;
    for (const std::string& dialect : dialects)
        for (int i = 0; i < 2; ++i)
            workers.push_back(start_worker(broker, dialect));
    auto context = net::Context::open();
    auto loads = make_loads(*context, broker, 4'000);
    int killed = 0;
    run(loads, 400, [&] {
        const std::size_t victim = random.below(workers.size());
        workers[victim].signal(SIGKILL);
        CHECK(workers[victim].wait_exit() == Exit::by(SIGKILL));
        workers[victim] = start_worker(broker, dialects[random.below(dialects.size())]);
        ++killed;
    });
    CHECK(killed > 5);
    for (Process& worker : workers) {
        worker.signal(SIGTERM);
        CHECK(worker.wait_exit() == Exit::with(0));
    }
    daemon.process.signal(SIGTERM);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
}

TEST_CASE("flotilla-broker: killed and started again under load, clients and workers come back",
          "[process][broker]") {
    const std::vector<std::string> settings{"--requeue", "--attempts-max", "1000", "--heartbeat",
                                            "250ms",     "--log-level",    "error"};
    const auto start = [&settings](const std::string& bind) {
        std::vector<std::string> arguments = settings;
        arguments.insert(arguments.end(), {"--bind", bind});
        return start_broker(std::move(arguments));
    };
    std::optional<Daemon> daemon = start("tcp://127.0.0.1:*");
    const net::Endpoint broker = daemon->endpoints[0];
    std::vector<Process> workers;
    for (const std::string& dialect : dialects)
        workers.push_back(start_worker(broker, dialect));
    auto context = net::Context::open();
    auto loads = make_loads(*context, broker, 3'000);
    int restarts = 0;
    run(loads, 1'000, [&] {
        daemon->process.signal(SIGKILL);
        CHECK(daemon->process.wait_exit() == Exit::by(SIGKILL));
        daemon.emplace(start(broker.text()));
        ++restarts;
    });
    CHECK(restarts > 2);
    daemon->process.signal(SIGTERM);
    CHECK(daemon->process.wait_exit() == Exit::with(0));
}
