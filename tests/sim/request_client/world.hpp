// SPDX-License-Identifier: Apache-2.0
//
// A world of one client, some brokers with workers, and a bad network between client and brokers,
// all of it decided by one seed. The machines of client and brokers are the real ones and every
// message of theirs goes through the codec; workers echo in pieces, and die; time is an event
// queue.
//
// What it watches, event by event: that a call ends once, with its own body; that pieces of an
// answer come in order, and that gaps and new beginnings are told.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/request/broker_machine.hpp>
#include <flotilla/request/client_machine.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::sim {

struct Weather {
    std::uint32_t lose_percent = 0;
    std::uint32_t double_percent = 0;
    Duration delay_max = 10ms;        // each message's own
    bool in_order = false;            // within a connection, as TCP does
    Duration restart_every{0};        // on average, some broker; 0: never
    Duration crash_every{0};          // on average, some worker
    std::uint32_t hint_percent = 100; // of new connections that the monitor tells
};

struct Plan {
    std::optional<request::Dialect> dialect{}; // of the client; absent: it finds out
    request::Dialect workers_speak = request::Dialect::flotilla;
    std::uint32_t brokers = 2;
    std::uint32_t workers = 2; // of each broker
    std::uint32_t calls = 20;
    std::uint32_t cancel_percent = 0;
    std::uint32_t pieces_max = 3;
    Duration deadline = 120s;
    request::ClientOptions client{};
    Weather storm{};
    Duration storm_lasts = 1s; // then the weather is fine and nobody dies
};

class World {
public:
    World(const Plan& plan, std::uint64_t seed);
    ~World();
    void run(); // until every call has ended

    const request::ClientMachine& client() const { return *client_; }
    std::uint64_t ended() const { return ended_; }
    std::uint64_t answered() const { return answered_; }
    std::uint64_t timed_out() const { return timed_out_; }
    std::uint64_t restarted() const { return restarted_; } // pieces and answers that said so
    std::uint64_t missed() const { return missed_; }
    std::uint64_t kept() const { return kept_; }
    std::uint64_t joined() const; // repeats that a broker joined to the first

private:
    struct Broker;
    struct Worker;
    struct Wire; // the client's link to a broker
    struct Call {
        std::string text{};
        bool ended = false;
        std::uint32_t next_piece = 0;
    };
    using Action = std::function<void()>;

    void at(Instant when, Action action);
    void after(Duration wait, Action action) { at(now_ + wait, std::move(action)); }
    Duration up_to(Duration most);
    bool chance(std::uint32_t percent) { return random_.below(100) < percent; }
    const Weather& weather() const { return now_ < storm_ends_ ? plan_.storm : fine_; }
    void travel(Instant& last, const Action& arrive);

    void call_some();
    void client_step(const std::function<void(request::ClientOutputs&)>& input);
    void open(const request::ClientOutputs::Open& open);
    void made(request::LinkId link);
    void to_broker(Wire& wire, request::Message&& message);
    void to_client(const std::string& peer, request::Message&& message);
    void tell(request::ClientOutputs::Event& event);

    void broker_step(std::size_t broker, const std::function<void(request::BrokerOutputs&)>& input);
    void restart(std::size_t broker);
    void trouble();

    void start(Worker& worker);
    void end(Worker& worker);
    void beat(Worker& worker, std::uint64_t life);
    void work(Worker& worker, request::Message&& order);
    void say(Worker& worker, request::Message&& message);

    Plan plan_;
    Random random_;
    Instant now_{};
    Instant storm_ends_;
    Weather fine_{};
    std::map<std::pair<Instant, std::uint64_t>, Action> events_;
    std::uint64_t serial_ = 0;
    std::unique_ptr<request::ClientMachine> client_;
    std::vector<std::unique_ptr<Broker>> brokers_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::map<request::LinkId, std::shared_ptr<Wire>> wires_;
    std::map<std::string, request::LinkId> wire_of_; // by what the broker calls it
    std::map<std::string, Worker*> worker_of_;
    std::map<request::CallId, Call> calls_;
    std::uint64_t ended_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t timed_out_ = 0;
    std::uint64_t restarted_ = 0;
    std::uint64_t missed_ = 0;
    std::uint64_t kept_ = 0;
    std::uint64_t joined_before_ = 0; // by brokers that are gone
};

} // namespace flotilla::sim
