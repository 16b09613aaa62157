// SPDX-License-Identifier: Apache-2.0
//
// Titanic: durable service calls, 9/TSP. A client asks `titanic.request` of any Majordomo broker,
// gets an id at once, and later the answer from `titanic.reply`, whatever died in between. Services
// and their workers need no change: towards them it is a client, towards clients three workers.
//
//     titanic.request  service, body...  ──►  200, id | 500
//     titanic.reply    id                ──►  200, body... | 300 pending | 400 unknown
//     titanic.close    id                ──►  200
//
// Promise: what was answered 200 is in a queue of the store, and is tried until a worker answered
// it or it was closed: at least once, so a service may see a request again. An answer is kept until
// it is closed. docs/protocol/titanic.md has the frames.
//
// It uses two queues, `titanic.requests` and `titanic.replies`, which it creates. One Titanic a
// store at a time: it holds both queues' messages.
//
// run() blocks and starts threads: one a service, one a queue, and `calls_max` that call.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/compose/titanic_desk.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::compose {

struct TitanicOptions {
    std::vector<net::Endpoint> brokers{};   // 1 to 16, of the services and of Titanic itself
    std::vector<net::Endpoint> stores{};    // 1 to 16, as ProducerOptions::stores
    std::uint32_t calls_max = 8;            // called at once; 1 to 256
    std::uint32_t unfinished_max = 100'000; // requests known at once, and replies; 1 to 1,000,000
    Duration call_deadline = 30s;           // of one try; 10 ms to 24 h
    TitanicRetry retry{};                   // between tries
    Duration confirm_max = 10s;             // longest wait for the store before saying 500
    net::Security security{};               // towards brokers, and stores
    std::optional<net::Security> store_security{}; // towards stores, when it is another
};

struct TitanicCounters {
    std::uint64_t requests_total = 0; // answered 200
    std::uint64_t refused_total = 0;  // answered 400 or 500
    std::uint64_t answered_total = 0; // calls whose answer is kept
    std::uint64_t retries_total = 0;  // tries that failed
    std::uint64_t closed_total = 0;
    std::uint64_t pending = 0;
    std::uint64_t kept = 0;
};

class Titanic {
public:
    // Creates the queues: waits for a store, at most confirm_max. `context` must outlive it.
    // Errors: bad_option; insecure; timeout; refused (the store's word); those of Client, Worker,
    // Producer and Consumer.
    static Result<Titanic> open(net::Context& context, TitanicOptions options);
    Titanic(Titanic&&) noexcept;
    Titanic& operator=(Titanic&&) noexcept;
    ~Titanic();

    // Until stop_soon(). Once. Errors: stopped; those of its parts.
    Status run();
    void stop_soon() noexcept; // from any thread and from signal handlers
    TitanicCounters counters() const;

private:
    struct Rest;
    explicit Titanic(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::compose
