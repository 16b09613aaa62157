// SPDX-License-Identifier: Apache-2.0
// A publisher bound on a port of its own, subscribers connected to it, and waiting for both.
#pragma once

#include <flotilla/net/system.hpp>
#include <flotilla/pubsub/publisher.hpp>
#include <flotilla/pubsub/subscriber.hpp>

#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/scratch.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace flotilla::test {

// Long enough for what is on its way over loopback; only what must not come waits for it.
inline constexpr Duration quiet = 200ms;

inline pubsub::SubscriberOptions counting() {
    pubsub::SubscriberOptions options;
    options.metadata = pubsub::Metadata::on;
    return options;
}

class Link {
public:
    explicit Link(pubsub::PublisherOptions options = {})
        : Link(std::move(options), test::any_tcp()) {}
    Link(pubsub::PublisherOptions options, const net::Endpoint& where)
        : context_(take(net::Context::open())),
          publisher(take(pubsub::Publisher::open(context_, std::move(options)))),
          endpoint(take(publisher.bind(where))) {}

    template <class T>
    static T take(Result<T> result) {
        if (!result)
            FAIL(to_string(result.error()));
        return std::move(*result);
    }

    net::Context& context() { return context_; }

    pubsub::Subscriber subscriber(pubsub::SubscriberOptions options = {}) {
        auto made = take(pubsub::Subscriber::open(context_, std::move(options)));
        REQUIRE(made.connect(endpoint));
        return made;
    }
    net::Socket raw_subscriber(std::string_view prefix) {
        auto made = take(net::Socket::open(context_, net::SocketType::sub));
        REQUIRE(made.subscribe(prefix));
        REQUIRE(made.connect(endpoint));
        return made;
    }
    void await(std::size_t count, std::string_view topic) {
        const auto there = publisher.wait_subscribers(count, topic, patience);
        if (!there)
            FAIL(to_string(there.error()));
    }
    // Until fewer than `count` subscribers are left.
    void await_fewer(std::size_t count, std::string_view topic) {
        const Instant deadline = deadline_after(net::now(), patience);
        while (publisher.subscriber_count(topic) >= count) {
            REQUIRE(net::now() < deadline);
            REQUIRE(publisher.process());
        }
    }

private:
    net::Context context_;

public:
    pubsub::Publisher publisher;
    net::Endpoint endpoint;
};

inline std::string text(const pubsub::Message& message) {
    std::string all{message.topic.view()};
    for (std::size_t i = 0; i < message.body.size(); ++i)
        all += "|" + std::string{message.body[i].view()};
    return all;
}

inline std::string next_text(pubsub::Subscriber& subscriber, Duration wait = patience) {
    auto message = subscriber.receive(wait);
    return message ? text(*message) : std::string{name(message.error().code)};
}

inline void publish(pubsub::Publisher& publisher, std::string_view topic, std::string_view body) {
    const auto sent = publisher.send(topic, body);
    REQUIRE(sent);
    REQUIRE(*sent == pubsub::Sent::accepted);
}

} // namespace flotilla::test
