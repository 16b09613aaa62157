// SPDX-License-Identifier: Apache-2.0
// Publisher and Subscriber in plain mode against PUB and SUB with the same two frames. Queues have
// room for every message, so that nothing is dropped and both carry the same.
#include "ours.hpp"
#include "pairing.hpp"
#include "raw.hpp"

#include <flotilla/pubsub/publisher.hpp>
#include <flotilla/pubsub/subscriber.hpp>

#include <zmq.h>

#include <ctime>

namespace flotilla::bench {
namespace {

constexpr int queue_messages = 1'000'000;
constexpr const char* topic = "topic";

// Sends `wake` until the subscriber has announced itself as endpoint 1, then everything.
template <class Send>
void publish_all(Arena::Seat& seat, const Flow& flow, Send&& send) {
    const std::string wake(flow.bytes, 'w');
    const std::string body(flow.bytes, 'x');
    const timespec pause{0, 1'000'000};
    while (!seat.is_known(1)) {
        send(wake);
        ::nanosleep(&pause, nullptr);
    }
    for (std::uint64_t i = 0; i < flow.warm_up; ++i)
        send(body);
    seat.begin();
    for (std::uint64_t i = 0; i < flow.messages; ++i)
        send(body);
    seat.wait_finished();
    seat.end();
}

// `receive` gives the first byte of the body.
template <class Receive>
void take_all(Arena::Seat& seat, const Flow& flow, Receive&& receive) {
    (void)receive();
    seat.announce(1, "subscribed");
    while (receive() == 'w') {
    }
    for (std::uint64_t i = 1; i < flow.warm_up; ++i)
        (void)receive();
    seat.begin();
    const double began = clock_seconds();
    for (std::uint64_t i = 0; i < flow.messages; ++i)
        (void)receive();
    const double seconds = clock_seconds() - began;
    seat.end();
    seat.finish(seconds);
}

} // namespace

void raw_publish(Arena::Seat& seat, const Flow& flow, RawSocket& socket) {
    publish_all(seat, flow, [&](const std::string& body) {
        if (zmq_send(socket.get(), topic, 5, ZMQ_SNDMORE) < 0 ||
            zmq_send(socket.get(), body.data(), body.size(), 0) < 0)
            give_up("send");
    });
}

void raw_subscribe(Arena::Seat& seat, const Flow& flow, int endpoint) {
    RawSocket socket(ZMQ_SUB);
    socket.set(ZMQ_RCVHWM, queue_messages);
    zmq_setsockopt(socket.get(), ZMQ_SUBSCRIBE, topic, 5);
    socket.connect(seat.endpoint(endpoint));
    zmq_msg_t name;
    zmq_msg_t body;
    zmq_msg_init(&name);
    zmq_msg_init(&body);
    take_all(seat, flow, [&] {
        if (zmq_msg_recv(&name, socket.get(), 0) < 0 ||
            zmq_msg_recv(&body, socket.get(), 0) != int(flow.bytes))
            give_up("receive");
        return *static_cast<const char*>(zmq_msg_data(&body));
    });
}

namespace {

Measured measure_raw(const Flow& flow) {
    return Arena::run({[&](Arena::Seat& seat) {
                           RawSocket socket(ZMQ_PUB);
                           socket.set(ZMQ_SNDHWM, queue_messages);
                           seat.announce(0, socket.bind(fresh_endpoint(flow.transport)));
                           raw_publish(seat, flow, socket);
                       },
                       [&](Arena::Seat& seat) { raw_subscribe(seat, flow, 0); }},
                      flow.messages);
}

void publish(Arena::Seat& seat, const Flow& flow) {
    net::Context context = open_context();
    pubsub::PublisherOptions options;
    options.unsent_messages_max = queue_messages;
    options.linger = 0s;
    auto publisher = need(pubsub::Publisher::open(context, std::move(options)));
    seat.announce(0, need(publisher.attach(binds(fresh_endpoint(flow.transport)))).text());
    publish_all(seat, flow, [&](const std::string& body) {
        if (!publisher.send(topic, ByteView{body}))
            give_up("send");
    });
}

void subscribe(Arena::Seat& seat, const Flow& flow) {
    net::Context context = open_context();
    pubsub::SubscriberOptions options;
    options.unread_messages_max = queue_messages;
    auto subscriber = need(pubsub::Subscriber::open(context, std::move(options)));
    need(subscriber.subscribe(topic));
    need(subscriber.attach(connects(seat.endpoint(0))));
    net::Part name;
    net::Part body;
    take_all(seat, flow, [&] {
        if (!subscriber.receive(name, body, no_limit) || body.size() != flow.bytes)
            give_up("receive");
        return *body.data();
    });
}

Measured measure(const Flow& flow) {
    return Arena::run({[&](Arena::Seat& seat) { publish(seat, flow); },
                       [&](Arena::Seat& seat) { subscribe(seat, flow); }},
                      flow.messages);
}

} // namespace

std::vector<Match> pubsub_matches(Scale scale) {
    std::vector<Match> matches;
    const auto add = [&](std::size_t bytes, std::uint64_t messages) {
        const Flow flow{"tcp", bytes, scale.of(messages / 5), scale.of(messages)};
        matches.push_back({"pubsub-plain", "tcp " + std::to_string(bytes) + " B", 0.95, false,
                           [flow] { return measure_raw(flow); }, [flow] { return measure(flow); }});
    };
    add(16, 800'000);
    add(100, 700'000);
    add(1'024, 300'000);
    add(65'536, 12'000);
    return matches;
}

} // namespace flotilla::bench
