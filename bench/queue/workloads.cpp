// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "ours.hpp"

#include <flotilla/net/system.hpp>
#include <flotilla/queue/consumer.hpp>
#include <flotilla/queue/producer.hpp>
#include <flotilla/wire/pack.hpp>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

namespace flotilla::bench {
namespace {

// CPU and memory of the server, from here to done().
class Meter {
public:
    explicit Meter(const Server& server)
        : server_(server), memory_(server.pid()), cpu_(server.cpu_seconds()),
          began_(clock_seconds()) {}
    Figures done(std::uint64_t messages) const {
        Figures figures;
        figures.messages = messages;
        figures.seconds = clock_seconds() - began_;
        figures.server_cpu_seconds = server_.cpu_seconds() - cpu_;
        figures.own_mib = memory_.own_mib();
        figures.file_mib = memory_.file_mib();
        return figures;
    }

private:
    const Server& server_;
    PeakMemory memory_;
    double cpu_;
    double began_;
};

queue::Producer open_producer(net::Context& context, const Server& server, const Load& load) {
    queue::ProducerOptions options;
    options.stores = {server.endpoint()};
    options.window_messages = load.window;
    options.window_bytes = std::max<std::uint64_t>(4 << 20, load.window * load.bytes * 2);
    options.outbox_messages_max = load.window;
    options.outbox_bytes_max = options.window_bytes;
    return need(queue::Producer::open(context, std::move(options)));
}

std::string payload(const Load& load) {
    std::string body(std::max<std::size_t>(load.bytes, 16), '\0');
    std::uint64_t state = 88172645463325252ULL; // nothing that compresses
    for (char& each : body) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        each = static_cast<char>(state);
    }
    return body;
}

void put_all(const Server& server, const std::string& queue, const Load& load,
             std::uint64_t messages) {
    net::Context context = open_context();
    queue::Producer producer = open_producer(context, server, load);
    std::uint64_t refused = 0;
    producer.on_confirm = [&refused](const queue::Confirm& confirm) {
        refused += confirm.outcome == queue::Confirm::Outcome::refused ? 1 : 0;
    };
    std::string body = payload(load);
    for (std::uint64_t next = 0; next < messages;) {
        wire::store_u64(body.data(), next);
        const auto ticket = producer.put(queue, ByteView{body}, {}, 10s);
        if (!ticket)
            give_up("put: " + to_string(ticket.error()));
        ++next;
    }
    if (need(producer.flush(60s)) != 0 || refused > 0)
        give_up("puts were not confirmed");
}

queue::Consumer open_consumer(net::Context& context, const Server& server,
                              const std::string& queue) {
    queue::ConsumerOptions options;
    options.stores = {server.endpoint()};
    options.queue = queue;
    options.credit = 10'000;
    options.renew_in_background = false;
    return need(queue::Consumer::open(context, std::move(options)));
}

void take_all(const Server& server, const std::string& queue, std::uint64_t messages) {
    net::Context context = open_context();
    queue::Consumer consumer = open_consumer(context, server, queue);
    for (std::uint64_t taken = 0; taken < messages; ++taken) {
        auto message = consumer.take(30s);
        if (!message)
            give_up("take: " + to_string(message.error()));
        need(consumer.ack(*message));
    }
    consumer.stop();
}

double percentile(std::vector<double>& values, double part) {
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, std::size_t(double(values.size()) * part))];
}

} // namespace

Figures publish(const Server& server, const std::string& queue, const Load& load) {
    const Meter meter(server);
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < load.producers; ++i)
        threads.emplace_back([&] { put_all(server, queue, load, load.messages / load.producers); });
    for (std::thread& each : threads)
        each.join();
    return meter.done(load.messages / load.producers * load.producers);
}

Figures drain(const Server& server, const std::string& queue, const Load& load) {
    const Meter meter(server);
    take_all(server, queue, load.messages);
    return meter.done(load.messages);
}

Figures end_to_end(const Server& server, const std::string& queue, const Load& load) {
    const Meter meter(server);
    std::thread taking([&] { take_all(server, queue, load.messages); });
    put_all(server, queue, load, load.messages);
    taking.join();
    return meter.done(load.messages);
}

Figures lone_puts(const Server& server, const std::string& queue, const Load& load) {
    net::Context context = open_context();
    queue::Producer producer = open_producer(context, server, load);
    const std::string body = payload(load);
    std::vector<double> times;
    const Meter meter(server);
    for (std::uint64_t i = 0; i < load.messages; ++i) {
        const double before = clock_seconds();
        const auto ticket = producer.put(queue, ByteView{body}, {}, 1s);
        if (!ticket)
            give_up("put: " + to_string(ticket.error()));
        if (need(producer.flush(30s)) != 0)
            give_up("a put was not confirmed");
        times.push_back((clock_seconds() - before) * 1e6);
    }
    Figures figures = meter.done(load.messages);
    figures.p50_us = percentile(times, 0.5);
    figures.p99_us = percentile(times, 0.99);
    return figures;
}

} // namespace flotilla::bench
