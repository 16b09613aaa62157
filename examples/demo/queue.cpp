// SPDX-License-Identifier: Apache-2.0
#include "lines.hpp"
#include "role.hpp"

#include <flotilla/net/context.hpp>
#include <flotilla/queue/consumer.hpp>
#include <flotilla/queue/producer.hpp>

#include <utility>

namespace demo {

using namespace flotilla;

namespace {

constexpr const char* queue_name = "demo";

Result<queue::Producer> open_producer(net::Context& context, const net::Endpoint& store) {
    queue::ProducerOptions options;
    options.stores = {store};
    options.answer_max = 2s;
    options.reconnect_max = 100ms;
    return queue::Producer::open(context, std::move(options));
}

} // namespace

// A storm of puts. It says "half" once half of them are confirmed, and goes on meanwhile.
Status run_put(const Arguments& arguments) {
    const auto lines = Lines::read(arguments["file"], arguments.number("rounds"));
    auto context = net::Context::open();
    auto where = net::parse_attachment(arguments["at"], net::AttachRule::connect);
    if (!lines || !context || !where)
        return fail(!lines ? lines.error() : !context ? context.error() : where.error());
    auto producer = open_producer(*context, where->endpoint);
    if (!producer)
        return fail(producer.error());
    std::uint64_t confirmed = 0;
    std::uint64_t refused = 0;
    producer->on_confirm = [&](const queue::Confirm& confirm) {
        if (confirm.outcome == queue::Confirm::Outcome::refused)
            ++refused;
        else if (++confirmed == lines->size() / 2)
            say("half");
    };
    say("ready");
    if (listen(60s) != Heard::line)
        return {};

    const std::string began = now_text();
    std::string message;
    for (std::uint64_t number = 0; number < lines->size(); ++number) {
        write_message(message, number, (*lines)[number]);
        if (auto ticket = producer->put(queue_name, ByteView{message}, {}, 60s); !ticket)
            return fail(ticket.error());
    }
    const auto left = producer->flush(60s);
    if (!left)
        return fail(left.error());
    if (*left > 0 || refused > 0)
        return fail(Errc::timeout, std::to_string(*left) + " puts were not confirmed, " +
                                       std::to_string(refused) + " refused");
    say("sent " + began);
    say("done last=" + now_text());
    return {};
}

// Takes all there is. It says "some" after a third of what it is told to expect.
Status run_drain(const Arguments& arguments) {
    Journal journal(arguments["journal"]);
    const std::uint64_t expected = arguments.number("expected");
    auto context = net::Context::open();
    auto where = net::parse_attachment(arguments["at"], net::AttachRule::connect);
    if (!context || !where)
        return fail(!context ? context.error() : where.error());
    queue::ConsumerOptions options;
    options.stores = {where->endpoint};
    options.queue = queue_name;
    options.credit = 500;
    options.reconnect_max = 100ms;
    auto consumer = queue::Consumer::open(*context, std::move(options));
    if (!consumer)
        return fail(consumer.error());
    say("ready");
    std::string last;
    for (std::uint64_t told = 0; true;) {
        if (auto message = consumer->take(50ms)) {
            journal.add(message->body[0], message->redelivered != wire::leased::Redelivered::no);
            journal.flush(); // on record; only then acknowledged
            last = now_text();
            if (journal.size() == expected / 3)
                say("some");
            if (auto acknowledged = consumer->ack(*message);
                !acknowledged && acknowledged.error().code != Errc::lease_lost)
                return acknowledged;
        } else if (message.error().code != Errc::timeout) {
            return fail(message.error());
        } else {
            if (journal.size() != told)
                say("count " + std::to_string(told = journal.size()));
            if (listen(Duration::zero()) == Heard::end)
                break;
        }
    }
    consumer->stop();
    say("done last=" + last);
    return {};
}

} // namespace demo
