// SPDX-License-Identifier: Apache-2.0
//
// Producer: puts messages into queues of a store, and knows of each what became of it.
//
//     auto producer = Producer::open(context, {.stores = {*net::Endpoint::parse("tcp://...")}});
//     if (!producer->put("orders", "one")) ...     // into the outbox, sent at once
//     auto left = producer->flush(5s);             // 0: everything is confirmed
//
// Promise: what was confirmed is in the queue (what that means is the queue's durability). What was
// not is in the outbox and is sent again after every reconnect, with the same numbers, so that
// nothing is stored twice. With an outbox on disk (outbox_directory) that holds through a crash of
// this process and any absence of the store.
//
// A lone message leaves at once, with put(). While others of its queue are under way, messages
// gather, and leave with process(), as many as there are, or when a packed put is full.
// One thread owns a Producer; ProducerThread (producer_thread.hpp) is safe to share.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/queue/model.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::queue {

struct ProducerOptions {
    // 1 to 16. One is used at a time; when it does not answer or is draining, the next. What had
    // been sent to one is put into another marked maybe_duplicate, for they know nothing of each
    // other.
    std::vector<net::Endpoint> stores{};
    // Unconfirmed messages and bytes that may be under way, and that the outbox may hold in all;
    // beyond the second put says would_block.
    std::uint32_t window_messages = 10'000;        // 1 to 1,000,000
    std::uint64_t window_bytes = 4ULL << 20;       // 64 KiB to 1 GiB
    std::uint64_t outbox_messages_max = 100'000;   // 1 to 10^9 with a directory, else 10^7
    std::uint64_t outbox_bytes_max = 64ULL << 20;  // 64 KiB to 1 TiB
    std::filesystem::path outbox_directory{};      // empty: in memory
    std::uint32_t acknowledged_waits_max = 10'000; // puts that wait so; 1 to 100,000
    wire::Compression compression = wire::Compression::none; // of packed puts
    Duration answer_max = 10s;     // a store that does not answer for so long is left
    Duration reconnect_min = 50ms; // first pause; doubles, with jitter, up to
    Duration reconnect_max = 5s;   // this
    net::Security security{};
    Duration linger = 1s; // 0 to 1 h; longest that closing waits, in the background
    // What happens to connections, to be shown to people. Called by process() and flush(); may not
    // call back.
    std::function<void(const net::ConnectionEvent&)> on_connection{};
};

// What a message may carry besides its body.
struct PutOptions {
    std::string_view key{};
    std::uint8_t priority = 0; // 0, delivered first, to the queue's priority_levels - 1
    Duration delay{0};
    Duration ttl{0};
    std::string_view message_id{};
    // More than 0, up to 10 years: what becomes of it in the queue is told (on_acknowledged), at
    // the latest after so long. Such messages are put one by one. A store watches them for a day
    // each, and a quarter of its acked_waits_max (25,000 of 100,000) for one connection, at most.
    Duration acknowledged_max{0};
};

// What became of one message. `ticket` is what put returned.
struct Confirm {
    enum class Outcome : std::uint8_t {
        // id is its id. 0: settled by an earlier try, whose answer was lost: it is stored, unless
        // it was refused for good then, which nobody remembers.
        stored,
        duplicate, // it was there before: id is the original's
        refused,   // for good: error says why; it is not in the outbox any more
    };
    std::uint64_t ticket = 0;
    Outcome outcome{};
    MessageId id = 0;
    Error error{};
};

// What became later of a message that was put with acknowledged_max. Of the store it is known only
// as long as the connection lasts: it is not asked again after a restart.
struct Acknowledgement {
    enum class Outcome : std::uint8_t {
        acknowledged, // by a consumer; in a queue with acknowledge=auto: delivered
        dead,         // expired, out of attempts, dropped, purged, or its queue deleted
        refused,      // it did not get into the queue: error says why
        // error: timeout (acknowledged_max or the store's day is over; it may yet be), too_many
        // (stored, but the store watches too many others), peer_gone (the store or the connection
        // to it ended), exists (a repeat by its message_id), stopped (the thread ended).
        unknown,
    };
    std::uint64_t ticket = 0;
    Outcome outcome{};
    Error error{}; // not of acknowledged
};

struct ProducerCounters {
    std::uint64_t put_total = 0;
    std::uint64_t stored_total = 0;
    std::uint64_t duplicate_total = 0;
    std::uint64_t refused_total = 0;
    std::uint64_t resent_total = 0;
    std::uint64_t maybe_duplicate_total = 0; // resent under a new epoch: the store had forgotten us
    std::uint64_t connects_total = 0;
    std::uint64_t full_total = 0; // times that the store said full
};

class Producer {
public:
    // Does not wait for a store. `context` must outlive it, and stay where it is. Errors:
    // bad_option; insecure; io; damaged (the outbox, which is left as it is).
    static Result<Producer> open(net::Context& context, ProducerOptions options);
    Producer(Producer&&) noexcept;
    Producer& operator=(Producer&&) noexcept;
    ~Producer(); // does not wait; an outbox on disk keeps what is not confirmed

    // Into the outbox; returns its ticket (rising from 1; what an outbox on disk held when it was
    // opened has the first ones). With an outbox on disk it is written,
    // and survives a crash of this process, when put returns (of the machine: after sync_outbox()).
    // Waits at most `wait` for room, in process(). Errors: would_block, timeout (the outbox is
    // full, or acknowledged_waits_max reached); too_large (16 MiB, as a record); too_many (frames,
    // queues); bad_option; stopped; io, disk_full. On error `body` is untouched.
    Result<std::uint64_t> put(std::string_view queue, wire::Frames& body,
                              const PutOptions& options = {}, Duration wait = Duration::zero());
    Result<std::uint64_t> put(std::string_view queue, ByteView body, const PutOptions& options = {},
                              Duration wait = Duration::zero());
    Status sync_outbox();

    // Sends, receives, reconnects; calls on_confirm for what was settled, in order of tickets of a
    // queue. Waits at most `wait` for something to do. Errors: stopped; transport; io.
    Status process(Duration wait);
    // Until everything is settled, at most `wait`. How many messages are not.
    Result<std::uint64_t> flush(Duration wait);
    // It may put, but neither process nor flush. Without one, flush() and unconfirmed() are how to
    // know.
    std::function<void(const Confirm&)> on_confirm{};
    // Once for each put with acknowledged_max: after its confirm, unless the time was over before.
    // As on_confirm.
    std::function<void(const Acknowledgement&)> on_acknowledged{};

    std::uint64_t unconfirmed() const noexcept;
    std::size_t unacknowledged() const noexcept; // puts of which on_acknowledged is still to come
    bool is_connected() const noexcept;          // a store has answered on this connection
    // Why nothing moves right now: empty, or "full: ...", "connecting to ...", or that somebody
    // else is where the store should be.
    std::string state_text() const;
    // What a crash had left half written at the end of the outbox on disk, and open() cut off, in
    // words; empty: nothing. Worth a line in a log.
    std::string outbox_cut() const;
    // Somebody else is where each of the stores should be, and has said so: nothing will move until
    // that changes. It is tried again all the same, and what was put is kept.
    bool has_only_strangers() const noexcept;
    ProducerCounters counters() const;

    // For a foreign event loop, as net::Socket::fd says.
    int fd() const noexcept;
    bool has_input() const noexcept;
    Duration wait_max() const noexcept;

private:
    struct Rest;
    explicit Producer(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::queue
