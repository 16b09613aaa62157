// SPDX-License-Identifier: Apache-2.0
//
// BrokerMachine: decides what a request broker does. It is told what peers said, who is gone and
// what time it is, and answers with what to send. It does no I/O and reads no clock.
//
// A request:  accepted ► queued ► running ► answered
//                          ▲ │       │
//                          │ ├───────┴► failed, expired, dropped
//                          └─┼───────── its worker died (where the service allows it) or said
//                            │          `retry`: in front, its attempt counted
//                            └► failed: refused for a newer one, where the service says so
// A worker:   (nobody) ─ready─► idle ⇄ busy
//                 ▲               │      │
//                 └──disconnect, unreachable, silent, breach of the protocol
//
// Invariants, checked by check()
//  1. accepted = queued + running + answered + failed + expired + dropped.
//  2. At most one worker has a request, and it is registered for the request's service. A reply
//     counts from that worker, with the token of this giving-out, and from nobody else.
//  3. A worker holds at most its capacity, or what it held when that was lowered; what it has not
//     answered fills a place even after the request ended for its asker.
//  4. While a service has a queue, no worker of it has room. Who said `retry` is given that request
//     again only after a pause, during which it is queued, but not in the queue.
//  5. A service's requests are given out in the order of their acceptance; what comes back goes in
//     front.
//  6. Who waits longest of a service's idle workers is given the next request; of busy ones with
//     room the one that holds least.
//  7. Queues, tables and what they hold in bytes stay within the limits.
//
// Cost: a message costs the same with one worker or 10,000, one service or 1,000; a turn of the
// clock costs what is due, and at most a bounded part of that. Requests with deadlines cost the
// logarithm of how many there are.
//
// One thread at a time.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/judge.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/request/broker_model.hpp>
#include <flotilla/request/kept_answers.hpp>
#include <flotilla/request/message.hpp>
#include <flotilla/request/request_table.hpp>
#include <flotilla/request/service_table.hpp>
#include <flotilla/request/worker_table.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::request {

// Who said something, as far as the transport knows.
struct BrokerPeer {
    std::string_view id{};      // its address at the transport
    std::string_view user_id{}; // authenticated; empty without CURVE
    int descriptor = -1;        // of its connection
};

struct BrokerOutputs {
    static constexpr std::size_t notices_max = 64; // of one call; more are left out

    struct Send {
        std::string peer;
        Message message;
    };
    // Peers whose registration as workers ended: what still waits to be sent to them goes first.
    std::vector<std::string> ended{};
    std::vector<Send> sends{};
    std::vector<BrokerNotice> notices{};
    std::vector<Refusal> refusals{}; // the first ones by a rule, for the audit
    std::vector<int> cuts{};         // descriptors of connections whose users were revoked

    bool empty() const noexcept {
        return sends.empty() && notices.empty() && ended.empty() && refusals.empty() &&
               cuts.empty();
    }
    // A Message is large: it is filled where it stands.
    Message& send_to(std::string_view peer) {
        Send& send = sends.emplace_back();
        send.peer = peer;
        return send.message;
    }
    void clear() {
        ended.clear();
        sends.clear();
        notices.clear();
        refusals.clear();
        cuts.clear();
    }
};

// A request that its worker gave back with `retry` goes to another one at once. When no other has
// room it waits, doubling with each attempt, and then goes to whoever has.
inline constexpr Duration retry_pause_min = 1s;
inline constexpr Duration retry_pause_max = 30s;

class BrokerMachine {
public:
    // `limits` must have been checked. `seed` makes the tokens; fresh at every start.
    BrokerMachine(BrokerLimits limits, std::uint64_t seed);
    BrokerMachine(const BrokerMachine&) = delete;
    BrokerMachine& operator=(const BrokerMachine&) = delete;

    // ---- inputs. Each may add to `out`.

    void receive(const BrokerPeer& peer, Message&& message, Instant now, BrokerOutputs& out);
    // Something that is not the protocol came; `origin` is what could be told of it.
    void receive_malformed(const BrokerPeer& peer, const std::optional<Message>& origin,
                           const Error& error, Instant now, BrokerOutputs& out);
    // A hint that the connection that had this descriptor until `before` is gone. Requests that RFC
    // clients made over it leave; a worker is asked, and may register again.
    void connection_lost(int descriptor, Instant before, Instant now, BrokerOutputs& out);
    // What was to be sent on this side did not reach the peer: nobody is there, or (too_slow) it
    // does not read. Such a worker is given nothing more, and ends with settle(): what it said
    // before may still be on its way to here.
    enum class Unreachable : std::uint8_t { gone, too_slow };
    void unreachable(std::string_view peer, Side side, Unreachable why, Instant now,
                     BrokerOutputs& out);
    // The tokens of requests to such a worker, oldest first: it never saw them, and another gets
    // them in any case.
    void undelivered(std::span<const Blob> tokens, Instant now, BrokerOutputs& out);
    // Everything that came before the last unreachable() has been received.
    void settle(Instant now, BrokerOutputs& out);
    // The broker did not run for a while before `now`: who seems silent may have spoken, and it is
    // not found dead sooner than if it had been heard now.
    void resumed(Instant now) noexcept { resumed_ = now; }
    // Does what is due, up to a bound; next_deadline() is then in the past.
    void tick(Instant now, BrokerOutputs& out);
    // Who may do what, from the next message on; nullptr: everybody everything. Requests of those
    // who may not call any more end, workers that may not serve any more are disconnected, and what
    // they held goes on as if they had died. Costs all that the broker holds.
    void set_permissions(std::shared_ptr<const Permissions> permissions, Instant now,
                         BrokerOutputs& out);
    // From now on these hold, for what is accepted from now on; what is held beyond a lower one
    // stays (with a lower prefetch a worker is given nothing until it has answered enough).
    // Heartbeats and liveness, message_bytes_max, what one worker may hold, and kept answers stay
    // as they were. `limits` must have been checked.
    void set_limits(BrokerLimits limits, Instant now, BrokerOutputs& out);
    // From now on nothing is accepted; what was is served.
    void drain() noexcept { draining_ = true; }
    // Ends every request and every worker's registration, and says so where it can be said.
    void stop(BrokerOutputs& out);

