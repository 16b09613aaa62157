// SPDX-License-Identifier: Apache-2.0
//
// Plan: what a relay is made of, checked before anything is opened. Pure values.
//
//     kind        frontend (senders)   backend (receivers)   what passes
//     forwarder   XSUB                 XPUB                  topics down, subscriptions up
//     queue       ROUTER               DEALER                requests down, replies up
//     streamer    PULL                 PUSH                  work down
#pragma once

#include <flotilla/base/judge.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/net/socket.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::relay {

enum class Kind : std::uint8_t { forwarder, queue, streamer };
std::string_view name(Kind kind) noexcept; // "forwarder"
std::optional<Kind> kind_named(std::string_view name) noexcept;

enum class Side : std::uint8_t { frontend, backend };
std::string_view name(Side side) noexcept; // "frontend"
constexpr Side opposite(Side side) noexcept {
    return side == Side::frontend ? Side::backend : Side::frontend;
}

// A forwarder's message that does not fit the queue of every matching subscriber.
struct Overflow {
    enum class Policy : std::uint8_t {
        lossy, // it is lost for the full subscribers alone, who can count it; nobody else notices
        drop,  // nobody gets it; counted here, exactly
        block, // reading waits for room, at most block_wait; then as drop
    };
    Policy policy = Policy::lossy;
    Duration block_wait = 100ms; // block only: 1ms to 1h
};
// "lossy", "drop", "block" or "block:250ms". Errors: bad_option.
Result<Overflow> parse_overflow(std::string_view text);
std::string format_overflow(const Overflow& overflow);

// What is remembered for subscribers that come later.
struct LastValueLimits {
    // 1 to messages_max, as a new subscriber's queue gets all values at once. The least recently
    // sent is forgotten.
    std::size_t topics_max = 100'000;
    std::uint64_t bytes_max = 256ULL << 20; // of frames and topics; 1 KiB to 1 TiB
};

// A subscriber that asked for more than there is room for.
struct Excess {
    std::string user{};      // whom the rules know by that; empty: nobody
    std::string address{};   // "10.0.0.7:50123"; empty: not over TCP
    std::size_t topics;      // that he had asked for until then; there may be more to come
    std::uint64_t bytes;     // that they take, about
    std::string one_topic{}; // of them
    bool is_tap;
};

struct SideOptions {
    std::vector<net::Attachment> attachments{}; // 1 to 64
    net::Security security{};                   // plaintext, on this machine only
};

struct RelayOptions {
    // In logs and capture topics: 1 to 64 of letters, digits, '-' and '_'.
    std::string name = "relay";
    Kind kind = Kind::forwarder;
    SideOptions frontend{};
    SideOptions backend{};
    // Where a copy of every message is published (docs/protocol/capture.md); lossy, never waits.
    std::optional<SideOptions> capture{};

    // Queue length of each connection on either side, 1 to 1,000,000. Absent: 131,072 for a
    // forwarder, because a full one loses, and 1,000 for the others, because a full one pushes
    // back. A stopped peer can pin this many messages.
    std::optional<std::uint32_t> messages_max{};
    std::uint32_t capture_messages_max = 10'000; // the same for each tap
    // A frame beyond frame_bytes_max costs its sender the connection. A message beyond the other
    // two is dropped whole and counted.
    std::uint64_t frame_bytes_max = 64ULL << 20;    // 1 B to 1 TiB
    std::uint64_t message_bytes_max = 256ULL << 20; // 1 B to 1 TiB
    std::uint32_t frames_max = 1024;                // 1 to 1024

    Overflow overflow{};                         // forwarder
    std::optional<LastValueLimits> last_value{}; // forwarder; absent: nothing is remembered
    // Queue: replies kept for a client that does not read, beyond its connection's queue; a further
    // one is dropped and counted.
    std::uint32_t reply_backlog_messages_max = 1'000;    // for one client, 1 to 1,000,000
    std::uint64_t reply_backlog_bytes_max = 64ULL << 20; // for all clients, 1 B to 1 TiB

    // Not empty: the name under which this relay notes in each message with an envelope when it
    // came and left (wire/hop.hpp). A message without an envelope, or without room, passes as it
    // is.
    std::string hop_instance{};

    // What the topics of all subscribers, and of all taps, may take in memory, about: 160 bytes for
    // each subscription; of each topic 256 and 64 for each of its bytes. Beyond it, who asked for
    // most is cut off. 64 KiB to 1 TiB.
    std::uint64_t subscriptions_bytes_max = 256ULL << 20;
    // Called on the relay's thread with whom that concerned.
    std::function<void(const Excess&)> on_excess{};

    // Who may publish, subscribe, call, serve or put; set_permissions() changes it. nullptr:
    // everybody everything, for good where it is a forwarder.
    std::shared_ptr<const Permissions> permissions{};
    // Called on the relay's thread with what was refused.
    std::function<void(const Refusal&)> on_refused{};

    // Called on the relay's thread with what happens to connections of either side, failed
    // handshakes among it. Absent: nobody watches.
    std::function<void(Side, const net::ConnectionEvent&)> on_connection{};
};

// Options found right, and what follows from them.
struct Plan {
    static constexpr std::size_t attachments_max = 64;
    // A longer subscription costs the subscriber its connection: libzmq remembers each byte of it
    // in a node of its own. Topics of Flotilla have 255 bytes at most.
    static constexpr std::uint64_t subscription_bytes_max = 1ULL << 10;

    RelayOptions options{};
    net::SocketType frontend_type{};
    net::SocketType backend_type{};
    net::SocketOptions frontend{};
    net::SocketOptions backend{};
    net::SocketOptions capture{};

    // Errors: bad_option, bad_endpoint, insecure; each names the relay and the option.
    static Result<Plan> make(RelayOptions options);

    // Whether subscriptions take effect only when the relay says so.
    bool answers_subscriptions() const noexcept {
        return options.kind == Kind::forwarder && (options.last_value || options.permissions);
    }
    net::SocketType type(Side side) const noexcept {
        return side == Side::frontend ? frontend_type : backend_type;
    }
};

} // namespace flotilla::relay
