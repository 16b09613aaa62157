// SPDX-License-Identifier: Apache-2.0
//
// The private members of Publisher: its sockets and tables, and the upkeep between messages.
#pragma once

#include <flotilla/net/monitor.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pubsub/numbering.hpp>
#include <flotilla/pubsub/publisher.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace flotilla::pubsub {

struct Publisher::Rest {
    // How far sends go between two looks at the subscriptions. A look costs about a microsecond,
    // so it is hidden at this distance; the clock's tick bounds it for a slow publisher.
    static constexpr std::uint32_t sends_between_looks = 256;
    static constexpr Duration time_between_looks = 10ms;
    // A flood does not read the clock with every message, which costs as much as all else that is
    // ours. Only where neither heartbeats nor values wait for the look.
    static constexpr std::uint32_t flood_sends_between_clock_reads = 4;
    static constexpr std::uint32_t flood_sends_min = 64; // between two looks
    static constexpr Duration idle_look = 1s;            // of a foreign loop whose fd() stays quiet
    static constexpr std::size_t input_messages_max = 10'000; // read in one look

    Rest(PublisherOptions given, net::Socket opened, net::Monitor watching, std::uint64_t name);

    Status look(); // subscriptions, connections, heartbeats
    Status beat(Numbering::Which which);

    // A send in steps. First what may be refused, and the upkeep if it is due; mostly nothing.
    Status prepare(ByteView topic) { return is_ready(topic) ? Status{} : get_ready(topic); }
    bool is_ready(ByteView topic) noexcept {
        return topic.size() <= topic_bytes_max && !is_reserved(topic) && socket && !look_due();
    }
    Status get_ready(ByteView topic); // is_ready() said no
    // A body's frames, shared. Errors: too_many (more than receivers take).
    Result<std::vector<net::Part>> parts_of(const wire::Frames& body) const;
    // Then the first frame, by the overflow policy. Accepted: the other frames must follow, and
    // finish() after them.
    Result<Sent> begin(ByteView topic, net::More more) {
        if (Status sent = socket->send(topic, more, Duration::zero()); !sent) [[unlikely]]
            return not_at_once(std::move(sent), topic, more);
        return Sent::accepted;
    }
    void finish(std::size_t bytes) noexcept {
        ++counts.sent_total;
        counts.sent_bytes += bytes;
    }
    // begin() to finish() for a message of which the transport has taken so many frames, 0 or 1.
    Result<Sent> send_waiting(ByteView topic, ByteView body, int taken);
    // begin() to finish(). On success the parts are taken.
    Result<Sent> hand_over(ByteView topic, net::Part* parts, std::size_t count);

    // All steps.
    Result<Sent> transmit(ByteView topic, net::Part* parts, std::size_t count);
    Result<Sent> transmit_with_metadata(ByteView topic, std::vector<net::Part>& parts,
                                        wire::Envelope envelope);
    Result<Sent> transmit_with_metadata(ByteView topic, net::Part& body);
    Result<Sent> copy_with_metadata(ByteView topic, ByteView body);

    PublisherOptions options;
    std::optional<net::Socket> socket; // none: closed
    std::optional<net::Monitor> monitor;
    std::uint64_t epoch;
    bool plain; // neither metadata nor last values: the short way
    Numbering numbering;
    SubscriptionTable table;
    std::optional<LastValueTable> values;
    wire::Writer scratch{};
    std::uint32_t sends_since_look = 0;
    std::uint32_t sends_between_clock_reads = 1;
    std::uint32_t clock_read_at = 0; // by sends_since_look
    Instant look_at{};               // at the latest
    Instant beat_at = never;
    PublisherCounters counts{};

private:
    bool look_due() noexcept {
        if (++sends_since_look < clock_read_at)
            return false;
        clock_read_at = sends_since_look + sends_between_clock_reads;
        return sends_since_look >= sends_between_looks || net::recent_now() >= look_at;
    }
    // What one look does.
    Status read_subscriptions();
    void read_events();
    void apply(net::Part& message);
    void send_values_under(ByteView prefix);
    bool send_value(ByteView topic, const wire::Frames& frames);
    // The first frame was not taken at once: `sent` is why.
    Result<Sent> not_at_once(Status&& sent, ByteView topic, net::More more);
    Result<Sent> overflowed();
};

} // namespace flotilla::pubsub