    // ---- looking

    bool is_worker(std::string_view peer) const { return workers_.find(peer) != no_slot; }
    bool has_ghosts() const noexcept { return !ghosts_.empty(); }
    // When tick() has something to do.
    Instant next_deadline() const noexcept;
    const BrokerLimits& limits() const noexcept { return limits_; }
    const BrokerCounters& counters() const noexcept { return counters_; }
    BrokerLevels levels() const;
    // Every service that has workers or requests, by name.
    std::vector<ServiceLevels> services() const;
    // Every worker that is registered, by peer.
    std::vector<WorkerLevels> workers(Instant now) const;
    // Aborts when an invariant does not hold; for tests, O(everything).
    void check() const;

private:
    struct Said; // one message, who said it and when
    using Kind = BrokerNotice::Kind;

    // broker_rights.cpp
    bool may(const BrokerPeer& peer, Operation operation, std::string_view service) {
        return judge_.is_open() || judge_.allows(peer.user_id, operation, service);
    }
    bool may_see(std::string_view user_id, std::string_view service);
    // Counted and noted; the sentence for whom it concerns, who is cut off when nobody knows him.
    std::string not_allowed(const BrokerPeer& peer, Operation operation, std::string_view service,
                            BrokerOutputs& out);
    void revoke_request(Slot request, Instant now, BrokerOutputs& out); // serve_behind() follows
    void revoke_worker(Slot worker, Instant now, BrokerOutputs& out);

    // broker_clients.cpp
    void from_client(Said& said);
    void request(Said& said);
    void accept(Said& said, Slot service);
    bool make_room(Said& said, Slot service, std::uint64_t bytes);
    bool repeat(Said& said);
    void join(Said& said, Slot request);
    void cancel(Said& said);
    void refuse(Said& said, ErrorCode code, std::string_view text);
    Message& to_asker(Slot request, Verb verb, BrokerOutputs& out) const;
    void pass_on(Slot request, Verb verb, wire::Frames&& body, BrokerOutputs& out);
    void tell_error(Slot request, ErrorCode code, std::string_view text, BrokerOutputs& out);
    void keep(Slot request, const wire::Frames* body, ErrorCode code, std::string_view text,
              Instant now);
    // Ends an open request for its asker, with an error where that can be said. serve_behind() has
    // to follow.
    void end(Slot request, std::uint64_t& counter, ErrorCode code, std::string_view text,
             Instant now, BrokerOutputs& out);

    // broker_workers.cpp
    void from_worker(Said& said);
    void from_stranger(Said& said);
    void ready(Said& said);
    void reply(Said& said, Slot worker);
    void worker_error(Said& said, Slot request, Slot worker);
    void finish(Slot request, Slot worker, Instant now);
    void refuse_worker(Said& said, ErrorCode code, std::string_view text);
    void breach(const BrokerPeer& peer, Slot worker, ErrorCode code, std::string_view text,
                Instant now, BrokerOutputs& out);
    void disconnect(std::string_view key, std::string_view peer, Dialect dialect, bool delimited,
                    ErrorCode code, std::string_view text, Instant now, BrokerOutputs& out);
    void drop(Slot worker, Instant now, BrokerOutputs& out);
    enum class Because : std::uint8_t { worker_gone, retry, undelivered };
    void give_back(Slot request, Because why, std::string_view text, Instant now,
                   BrokerOutputs& out);
    void enqueue(Slot request, bool in_front);
    void pause(Slot request, Instant now);
    void end_pauses(Instant now, BrokerOutputs& out);
    void dequeue(Slot request);
    void take_from(Slot worker, Slot request, Instant now);
    void stop_running(Slot request);
    void serve(Slot service, Instant now, BrokerOutputs& out);
    void serve_behind(std::vector<Slot> services, Instant now, BrokerOutputs& out);
    bool takes(Slot worker, std::uint64_t bytes) const;
    void set_capacities(Instant now, BrokerOutputs& out);
    void give(Slot request, Slot worker, Instant now, BrokerOutputs& out);
    void look(Slot worker, Instant now, BrokerOutputs& out);
    void beat(Slot worker, Instant now, BrokerOutputs& out);
    void answer_heartbeat(Slot worker, Duration gap, Instant now, BrokerOutputs& out);
    static void note(Kind kind, std::string_view service, std::string_view peer,
                     std::string_view text, BrokerOutputs& out);

    void check_services() const;
    void check_workers() const;

    BrokerLimits limits_;
    Judge judge_{};
    bool draining_ = false;
    bool stopped_ = false;
    Instant resumed_{};
    ServiceTable services_;
    WorkerTable workers_;
    RequestTable requests_;
    KeptAnswers kept_;
    BoundedTextTable<Instant> refusals_; // when somebody was last told to go, by peer or service
    struct Ghost {
        std::string peer;
        Unreachable why;
    };
    std::vector<Ghost> ghosts_;                 // workers that are unreachable
    std::set<std::pair<Instant, Slot>> pauses_; // of requests, soonest end first
    std::uint32_t waiting_ = 0;
    std::uint64_t queued_ = 0;
    std::uint64_t running_ = 0;
    std::uint64_t bytes_ = 0;
    BrokerCounters counters_;
};

} // namespace flotilla::request
