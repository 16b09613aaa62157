// SPDX-License-Identifier: Apache-2.0
// request::Broker between raw clients and workers that speak its protocols at the speed of C; the
// limit is a plain ROUTER-DEALER zmq_proxy between the same parties that echo.
#include "crowd.hpp"
#include "guard.hpp"
#include "ours.hpp"
#include "pairing.hpp"
#include "raw.hpp"
#include "raw_peer.hpp"

#include <flotilla/relay/relay.hpp>
#include <flotilla/request/broker.hpp>

#include <zmq.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

namespace flotilla::bench {
namespace {

constexpr std::size_t body_bytes = 100;
constexpr std::string_view service = "echo";
constexpr int hello_ms = 100; // a peer that nobody answers asks, or registers, again

enum class Talk { echo, mdp_01, mdp_02, flotilla }; // echo: plain frames, for the proxy

struct Shape {
    Talk talk = Talk::mdp_02; // of the workers; clients of mdp_01 and mdp_02 alike
    int clients = 4;
    int window = 8; // requests in flight, each client
    int workers = 32;
    std::uint32_t prefetch = 1; // mdp: set at the broker; flotilla: the capacity that is announced
    std::uint64_t warm_up = 0;
    std::uint64_t requests = 0; // measured, all clients together
    Guard guard = Guard::none;
};

using std::string_view_literals::operator""sv;

void ask(Peer& peer, Talk talk, std::string_view body) {
    switch (talk) {
    case Talk::echo:
        return peer.send({""sv, body});
    case Talk::mdp_01:
        return peer.send({""sv, "MDPC01"sv, service, body});
    default:
        return peer.send({"MDPC02"sv, "\x01"sv, service, body});
    }
}

void register_worker(Peer& peer, const Shape& shape) {
    switch (shape.talk) {
    case Talk::echo:
        return;
    case Talk::mdp_01:
        return peer.send({""sv, "MDPW01"sv, "\x01"sv, service});
    case Talk::mdp_02:
        return peer.send({"MDPW02"sv, "\x01"sv, service});
    case Talk::flotilla:
        return peer.send(
            {"FLR1"sv, "ready"sv, ""sv, service, "capacity=" + std::to_string(shape.prefetch)});
    }
}

void beat(Peer& peer, Talk talk) {
    switch (talk) {
    case Talk::echo:
        return;
    case Talk::mdp_01:
        return peer.send({""sv, "MDPW01"sv, "\x04"sv});
    case Talk::mdp_02:
        return peer.send({"MDPW02"sv, "\x05"sv});
    case Talk::flotilla:
        return peer.send({"FLR1"sv, "heartbeat"sv});
    }
}

// Answers a request with its body, handed on as it came; anything else is a heartbeat.
void answer(Peer& peer, Talk talk) {
    const std::size_t last = peer.size() - 1;
    switch (talk) {
    case Talk::echo: // address, "", body
        peer.forward(0, ZMQ_SNDMORE);
        peer.forward(1, ZMQ_SNDMORE);
        return peer.forward(last, 0);
    case Talk::mdp_01: // "", header, 2, address, "", body
        if (peer.size() != 6)
            return;
        peer.begin({""sv, "MDPW01"sv, "\x03"sv});
        peer.forward(3, ZMQ_SNDMORE);
        peer.forward(4, ZMQ_SNDMORE);
        return peer.forward(5, 0);
    case Talk::mdp_02: // header, 2, address, "", body
        if (peer.size() != 5)
            return;
        peer.begin({"MDPW02"sv, "\x04"sv});
        peer.forward(2, ZMQ_SNDMORE);
        peer.forward(3, ZMQ_SNDMORE);
        return peer.forward(4, 0);
    case Talk::flotilla: // header, request, token, service, options, body
        if (peer.size() != 6)
            return;
        peer.begin({"FLR1"sv, "final"sv});
        peer.forward(2, ZMQ_SNDMORE);
        peer.begin({""sv, ""sv});
        return peer.forward(5, 0);
    }
}

void work(void* context, const std::string& endpoint, const Shape& shape) {
    Peer peer(context, endpoint, shape.guard);
    register_worker(peer, shape);
    for (;;) {
        if (peer.receive(1'000))
            answer(peer, shape.talk);
        else
            beat(peer, shape.talk);
    }
}

void workers(Arena::Seat& seat, const Shape& shape) {
    seat.end_when_finished();
    void* const context = zmq_ctx_new();
    const std::string endpoint = seat.endpoint(0);
    const std::string other = shape.talk == Talk::echo ? seat.endpoint(1) : endpoint;
    std::vector<std::thread> threads;
    for (int i = 0; i < shape.workers; ++i)
        threads.emplace_back([&] { work(context, other, shape); });
    for (std::thread& each : threads)
        each.join(); // never: the process ends before
}

// One client: keeps its window full until it has had `requests` answers.
void converse(Peer& peer, Talk talk, int window, std::uint64_t requests,
              std::vector<double>* latencies) {
    const std::string body(body_bytes, 'x');
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
    double sent = clock_seconds();
    for (; asked < std::min<std::uint64_t>(std::uint64_t(window), requests); ++asked)
        ask(peer, talk, body);
    while (answered < requests) {
        if (!peer.receive(30'000))
            give_up("a request was not answered");
        if (peer.frame(peer.size() - 1).size() != body_bytes)
            give_up("a wrong answer");
        ++answered;
        if (latencies) {
            const double now = clock_seconds();
            latencies->push_back((now - sent) * 1e6);
            sent = now;
        }
        if (asked < requests) {
            ask(peer, talk, body);
            ++asked;
        }
    }
}

// Until there is an answer, so that the workers are known to be there.
void wait_for_service(Peer& peer, Talk talk) {
    do
        ask(peer, talk, std::string(body_bytes, 'x'));
    while (!peer.receive(hello_ms));
    while (peer.receive(3 * hello_ms)) {
    }
}

void clients(Arena::Seat& seat, const Shape& shape) {
    void* const context = zmq_ctx_new();
    const std::string endpoint = seat.endpoint(0);
    const Talk talk = shape.talk == Talk::flotilla ? Talk::mdp_02 : shape.talk;
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < shape.clients; ++i)
        peers.push_back(std::make_unique<Peer>(context, endpoint, shape.guard));
    for (auto& each : peers)
        wait_for_service(*each, talk);
    const bool timed = shape.clients == 1 && shape.window == 1;
    std::vector<double> latencies;
    const auto all_ask = [&](std::uint64_t requests) {
        std::vector<std::thread> threads;
        for (auto& each : peers)
            threads.emplace_back([&, peer = each.get()] {
                converse(*peer, talk, shape.window, requests / peers.size(),
                         timed ? &latencies : nullptr);
            });
        for (std::thread& each : threads)
            each.join();
    };
    all_ask(shape.warm_up);
    latencies.clear();
    seat.begin();
    const double began = clock_seconds();
    all_ask(shape.requests);
    const double seconds = clock_seconds() - began;
    seat.end();
    double p50 = 0;
    if (timed) {
        const auto middle = latencies.begin() + long(latencies.size() / 2);
        std::nth_element(latencies.begin(), middle, latencies.end());
        p50 = *middle;
    }
    seat.finish(seconds, p50);
}

// ---- the middle --------------------------------------------------------------------------------

void proxy(Arena::Seat& seat, const Shape&) {
    auto* const frontend = new RawSocket(ZMQ_ROUTER); // never ends: the process does
    void* const backend = zmq_socket(frontend->context(), ZMQ_DEALER);
    char bound[256];
    std::size_t size = sizeof bound;
    if (zmq_bind(backend, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(backend, ZMQ_LAST_ENDPOINT, bound, &size) != 0)
        give_up("bind");
    seat.announce(1, bound);
    seat.announce(0, frontend->bind("tcp://127.0.0.1:*"));
    zmq_proxy(frontend->get(), backend, nullptr);
}

void our_broker(Arena::Seat& seat, const Shape& shape) {
    net::Context context = open_context();
    request::BrokerOptions options;
    options.limits.service.prefetch = shape.prefetch;
    options.security = listener_security(shape.guard);
    options.permissions = permissions(shape.guard);
    auto broker = need(request::Broker::open(context, std::move(options)));
    seat.announce(0, need(broker.bind(need(net::Endpoint::parse("tcp://127.0.0.1:*")))).text());
    while (broker.process(1s)) {
    }
}

// A broker that has `idle` workers of other services beside those that are measured.
Measured measure_crowd(const Shape& shape, std::uint32_t idle) {
    const auto broker_of_many = [&](Arena::Seat& seat) {
        raise_descriptor_limit();
        net::Context context = open_context();
        request::BrokerOptions options;
        options.limits.heartbeat = 1h; // they stand around and say nothing
        auto broker = need(request::Broker::open(context, std::move(options)));
        const auto at = need(broker.bind(need(net::Endpoint::parse("tcp://127.0.0.1:*"))));
        const double empty = own_memory_mib();
        const double began = clock_seconds();
        seat.announce(1, at.text());
        while (broker.levels().workers < idle)
            (void)broker.process(100ms);
        if (idle > 0)
            std::fprintf(stderr, "%u idle workers, %u services: %.1f MiB, in %.1f s\n", idle,
                         broker.levels().services, own_memory_mib() - empty,
                         clock_seconds() - began);
        seat.end_when_finished();
        seat.announce(0, at.text());
        while (broker.process(1s)) {
        }
    };
    return Arena::run({broker_of_many, [&](Arena::Seat& seat) { workers(seat, shape); },
                       [&](Arena::Seat& seat) { clients(seat, shape); },
                       [&](Arena::Seat& seat) {
                           const Crowd crowd(seat.endpoint(1), idle);
                           seat.wait_finished();
                       }},
                      shape.requests, shape.requests + shape.warm_up);
}

// The relay in the proxy's place: both pass what echoing workers and plain clients say.
void our_queue_relay(Arena::Seat& seat, const Shape&) {
    net::Context context = open_context();
    relay::RelayOptions options;
    options.kind = relay::Kind::queue;
    options.frontend.attachments.push_back(binds("tcp://127.0.0.1:*"));
    options.backend.attachments.push_back(binds("tcp://127.0.0.1:*"));
    auto relay = need(relay::Relay::open(context, std::move(options)));
    seat.announce(1, relay.endpoints(relay::Side::backend)[0].text());
    seat.announce(0, relay.endpoints(relay::Side::frontend)[0].text());
    (void)relay.run();
}

using Middle = void (*)(Arena::Seat&, const Shape&);

Measured measure(const Shape& shape, Middle middle) {
    return Arena::run({[&](Arena::Seat& seat) {
                           seat.end_when_finished();
                           middle(seat, shape);
                       },
                       [&](Arena::Seat& seat) { workers(seat, shape); },
                       [&](Arena::Seat& seat) { clients(seat, shape); }},
                      shape.requests, shape.requests + shape.warm_up);
}

// Another program's broker, which speaks mdp_01 at `endpoint`; its CPU is not known.
Measured measure_other(const Shape& shape, const std::string& endpoint) {
    return Arena::run({[&](Arena::Seat& seat) { seat.announce(0, endpoint); },
                       [&](Arena::Seat& seat) { workers(seat, shape); },
                       [&](Arena::Seat& seat) { clients(seat, shape); }},
                      shape.requests, shape.requests + shape.warm_up);
}

} // namespace

std::vector<Match> request_matches(Scale scale, const std::string& other_broker) {
    std::vector<Match> matches;
    const auto sized = [&](Shape shape, std::uint64_t requests) {
        shape.requests = scale.of(requests);
        shape.warm_up = shape.requests / 5;
        return shape;
    };
    const auto add = [&](const char* what, double bar, const Shape& shape) {
        Shape echo = shape;
        echo.talk = Talk::echo;
        matches.push_back({"majordomo", what, bar, false, [=] { return measure(echo, &proxy); },
                           [=] { return measure(shape, &our_broker); }, true});
    };
    const auto relayed = [&](const char* what, bool latency, const Shape& shape) {
        matches.push_back({"relay", what, latency ? 1.05 : 0.95, latency,
                           [=] { return measure(shape, &proxy); },
                           [=] { return measure(shape, &our_queue_relay); }, true});
    };
    relayed("queue, 4 x 100, 32 workers", false, sized({Talk::echo, 4, 100, 32, 1}, 300'000));
    relayed("queue, round trip", true, sized({Talk::echo, 1, 1, 1, 1}, 20'000));
    add("strict, 32 workers", 0.95, sized({Talk::mdp_02, 4, 8, 32, 1}, 150'000));
    add("strict 0.1, 32 workers", 0.95, sized({Talk::mdp_01, 4, 8, 32, 1}, 150'000));
    add("prefetch 4, 4 x 100", 0.6, sized({Talk::mdp_02, 4, 100, 32, 4}, 300'000));
    add("prefetch 16, 4 x 100", 0.75, sized({Talk::mdp_02, 4, 100, 32, 16}, 300'000));
    add("4 of capacity 64", 0.6, sized({Talk::flotilla, 4, 100, 4, 64}, 300'000));
    const auto guarded = [&](Guard guard) {
        Shape shape = sized({Talk::mdp_02, 4, 100, 32, 4}, 150'000);
        shape.guard = guard;
        return [shape] { return measure(shape, &our_broker); };
    };
    for (const GuardStep& step : guard_steps)
        matches.push_back({std::string(step.area), "broker, prefetch 4, 4 x 100", 0, false,
                           guarded(step.before), guarded(step.behind), true});
    const Shape few = sized({Talk::mdp_02, 4, 8, 32, 1}, 150'000);
    const auto crowd = static_cast<std::uint32_t>(scale.of(10'000));
    matches.push_back({"majordomo-crowd", "10,000 idle workers against none", 0.95, false,
                       [=] { return measure_crowd(few, 0); },
                       [=] { return measure_crowd(few, crowd); }, true});
    if (other_broker.empty())
        return matches;
    // Against somebody else's broker: rates must be at least its own, round trips no slower.
    const auto against = [&](const char* what, bool latency, const Shape& shape) {
        matches.push_back({"majordomo-other", what, 1.0, latency,
                           [=] { return measure_other(shape, other_broker); },
                           [=] { return measure(shape, &our_broker); }});
    };
    against("round trip 0.1", true, sized({Talk::mdp_01, 1, 1, 1, 1}, 20'000));
    against("strict 0.1, 32 workers", false, sized({Talk::mdp_01, 4, 8, 32, 1}, 100'000));
    against("4 x 100, 32 workers", false, sized({Talk::mdp_01, 4, 100, 32, 1}, 100'000));
    return matches;
}

} // namespace flotilla::bench
