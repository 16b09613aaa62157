// SPDX-License-Identifier: Apache-2.0
#include "lines.hpp"
#include "role.hpp"

#include <flotilla/net/context.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/pubsub/publisher.hpp>
#include <flotilla/pubsub/subscriber.hpp>

namespace demo {

using namespace flotilla;

namespace {

constexpr ByteView topic = "line";
constexpr ByteView probe = "probe";

// Through a relay the publisher sees only the relay: it sends probes until the steps have heard
// from every subscriber, whose subscription to the lines went before the one to probes.
Status wait_probed(pubsub::Publisher& publisher) {
    while (true) {
        if (auto sent = publisher.send(probe, ByteView{}); !sent)
            return fail(sent.error());
        switch (listen(10ms)) {
        case Heard::line:
            return {};
        case Heard::end:
            return fail(Errc::stopped, "the demo ended");
        case Heard::nothing:
            break;
        }
    }
}

Status send_lines(pubsub::Publisher& publisher, const Lines& lines) {
    const std::string began = now_text();
    std::string message;
    for (std::uint64_t number = 0; number < lines.size(); ++number) {
        write_message(message, number, lines[number]);
        if (auto sent = publisher.send(topic, ByteView{message}); !sent)
            return fail(sent.error());
    }
    say("sent " + began);
    // The heartbeats that follow tell a subscriber what it lost at the end.
    while (listen(10ms) != Heard::end)
        if (auto turned = publisher.process(); !turned)
            return turned;
    return {};
}

} // namespace

Status run_publish(const Arguments& arguments) {
    const auto lines = Lines::read(arguments["file"], arguments.number("rounds"));
    auto context = net::Context::open();
    auto where = net::parse_attachment(arguments["at"], net::AttachRule::connect);
    if (!lines || !context || !where)
        return fail(!lines ? lines.error() : !context ? context.error() : where.error());
    pubsub::PublisherOptions options;
    options.metadata = pubsub::Metadata::on;
    options.heartbeat_interval = 50ms;
    if (arguments.has("lossy")) {
        options.unsent_messages_max = 1'000;
        options.socket.kernel_send_bytes = 64 << 10;
    } else {
        options.overflow = pubsub::Overflow::block;
        options.block_wait = 60s;
    }
    auto publisher = pubsub::Publisher::open(*context, std::move(options));
    if (!publisher)
        return fail(publisher.error());
    auto attached = publisher->attach(*where);
    if (!attached)
        return fail(attached.error());
    say("ready " + attached->text());
    if (listen(60s) != Heard::line)
        return {};

    const Status joined =
        arguments.has("probe")
            ? wait_probed(*publisher)
            : publisher->wait_subscribers(arguments.number("subscribers"), topic, 60s);
    if (!joined)
        return joined;
    return send_lines(*publisher, *lines);
}

Status run_subscribe(const Arguments& arguments) {
    Journal journal(arguments["journal"]);
    auto context = net::Context::open();
    auto where = net::parse_attachment(arguments["at"], net::AttachRule::connect);
    if (!context || !where)
        return fail(!context ? context.error() : where.error());
    pubsub::SubscriberOptions options;
    options.metadata = pubsub::Metadata::on;
    if (arguments.has("lossy")) {
        options.unread_messages_max = 1'000;
        options.socket.kernel_receive_bytes = 64 << 10;
    }
    auto subscriber = pubsub::Subscriber::open(*context, std::move(options));
    if (!subscriber)
        return fail(subscriber.error());
    for (const ByteView prefix : {topic, probe})
        if (auto subscribed = subscriber->subscribe(prefix); !subscribed)
            return subscribed;
    if (auto attached = subscriber->attach(*where); !attached)
        return fail(attached.error());
    say("ready");
    // The slow one reads nothing until the publisher has finished.
    if (arguments.has("lossy") && listen(60s) != Heard::line)
        return {};

    Instant last{};
    bool joined = false;
    std::uint64_t told = 0;
    net::Part heard;
    net::Part body;
    while (true) {
        if (auto received = subscriber->receive(heard, body, 20ms)) {
            if (heard.view() == topic) {
                journal.add(body.view());
                last = net::now();
            } else if (!joined) {
                joined = true;
                say("joined");
            }
        } else if (received.error().code != Errc::timeout) {
            return received;
        } else {
            const std::uint64_t known = journal.size() + subscriber->loss().lost;
            if (known != told)
                say("count " + std::to_string(told = known));
            if (listen(Duration::zero()) == Heard::end)
                break;
        }
    }
    journal.flush();
    say("done last=" + std::to_string(last.time_since_epoch().count()) +
        " counted_lost=" + std::to_string(subscriber->loss().lost));
    return {};
}

} // namespace demo
