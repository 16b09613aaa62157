// SPDX-License-Identifier: Apache-2.0
//
// The private members of Subscriber: its socket and tables, and how a message is taken apart.
#pragma once

#include <flotilla/pubsub/filter.hpp>
#include <flotilla/pubsub/subscriber.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::pubsub {

struct Subscriber::Rest {
    static constexpr std::size_t endpoints_max = 64;
    static constexpr std::size_t passed_over_max = 10'000; // messages, beyond the deadline

    Rest(net::Context& where, SubscriberOptions given);

    Status open_socket();
    Status join();
    Result<net::Endpoint> attach(const net::Attachment& attachment);
    Status unconnected() const;
    void filter_grew() noexcept;
    void filter_shrank();

    // The first frame of the next message that is for the caller.
    Status next_topic(net::Part& topic, Duration wait);
    // The frames behind it. On error the message is gone.
    Result<Message> read_message(net::Part& topic);

    enum class Verdict : std::uint8_t {
        deliver,
        pass_over, // not for the caller
        too_slow,  // we are disconnected now
    };
    // Counts one message by its metadata.
    Verdict account(ByteView topic, const wire::Envelope* envelope);
    // read_message and account for the receive of Parts.
    Result<Verdict> read_body(const net::Part& topic, net::Part& body);
    void delivered(std::size_t bytes) noexcept {
        ++counts.received_total;
        counts.received_bytes += bytes;
    }

    // All of the receive of Parts, unless everything is wanted.
    Status receive_wanted(net::Part& topic, net::Part& body, Duration wait);
    // And when everything is, after an attempt that found nothing.
    Status receive_waiting(net::Part& topic, net::Part& body, Duration wait);
    void pass_over_behind(const net::Part& body); // further frames of its message

    net::Context* context;
    SubscriberOptions options;
    std::optional<net::Socket> socket; // none: too slow
    std::string why_disconnected{};
    std::vector<net::Attachment> attachments{}; // wildcards resolved
    Filter filter;
    feed::LossAccount losses;
    PublisherTable heard;
    std::uint64_t lost_at_join = 0;
    // Whatever comes is for the caller as it is: the short way.
    bool everything_is_wanted = false;
    SubscriberCounters counts{};

private:
    Status take_reserved(net::Part& topic);
    Status receive_first(net::Part& topic, Duration wait);
    std::size_t skip_frames(const net::Part& last_read);
    Status read_heartbeat(ByteView body);
    std::optional<wire::Envelope> read_envelope(ByteView frame);
    bool lost_too_many();
    void disconnect(std::string why);
};

} // namespace flotilla::pubsub
