// SPDX-License-Identifier: Apache-2.0
//
// A world of one broker, clients and workers as the RFCs draw them, and a bad network, all of it
// decided by one seed. The broker's machine is the real one and every message goes through the
// codec; the peers are scripts: clients ask one thing at a time, lose patience, and ask again under
// a new address (in the flotilla dialect: with the same id); workers are silent while they work,
// crash, stand still over a request for longer than the broker waits, and register again when they
// are told or hear nothing.
//
// What it watches: every few steps the broker's own invariants; always that each answer is the one
// to what its asker asked; that no request by id is with two registered workers; that requests of
// one address to one service are first given out in the order in which they came.
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/base/random.hpp>
#include <flotilla/request/broker_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace flotilla::sim {

struct RequestWeather {
    std::uint32_t lose_percent = 0;
    std::uint32_t double_percent = 0;
    Duration delay_max = 5ms;         // each message's own, so that they overtake each other
    bool in_order = false;            // within a connection, as TCP does
    Duration worker_crash_every{0};   // on average, some worker; 0: never
    Duration broker_crash_every{0};   // on average
    std::uint32_t hint_percent = 100; // of lost connections that the monitor tells
    std::uint32_t retry_percent = 0;  // flotilla workers give back instead of answering
    std::uint32_t hang_percent = 0;  // of the work stands still, its worker hears nothing meanwhile
    std::uint32_t leave_percent = 0; // with an answer they say that they go, and come back
    Duration rights_change_every{0}; // each peer is then a user of its own
};

struct RequestPlan {
    request::BrokerLimits limits{};
    std::uint32_t clients = 4;
    std::uint32_t workers = 4;
    std::uint32_t services = 2;
    std::uint32_t asks = 10;         // of each client
    std::uint32_t padding_bytes = 0; // at most, behind a question
    RequestWeather storm{};
    Duration storm_lasts = 1s; // then the weather is fine and nobody dies
};

struct RequestConnection {
    static constexpr std::size_t to_peer_way = 0;
    static constexpr std::size_t to_broker_way = 1;

    std::string peer;
    std::string user;
    int descriptor = -1;
    bool open = true;
    std::function<void(wire::Frames)> to_peer;
    Instant last_arrival[2]{};
};

struct RequestClient {
    request::Dialect dialect{};
    std::shared_ptr<RequestConnection> line;
    std::uint32_t asked = 0;
    std::string question; // empty: nothing under way
    std::string id;       // of it; flotilla
    std::string service;
    std::uint32_t tries = 0;
    std::uint64_t send = 0; // number of the last one; timers of earlier ones are void
    std::map<std::string, std::string> questions; // by id
};

struct RequestWorker {
    request::Dialect dialect{};
    std::string service;
    std::shared_ptr<RequestConnection> line;
    std::uint64_t life = 0; // timers of an earlier one are void
    std::deque<request::Message> held;
    bool working = false;
    bool leaves = false; // has said so
    Instant heard{};
    Instant hangs_until{};
};

// The first frame of the body: what was asked, or "re:" and that.
inline std::string request_text(const request::Message& message) {
    return std::string(message.body[0].view());
}

class RequestWorld {
public:
    RequestWorld(const RequestPlan& plan, std::uint64_t seed);
    ~RequestWorld();
    // Runs until every client has all its answers and the broker is empty, or ten simulated minutes
    // have passed.
    void run();

    bool all_done() const;
    const request::BrokerCounters& counters() const { return broker_->counters(); }
    std::uint64_t resends() const { return resends_; }
    std::uint64_t worked() const { return worked_; }
    std::uint64_t requeued() const { return requeued_ + counters().requeued_total; }
    std::uint64_t expired_workers() const {
        return expired_workers_ + counters().workers_expired_total;
    }
    std::uint64_t restarts() const { return restarts_; }

private:
    using Connection = RequestConnection;
    using Client = RequestClient;
    using Worker = RequestWorker;
    using Action = std::function<void()>;
    using Line = std::shared_ptr<Connection>;

    void at(Instant when, Action action);
    void after(Duration wait, Action action) { at(now_ + wait, std::move(action)); }
    const RequestWeather& weather() const { return now_ < storm_ends_ ? plan_.storm : fine_; }
    bool percent(std::uint32_t share) { return random_.below(100) < share; }
    Duration up_to(Duration most);

    Line connect(std::function<void(wire::Frames)> to_peer, std::string user);
    void hang_up(Line& line);
    void travel(Connection& line, std::size_t way, Action arrive);
    void to_broker(const Line& line, request::Message message);
    void broker_step(const std::function<void(request::BrokerOutputs&)>& input);
    void broker_send(request::BrokerOutputs::Send&& send);
    void broker_timer();
    void broker_heard(const Connection& line, const request::Message& message);
    void note_given(const std::string& worker, const request::Message& message);
    void broker_crash();

    void client_ask(std::size_t index);
    void client_send(std::size_t index);
    void client_hear(std::size_t index, wire::Frames frames);
    void burst();
    void pad(request::Message& message);
    void worker_start(std::size_t index);
    void worker_hear(std::size_t index, std::uint64_t life, wire::Frames frames);
    void worker_work(std::size_t index);
    void worker_beat(std::size_t index, std::uint64_t life);
    void plan_trouble();
    void change_rights();
    void set_rights(std::shared_ptr<const Permissions> permissions);
    bool may_work(const std::string& peer) const;

    RequestPlan plan_;
    RequestWeather fine_{};
    Random random_;
    Instant now_{1h};
    Instant storm_ends_;
    std::unique_ptr<request::BrokerMachine> broker_;
    std::multimap<std::pair<Instant, std::uint64_t>, Action> events_;
    std::uint64_t serial_ = 0;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::map<std::string, Line> lines_;              // by peer, while open
    std::set<int> descriptors_;                      // in use
    std::shared_ptr<const Permissions> permissions_; // nullptr: everybody may do everything
    std::map<std::string, std::string> users_;       // by peer, also of those that are gone
    std::uint64_t last_peer_ = 0;

    std::map<std::string, std::string> holders_;  // request id to worker that has not answered
    std::map<std::string, std::string> tokens_;   // token to request id
    std::map<std::string, std::uint64_t> came_;   // what was asked to when it was first accepted
    std::set<std::string> given_;                 // of bursts
    std::map<std::string, std::uint64_t> newest_; // burst to when the last one given out came
    std::uint64_t bursts_ = 0;
    std::uint64_t steps_ = 0; // of the broker
    Instant timer_ = never;   // its next one
    std::uint64_t resends_ = 0;
    std::uint64_t worked_ = 0;
    // By brokers that crashed since.
    std::uint64_t requeued_ = 0;
    std::uint64_t expired_workers_ = 0;
    std::uint64_t restarts_ = 0;
};

} // namespace flotilla::sim
