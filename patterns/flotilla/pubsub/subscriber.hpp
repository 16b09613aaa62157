// SPDX-License-Identifier: Apache-2.0
//
// Subscriber: gets the messages whose topic begins with a prefix, or matches a pattern, that it
// asked for; with metadata on it counts exactly what it lost, and tells silent publishers from dead
// ones.
//
// It reads what any ZeroMQ PUB socket sends. Metadata is read only when asked for, from a last
// frame that is an envelope; a damaged one is counted and stays part of the body.
// docs/patterns/pubsub.md says what is promised.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/feed/loss.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/pubsub/liveness.hpp>
#include <flotilla/pubsub/publisher.hpp>
#include <flotilla/pubsub/topic.hpp>
#include <flotilla/wire/envelope.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace flotilla::pubsub {

using feed::LossReport;

struct SubscriberOptions {
    // On: envelopes are taken off and read, heartbeats heard, losses counted.
    Metadata metadata = Metadata::off;

    // Too slow: the subscriber disconnects itself when a message is older than lag_max at its
    // receipt (by both machines' clocks), or when it lost more than lost_messages_max since it
    // joined. Both need metadata; zero is off.
    Duration lag_max{0};                 // up to 24h
    std::uint64_t lost_messages_max = 0; //

    std::size_t subscriptions_max = 10'000;  // 1 to 1,000,000
    std::size_t topics_max = 100'000;        // counted ones, 1 to 10,000,000; a forgotten one makes
                                             // the loss count unknown
    std::size_t publishers_max = 1'000;      // 1 to 1,000,000
    std::uint32_t missed_heartbeats_max = 3; // 1 to 1,000; then a publisher is silent or dead

    std::uint32_t unread_messages_max = 10'000; // queued for us, 1 to 1,000,000
    // Security, message size limits and the like. The subscriber itself sets receive_messages_max.
    net::SocketOptions socket{};
};

struct Message {
    Blob topic{};        // topic.view() is a std::string_view of its bytes,
    wire::Frames body{}; // body[0].view() of its first frame, body.size() how many there are
    std::optional<wire::Envelope> envelope{}; // with metadata, if the publisher sent one
    bool snapshot = false; // a value from before we joined (the envelope says so)
};

struct SubscriberCounters {
    std::uint64_t received_total = 0;      // messages given to the caller
    std::uint64_t received_bytes = 0;      // their bodies
    std::uint64_t snapshots_total = 0;     // of these, cached values
    std::uint64_t old_snapshots_total = 0; // meant for other subscribers; not given to the caller
    std::uint64_t filtered_total = 0; // came by the native prefix of a pattern that did not match
    std::uint64_t reserved_total =
        0; // topics of Flotilla's own that are not heartbeats, or unasked
    std::uint64_t heartbeats_total = 0;
    std::uint64_t malformed_heartbeats_total = 0;
    std::uint64_t malformed_metadata_total = 0; // given to the caller as body
    std::uint64_t unnumbered_total = 0;         // with metadata on: messages that nobody can count
    std::uint64_t oversize_total = 0;           // dropped: over the socket's message limits
    std::uint64_t skipped_frames_total = 0;     // behind the body, in the receive of Parts
    std::uint64_t too_slow_total = 0;           // times it disconnected itself
};

// One thread owns a Subscriber at a time. The context must outlive it.
//
// Messages that are not for the caller (heartbeats, what a pattern filters out) are passed over
// inside receive(); once its time is over it passes over at most 10,000 more of them.
class Subscriber {
public:
    // Errors: bad_option (which, and its range), insecure, too_many, stopped.
    static Result<Subscriber> open(net::Context& context, SubscriberOptions options = {});
    Subscriber(Subscriber&&) noexcept;
    Subscriber& operator=(Subscriber&&) noexcept;
    ~Subscriber();

    // As net::Socket's. At most 64 endpoints (too_many).
    Result<net::Endpoint> bind(const net::Endpoint& endpoint);
    Status connect(const net::Endpoint& endpoint);
    Result<net::Endpoint> attach(const net::Attachment& attachment);

    // See topic.hpp for the two ways to ask. What is asked for twice has to be ended twice; the
    // messages come once. Errors: too_large, too_many; not_found.
    Status subscribe(ByteView prefix);
    Status unsubscribe(ByteView prefix);
    Status subscribe_pattern(const TopicPattern& pattern);
    Status unsubscribe_pattern(const TopicPattern& pattern);

    // The next message. Errors: would_block (zero wait), timeout, stopped; too_large, too_many (one
    // message was over the socket's limits, dropped and counted); refused (too slow: it is
    // disconnected, and every receive says so until rejoin()).
    Result<Message> receive(Duration wait);
    // Waits for the first message, then takes what is there, up to `messages_max`. An error only
    // when there is no message to return; the next call then tells the error.
    Result<std::vector<Message>> receive_batch(std::size_t messages_max, Duration wait);
    // The hot path: topic and first body frame, not copied. Further frames (a plain publisher's
    // multipart body) are skipped and counted; metadata is accounted for and not shown. The parts'
    // contents mean nothing after an error. Errors as above but for the limits of whole messages,
    // which are the caller's here (frame_bytes_max holds: it costs the sender the connection).
    Status receive(net::Part& topic, net::Part& body, Duration wait);

    // Connects again after being too slow. The loss counts stay; what happened in between is not
    // counted. Errors: as open, bind and connect.
    Status rejoin();

    // Exact from each topic's first message on, up to what arrived; losses at the end of a topic
    // show with the next heartbeat. Nothing is counted with metadata off.
    LossReport loss() const;
    // The publishers heard, and whether each is alive now. Empty with metadata off.
    std::vector<PublisherReport> publishers() const;
    SubscriberCounters counters() const;

    // Readable: receive until would_block. Edge-triggered as net::Socket::fd(). -1 while
    // disconnected; another after rejoin().
    int fd() const noexcept;
    // Waits until a message of any kind is there. Errors: timeout, stopped, refused.
    Status wait_readable(Duration wait);

private:
    struct Rest;
    explicit Subscriber(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::pubsub
