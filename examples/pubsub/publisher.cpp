// SPDX-License-Identifier: Apache-2.0
//
// Publishes a few readings when somebody listens: publisher [ENDPOINT] [COUNT]
// Partners: subscriber.cpp, subscriber.py.
#include <flotilla/net/context.hpp>
#include <flotilla/pubsub/publisher.hpp>

#include <iostream>
#include <string>

using namespace flotilla;

static int failed(const Error& error) {
    std::cerr << "publisher: " << to_string(error) << '\n';
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
    pubsub::PublisherOptions options;
    options.metadata = pubsub::Metadata::on; // so that subscribers can count what they lose
    auto publisher = pubsub::Publisher::open(*context, options);
    if (!publisher)
        return failed(publisher.error());
    if (const auto bound = publisher->bind(*endpoint); !bound)
        return failed(bound.error());

    // Without this the first messages would go to nobody.
    if (const auto waited = publisher->wait_subscribers(1, "weather.oslo", 30s); !waited)
        return failed(waited.error());
    for (int i = 1; i <= count; ++i)
        for (const std::string city : {"oslo", "rome"})
            if (auto sent = publisher->send("weather." + city, std::to_string(i)); !sent)
                return failed(sent.error());
    std::cout << "sent " << publisher->counters().sent_total << '\n';
    if (const auto closed = publisher->close(5s); !closed)
        return failed(closed.error());
}
