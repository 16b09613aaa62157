// SPDX-License-Identifier: Apache-2.0
//
// Broker: routes requests of clients to workers by the name of a service: Majordomo (7/MDP and
// 18/MDP on one port, told apart by their frames; 8/MMI) and Flotilla's own dialect.
//
//     auto broker = Broker::open(context, {});
//     broker->bind(*net::Endpoint::parse("tcp://127.0.0.1:5555"));
//     while (broker->process(1s)) {
//     }
//
// Promise: a request that was accepted is given to one worker at a time, the one of its service
// that waits longest; requests of one client to one service are given out in order. It ends in
// exactly one of: its answer, an error (told where the dialect can), its expiry. A dead worker's
// request goes to another where the service allows that, with its attempt counted. Nothing survives
// the broker's own end: clients ask again (Client and AsyncClient do by themselves).
//
// Embeds into a service: bind to inproc:// as well as, or instead of, the network. flotilla-broker
// is this class with settings, signals and a log.
//
// One thread owns a Broker at a time. Nothing is thrown except std::bad_alloc.
#pragma once

#include <flotilla/base/judge.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/request/broker_model.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flotilla::request {

struct BrokerOptions {
    BrokerLimits limits{};
    // What may wait for one peer that does not read; beyond it the peer's session ends and what
    // waits is dropped and counted. 1 to 100,000 messages, 64 KiB to 1 GiB. The transport's own
    // queue comes first: for each peer 1,000 messages of up to 2 KiB, and 2 MiB of larger ones (or
    // one).
    std::uint32_t backlog_messages_max = 1'000;
    std::uint64_t backlog_bytes_max = 16ULL << 20;
    std::uint64_t backlogs_bytes_max = 256ULL << 20; // of all peers together; 1 MiB to 64 GiB
    // Called within process(), drain() and stop(), so by the destructor, too; may not call back.
    std::function<void(const BrokerNotice&)> on_notice{};
    std::shared_ptr<const Permissions> permissions{}; // who may call and serve; nullptr: everybody
    std::function<void(const Refusal&)> on_refused{}; // the first of a turn; as on_notice
    net::Security security{};
    std::string domain = "flotilla-broker"; // CURVE: the ZAP domain
    Duration linger = 1s; // 0 to 1 h; longest that closing waits, in the background
    // Not empty: the name under which the broker notes, in each body that ends with an envelope,
    // when it came and left (wire/hop.hpp).
    std::string hop_instance{};
};

// Beside what the machine counts.
struct BrokerShellCounters : BrokerCounters {
    std::uint64_t backlogged_total = 0;      // sends that had to wait for a slow peer
    std::uint64_t backlog_dropped_total = 0; // of these, not sent: it was too slow, or its session
                                             // ended
    std::uint64_t peers_too_slow_total = 0;  // times that one went over the bound
};

class Broker {
public:
    // Errors: bad_option (which, and its range); insecure; stopped; too_many.
    static Result<Broker> open(net::Context& context, BrokerOptions options = {});
    Broker(Broker&&) noexcept;
    Broker& operator=(Broker&&) noexcept;
    ~Broker(); // stop()

    // Returns what peers connect to, wildcards resolved. As often as wanted, up to 64. Errors:
    // address_in_use, address_unavailable, insecure, bad_endpoint, too_many.
    Result<net::Endpoint> bind(const net::Endpoint& endpoint);

    // Waits at most `wait` for something to do, and does it; a bounded amount, so call it again.
    // Errors: stopped; transport.
    Status process(Duration wait);

    // Who may call and serve what, from the next message on; nullptr: everybody everything. What is
    // under way for users who lost the right ends, and connections of those who were revoked are
    // cut, once they were told.
    void set_permissions(std::shared_ptr<const Permissions> permissions);
    // For what is accepted from now on; BrokerMachine::set_limits says which. All or nothing.
    // Errors: bad_option.
    Status set_limits(BrokerLimits limits);

    // Accepts nothing more (clients of the flotilla dialect are told), and waits at most `wait`
    // until everything accepted is answered. May be called again. True: it is.
    Result<bool> drain(Duration wait);
    // Tells workers that it goes, so that they look for another broker at once, and ends what is
    // left: where the dialect can, clients are told. After it only counters() may be called.
    void stop();

    // For a foreign event loop: when this descriptor becomes readable, or wait_max() has passed,
    // call process(0ns), and again while has_input(); net::Socket::fd says why.
    int fd() const noexcept;
    bool has_input() const noexcept;
    Duration wait_max() const noexcept;
    // Where a loop can watch more: readable when somebody came or went, which hear_connections()
    // then takes in at once instead of within 100 ms. Only so long a gate (net/gate) can learn the
    // address of somebody who hangs up at once, and let it wait.
    int connection_fd() const;
    void hear_connections();

    BrokerShellCounters counters() const;
    BrokerLevels levels() const;
    // Every service that has workers or requests, by name.
    std::vector<ServiceLevels> services() const;
    // Every worker that is registered, by peer.
    std::vector<WorkerLevels> workers() const;

private:
    struct Rest;
    explicit Broker(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::request
