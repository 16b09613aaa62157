// SPDX-License-Identifier: Apache-2.0
// Load on real brokers: clients of every dialect that check each answer, and workers to restart.
#pragma once

#include "broker_program.hpp"

#include <flotilla/request/async_client.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace flotilla::test {

using request::Dialect;

// A client of one dialect that asks `total` things, so many at once, and checks every answer.
class Load {
public:
    Load(net::Context& context, const std::vector<net::Endpoint>& brokers,
         std::optional<Dialect> dialect, std::uint64_t total, std::uint32_t parallel)
        : client_([&] {
              request::ClientOptions options;
              options.brokers = brokers;
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

inline Process start_worker(const net::Endpoint& broker, const std::string& dialect = {}) {
    std::vector<std::string> command{FLOTILLA_ECHO_WORKER, broker.text(), "echo"};
    if (!dialect.empty())
        command.push_back(dialect);
    Process worker = Process::start(command);
    REQUIRE(worker.wait_line(Stream::output, "ready"));
    return worker;
}

// Runs every load to its end; `disturb` is called each time another `every` requests are answered.
inline void run(std::vector<std::unique_ptr<Load>>& loads, std::uint64_t every,
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

inline std::vector<std::unique_ptr<Load>>
make_loads(net::Context& context, const std::vector<net::Endpoint>& brokers, std::uint64_t total) {
    std::vector<std::unique_ptr<Load>> loads;
    loads.push_back(std::make_unique<Load>(context, brokers, std::nullopt, total, 64));
    loads.push_back(std::make_unique<Load>(context, brokers, Dialect::mdp_02, total / 2, 8));
    loads.push_back(std::make_unique<Load>(context, brokers, Dialect::mdp_01, total / 2, 8));
    return loads;
}

inline const std::vector<std::string> dialects{"", "mdp-0.2", "mdp-0.1"};

} // namespace flotilla::test
