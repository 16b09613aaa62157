// SPDX-License-Identifier: Apache-2.0
//
// QueueServer: a QueueEngine behind a ROUTER, with doors for plain sockets. What flotilla-store
// runs, and what a service embeds over inproc:// or tcp:// to have durable queues of its own.
//
//     auto store = LmdbStore::open("/var/lib/orders", {});
//     auto server = QueueServer::open(context, std::move(*store), {});
//     server->bind(*net::Endpoint::parse("tcp://127.0.0.1:5560"));
//     while (...) server->process(1s);
//
// One thread at a time.
#pragma once

#include <flotilla/base/judge.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/queue/codec.hpp>
#include <flotilla/queue/engine/engine.hpp>
#include <flotilla/queue/engine/store.hpp>
#include <flotilla/queue/model.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flotilla::queue {

// A plain socket that puts into a queue, or is fed from one. docs/protocol/queue.md, "Doors".
struct Door {
    enum class Kind : std::uint8_t {
        pull, // stores what PUSH sockets send; reading stops when the queue or turn is full
        sub,  // stores a feed: what is lost upstream is counted with metadata, else unknown
        push, // drains the queue to PULL sockets, at most once after hand-over
    };
    Kind kind = Kind::pull;
    std::string queue{};                      // must exist, or be auto-created
    std::vector<net::Attachment> endpoints{}; // bound or connected, as they say
    std::vector<std::string> topics{};        // sub: prefixes; at least one ("" for everything)
    // pull: opens batch frames of batching Pushers (docs/protocol/batch.md), whose messages are
    // stored one by one; a frame that claims to be one and is not well-formed is refused. Off: as
    // they are.
    bool unpack = false;
    // sub: messages end with a metadata frame (docs/protocol/envelope.md), by which what the feed
    // lacks is counted, with the publisher's heartbeats, which are not stored.
    bool metadata = false;
    std::uint32_t send_messages_max = 16; // push: 1 to 16; what a dying puller can lose
};

struct QueueServerOptions {
    StoreLimits limits{};
    std::vector<Door> doors{}; // up to 64
    // What may wait for one peer that does not read; beyond it its session ends. And of all peers.
    // One turn may say tens of thousands of things to one peer, so it is the bytes that count.
    std::uint32_t backlog_messages_max = 100'000;
    std::uint64_t backlog_bytes_max = 16ULL << 20;
    std::uint64_t backlogs_bytes_max = 256ULL << 20;
    // 0 to 1 s: how long a turn reads before what it decided is told, and whoever runs the server
    // sees its signals. Looked at every 256 messages.
    Duration turn_max{10'000'000};
    std::function<void(const EngineOutputs::Notice&)> on_notice{}; // called by process()
    std::shared_ptr<const Permissions> permissions{}; // who may do what; nullptr: everybody
    std::function<void(const Refusal&)> on_refused{}; // of the first refusals of a turn
    std::function<void(const EngineOutputs::Change&)> on_changed{}; // by an administrator
    net::Security security{};
    std::string domain = "flotilla-store";
    Duration linger = 1s; // 0 to 1 h; longest that closing waits, in the background
};

struct DoorStat {
    std::string queue{};
    std::string endpoint{};
    Door::Kind kind{};
    std::uint64_t messages_total = 0;
    std::uint64_t refused_total = 0; // sub: the queue was full; pull: too large
    std::uint64_t lost_total = 0;    // sub with metadata: what the feed lacks
    bool is_loss_unknown = false;    // lost_total is a lower bound (feed/loss.hpp)
    bool is_paused = false;          // pull: not reading, the queue or the store is full
};

struct QueueServerCounters : EngineCounters {
    std::uint64_t backlogged_total = 0;
    std::uint64_t backlog_dropped_total = 0;
    std::uint64_t peers_too_slow_total = 0;
};

class QueueServer {
public:
    // Recovers before it returns. Errors: those of QueueEngine::open; bad_option; insecure;
    // stopped.
    static Result<QueueServer> open(net::Context& context, std::unique_ptr<Store> store,
                                    QueueServerOptions options = {});
    QueueServer(QueueServer&&) noexcept;
    QueueServer& operator=(QueueServer&&) noexcept;
    ~QueueServer(); // stop()

    // Returns what peers connect to, wildcards resolved. Up to 64 times. Errors: address_in_use,
    // address_unavailable, insecure, bad_endpoint, too_many.
    Result<net::Endpoint> bind(const net::Endpoint& endpoint);

    // Makes a queue, or gives the one that is there these properties. Before or between turns; it
    // is one itself. Errors: bad_option; too_many; exists (what cannot be changed is different).
    Status declare(const std::string& queue, const QueueProperties& properties);

    // What the owner asks of the store, as a peer would, but judged by no rule: to browse, purge,
    // redrive. `answered` is called once, by process() or stop(). Errors: too_many (1,000 wait);
    // stopped.
    Status ask(Command command, std::function<void(Event&&)> answered);

    // Who may do what, from the next command on; nullptr: everybody everything. The sessions of
    // those who lost the right to take end with the next process(), what they hold returns, and
    // connections of users who were revoked are cut as soon as they were told. At a door with a
    // gate (net/gate.hpp) peers are asked for the right to put, or take, when they connect.
    void set_permissions(std::shared_ptr<const Permissions> permissions);

    // Waits at most `wait` for something to do, and does one turn. Errors: stopped; transport; io,
    // damaged (the store cannot be read: end the process).
    Status process(Duration wait);
    // Refuses puts and sessions from now on, and waits at most `wait` until nothing is leased.
    // True: nothing is.
    Result<bool> drain(Duration wait);
    // Tells everybody, writes what is returned, closes. After it only counters() may be called.
    void stop();

    // For a foreign event loop, as net::Socket::fd says.
    int fd() const noexcept;
    bool has_input() const noexcept;
    Duration wait_max() const noexcept;
    // Where a loop can watch more: readable when somebody came or went, which hear_connections()
    // then takes in at once instead of within 100 ms. Only so long a gate (net/gate) can learn the
    // address of somebody who hangs up at once, and let it wait.
    std::vector<int> connection_fds() const;
    void hear_connections();

    QueueEngine& engine() noexcept;
    QueueServerCounters counters() const;
    EngineLevels levels() const;
    std::vector<QueueStat> queues() const;
    QueuePage queues(const QueuePageWish& wish) const;
    std::vector<DoorStat> doors() const;
    std::vector<SessionStat> sessions() const;

private:
    struct Rest;
    explicit QueueServer(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::queue
