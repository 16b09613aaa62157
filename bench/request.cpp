// SPDX-License-Identifier: Apache-2.0
// request::Broker between raw clients and workers that speak its protocols at the speed of C; the
// limit is a plain ROUTER-DEALER zmq_proxy between the same parties that echo.
#include "crowd.hpp"
#include "guard.hpp"
#include "ours.hpp"
#include "pairing.hpp"
#include "raw.hpp"
#include "request_floor.hpp"
#include "request_peers.hpp"

#include <flotilla/relay/relay.hpp>
#include <flotilla/request/broker.hpp>

#include <zmq.h>

#include <cstdio>
#include <utility>

namespace flotilla::bench {
namespace {

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

using RequestBetween = void (*)(Arena::Seat&, const Shape&);

Measured measure(const Shape& shape, RequestBetween middle) {
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
    const Shape strict = sized({Talk::mdp_02, 4, 8, 32, 1}, 150'000);
    const Shape prefetch_4 = sized({Talk::mdp_02, 4, 100, 32, 4}, 300'000);
    const Shape prefetch_16 = sized({Talk::mdp_02, 4, 100, 32, 16}, 300'000);
    const Shape capacity = sized({Talk::flotilla, 4, 100, 4, 64}, 300'000);
    add("strict, 32 workers", 0.95, strict);
    add("strict 0.1, 32 workers", 0.95, sized({Talk::mdp_01, 4, 8, 32, 1}, 150'000));
    add("prefetch 4, 4 x 100", 0.6, prefetch_4);
    add("prefetch 16, 4 x 100", 0.75, prefetch_16);
    add("4 of capacity 64", 0.6, capacity);
    // How much of what libzmq leaves to any broker of these protocols.
    const auto above_floor = [&](const char* what, const Shape& shape) {
        matches.push_back({"majordomo-floor", what, 0, false,
                           [=] { return measure(shape, &floor_broker); },
                           [=] { return measure(shape, &our_broker); }, true});
    };
    above_floor("strict, 32 workers", strict);
    above_floor("prefetch 4, 4 x 100", prefetch_4);
    above_floor("prefetch 16, 4 x 100", prefetch_16);
    above_floor("4 of capacity 64", capacity);
    const auto guarded = [&](Guard guard) {
        Shape shape = sized({Talk::mdp_02, 4, 100, 32, 4}, 150'000);
        shape.guard = guard;
        return [shape] { return measure(shape, &our_broker); };
    };
    for (const GuardStep& step : guard_steps)
        matches.push_back({std::string(step.area), "broker, prefetch 4, 4 x 100", 0, false,
                           guarded(step.before), guarded(step.behind), true});
    const auto crowd = static_cast<std::uint32_t>(scale.of(10'000));
    matches.push_back({"majordomo-crowd", "10,000 idle workers against none", 0.95, false,
                       [=] { return measure_crowd(strict, 0); },
                       [=] { return measure_crowd(strict, crowd); }, true});
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
