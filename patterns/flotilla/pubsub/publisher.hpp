// SPDX-License-Identifier: Apache-2.0
//
// Publisher: sends each message to every subscriber whose subscription is a prefix of its topic.
//
// On the wire a message is [topic][body...], as any ZeroMQ SUB socket expects; with metadata on one
// envelope frame follows. What happens to a message that one subscriber has no room for is the
// link's choice (Overflow) and is counted. docs/patterns/pubsub.md says what is promised.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/pubsub/last_value.hpp>
#include <flotilla/pubsub/subscriptions.hpp>
#include <flotilla/wire/envelope.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace flotilla::pubsub {

// What a message means for subscribers whose queue is full. Fixed when the publisher opens.
enum class Overflow : std::uint8_t {
    lossy, // they miss it, the others get it; with metadata they count what they missed
    drop,  // nobody gets it; it is counted here, and with metadata there
    block, // send() waits for room, at most block_wait, then see AfterBlock
};
enum class AfterBlock : std::uint8_t {
    error, // send() says timeout; the message is the caller's again
    drop,  // as Overflow::drop
};
enum class Metadata : std::uint8_t { off, on };

struct PublisherOptions {
    Overflow overflow = Overflow::lossy;
    Duration block_wait = 1s; // block: 1ms to 1h
    AfterBlock after_block = AfterBlock::error;

    // On: every message carries an envelope, and heartbeats are sent.
    Metadata metadata = Metadata::off;
    Duration heartbeat_interval = 1s; // 10ms to 1h
    std::size_t topics_max = 100'000; // numbered topics, 1 to 10,000,000; beyond them numbering
                                      // of the one unused for longest starts anew
    // Keeps each topic's newest message for late subscribers. entries_max at most
    // unsent_messages_max, or one who asks for everything could not take it.
    std::optional<LastValueLimits> last_value{};

    std::uint32_t unsent_messages_max = 10'000; // queued for one subscriber, 1 to 1,000,000
    Duration linger =
        1s; // 0 to 1 h; longest that closing waits, in the background, for unsent messages
    SubscriptionLimits subscriptions{};
    // Security, transport heartbeats and the like. The publisher itself sets send_messages_max,
    // linger, subscriptions, refuse_when_full and the limits of input.
    net::SocketOptions socket{};
};

struct PublisherCounters {
    std::uint64_t sent_total = 0;            // messages given to the transport
    std::uint64_t sent_bytes = 0;            // their bodies
    std::uint64_t dropped_full_total = 0;    // Overflow::drop
    std::uint64_t dropped_timeout_total = 0; // Overflow::block, AfterBlock::drop
    std::uint64_t refused_total = 0;         // Overflow::block, AfterBlock::error
    std::uint64_t heartbeats_total = 0;
    std::uint64_t heartbeats_dropped_total = 0; // a subscriber was full; a later one says the same
    std::uint64_t snapshots_total = 0;          // cached values sent to late subscribers
    std::uint64_t snapshots_dropped_total = 0;
    std::uint64_t values = 0; // cached now
    std::uint64_t values_forgotten_total = 0;
    std::uint64_t connections = 0; // now; inproc peers are not among them
    std::uint64_t subscriptions = 0;
    std::uint64_t subscriptions_ignored_total = 0; // over a limit, or of a connection that had gone
    std::uint64_t unexpected_total = 0;            // input that is no subscription
    std::uint64_t topics_forgotten_total = 0;      // of the numbered ones
};

enum class Sent : std::uint8_t {
    accepted, // the transport has it, for every subscriber that Overflow does not exclude
    dropped,  // nobody gets it; it is counted
};

// One thread owns a Publisher at a time.
//
// Subscriptions are looked after by process(), by wait_subscribers() and, at most 10 ms late or
// every 256 messages, by send() (without metadata and last values, right after a flood, three
// messages later). A publisher that may be idle calls process() by next_deadline(), or its
// heartbeats do not go out and late subscribers wait for their values.
class Publisher {
public:
    // Errors: bad_option (which, and its range), insecure, too_many, stopped.
    static Result<Publisher> open(net::Context& context, PublisherOptions options = {});
    Publisher(Publisher&&) noexcept;
    Publisher& operator=(Publisher&&) noexcept;
    ~Publisher(); // close(options.linger)

    // As net::Socket's.
    Result<net::Endpoint> bind(const net::Endpoint& endpoint);
    Status connect(const net::Endpoint& endpoint);
    Result<net::Endpoint> attach(const net::Attachment& attachment);

    // Errors of every send, with nothing sent and the caller's body untouched: too_large (topic
    // over topic_bytes_max), too_many (with the topic, and the envelope if there is one, more than
    // wire::Frames::frames_max), refused (reserved topic), timeout (block), stopped (also: closed).
    // Waits only with Overflow::block.
    Result<Sent> send(ByteView topic, ByteView body);      // copied
    Result<Sent> send(ByteView topic, net::Part& body);    // taken, not copied
    Result<Sent> send(ByteView topic, wire::Frames& body); // taken; may have no frames at all
    // With fields of the caller's; time and numbers are filled in. More errors: unsupported
    // (metadata is off), and those of wire::encode.
    Result<Sent> send(ByteView topic, wire::Frames& body, const wire::Envelope& envelope);

    // Waits until `count` connections would get a message of this topic; then none of them misses
    // the next one. Behind a relay the relay is the connection. Errors: timeout (says how many
    // there are), stopped.
    Status wait_subscribers(std::size_t count, ByteView topic, Duration wait);
    // As of the last process(), wait_subscribers() or upkeep of send().
    std::size_t subscriber_count(ByteView topic) const;

    // Makes late subscribers of this topic get nothing until it is sent again.
    bool forget_value(ByteView topic);

    // Reads subscriptions and connection events, answers late subscribers, sends a heartbeat if it
    // is due. Never waits. Errors: stopped.
    Status process();
    // When to call process() at the latest, whatever fd() says.
    Instant next_deadline() const noexcept;
    // Readable: call process(). Edge-triggered as net::Socket::fd(): after a send call it too.
    int fd() const noexcept;
    // Sends a heartbeat that names every topic, now. Nothing with metadata off. Errors: stopped.
    Status send_heartbeat();

    // Sends a last heartbeat and closes; what is unsent goes out in the background within `linger`,
    // up to 1h. Errors: bad_option. The second time does nothing.
    Status close(Duration linger);

    PublisherCounters counters() const;
    std::uint64_t epoch() const noexcept; // names this publisher in metadata

private:
    struct Rest;
    explicit Publisher(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::pubsub
