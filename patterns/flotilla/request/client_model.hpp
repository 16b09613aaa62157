// SPDX-License-Identifier: Apache-2.0
//
// The nouns of request clients: how they reach brokers, what a call is told, what comes of it.
#pragma once

#include <flotilla/base/id.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/request/message.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::request {

using CallId = Id<struct CallTag>; // in order of call(), from 1

struct ClientOptions {
    // 1 to 16. One is used at a time; when it does not answer or goes, the next.
    std::vector<net::Endpoint> brokers{};
    // What to speak. Absent: the broker is asked (mmi.flotilla), which costs the first call a round
    // trip; brokers of others are spoken to in 0.2 or, when they do not answer that, in 0.1.
    std::optional<Dialect> dialect{};
    // A call's own deadline wins. 1 ms to 24 h.
    Duration deadline = 30s;
    // RFC dialects: no answer for so long, and the call is sent again, under a new address, because
    // nothing there tells a lost request from a slow one; a partial reply starts it anew. A broker
    // that answered nobody in that time is left for the next. 10 ms to 24 h.
    Duration attempt_max = 5s;
    // Flotilla dialect: a broker not heard for so long is left for the next; slow workers do not
    // matter. Three pings are sent in that time. A call whose answer is out for so long is told to
    // the broker again, in doubling intervals, in case that message was lost. 30 ms to 1 h.
    Duration broker_silence_max = 6s;
    // How often one call is sent, the first included; after it, it waits. 1 to 1,000.
    std::uint32_t attempts_max = 10;
    Duration reconnect_min = 100ms; // 1 ms to 1 h: pause before another try; doubles, with jitter,
    Duration reconnect_max = 10s;   // up to this
    std::uint32_t calls_max = 10'000; // AsyncClient: under way at once; 1 to 1,000,000
    // AsyncClient: bodies of these and 80 bytes a frame, kept for another try; 1 byte to 1 TiB.
    std::uint64_t calls_bytes_max = 256ULL << 20;
    // RFC dialects: connections, each with one call. 1 to 1,000; a Client has one.
    std::uint32_t connections_max = 64;
    // Of a reply's body; larger is dropped, a larger frame costs the connection. 64 KiB to 1 GiB.
    std::uint64_t message_bytes_max = 64ULL << 20;
    net::Security security{};
    // What happens to connections, to be shown to people; in the RFC dialects only while the
    // dialect is asked for, or with several brokers. Called by process(); may not call back.
    std::function<void(const net::ConnectionEvent&)> on_connection{};
};

struct CallOptions {
    std::optional<Duration> deadline{}; // absent: ClientOptions::deadline
    // May the call be sent again? Off: at most once, and a lost one ends with timeout. (What a
    // broker refused because it drains was not taken, and goes to the next all the same.)
    bool retry = true;
    // Name of the call for workers and repeats, not that of another call under way; absent: made
    // up, unique. Flotilla dialect only.
    std::string id{};
};

// A piece of an answer; more follow. In 0.2 pieces have no number: only what the client itself sent
// again is told as restarted, and nothing as missed.
struct PartialReply {
    CallId call{};
    wire::Frames body{};
    bool restarted = false;   // another attempt took over: what came before it is void
    std::uint32_t missed = 0; // pieces lost just before it, as far as the dialect tells
};

struct Reply {
    wire::Frames body{};
    std::uint32_t attempts = 1; // how often the call was sent
    bool kept = false;          // it is the answer to an earlier attempt, kept by the broker
    // The partial replies that came before it are of another attempt, or may be: they are void.
    bool restarted = false;
};

// calls_total is what is under way and what ended: answered, refused, timeout, cancelled, stopped.
struct ClientCounters {
    std::uint64_t calls_total = 0;
    std::uint64_t answered_total = 0;
    std::uint64_t refused_total = 0; // ended by an error of the broker or the worker
    std::uint64_t timeout_total = 0; // ended by their deadline, with or without a broker
    std::uint64_t cancelled_total = 0;
    std::uint64_t stopped_total = 0;
    std::uint64_t retries_total = 0;
    std::uint64_t partials_total = 0;
    std::uint64_t unexpected_total =
        0; // replies to nothing that is under way: late, doubled, wrong
    std::uint64_t malformed_total = 0;
    std::uint64_t connects_total = 0;
    std::uint64_t failovers_total = 0; // went to another broker
};

} // namespace flotilla::request
