// SPDX-License-Identifier: Apache-2.0
//
// Prints readings of one city and says what it lost: subscriber [ENDPOINT] [COUNT]
// Partners: publisher.cpp, publisher.py.
#include <flotilla/net/context.hpp>
#include <flotilla/pubsub/subscriber.hpp>

#include <iostream>
#include <string>

using namespace flotilla;

static int failed(const Error& error) {
    std::cerr << "subscriber: " << to_string(error) << '\n';
    return 1;
}

int main(int argc, char** argv) {
    const auto endpoint = net::Endpoint::parse(argc > 1 ? argv[1] : "tcp://127.0.0.1:5556");
    if (!endpoint)
        return failed(endpoint.error());
    const int count = argc > 2 ? std::stoi(argv[2]) : 10;

    auto context = net::Context::open();
    if (!context)
        return failed(context.error());
    pubsub::SubscriberOptions options;
    options.metadata = pubsub::Metadata::on; // a plain publisher's messages come all the same
    auto subscriber = pubsub::Subscriber::open(*context, options);
    if (!subscriber)
        return failed(subscriber.error());
    const auto pattern = pubsub::TopicPattern::parse("*.oslo");
    if (const auto asked = subscriber->subscribe_pattern(*pattern); !asked)
        return failed(asked.error());
    if (const auto connected = subscriber->connect(*endpoint); !connected)
        return failed(connected.error());

    for (int i = 0; i < count; ++i) {
        const auto message = subscriber->receive(30s);
        if (!message)
            return failed(message.error());
        std::cout << message->topic.view() << ' ' << message->body[0].view() << '\n';
    }
    std::cout << "lost " << subscriber->loss().lost << '\n';
}
