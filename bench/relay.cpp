// SPDX-License-Identifier: Apache-2.0
// The relay against zmq_proxy: raw peers on both sides, the middle is what differs.
#include "ours.hpp"
#include "pairing.hpp"
#include "raw.hpp"

#include <flotilla/relay/relay.hpp>

#include <zmq.h>

namespace flotilla::bench {
namespace {

constexpr int forwarder_queue_messages = 1'000'000; // room for all: nothing is dropped

using RelayBetween = void (*)(Arena::Seat&, const Flow&, relay::Kind);

void raw_proxy(Arena::Seat& seat, const Flow& flow, relay::Kind kind) {
    const bool forwards = kind == relay::Kind::forwarder;
    // Never ends: the process does.
    auto* const frontend = new RawSocket(forwards ? ZMQ_XSUB : ZMQ_PULL);
    void* const backend = zmq_socket(frontend->context(), forwards ? ZMQ_XPUB : ZMQ_PUSH);
    if (forwards) {
        frontend->set(ZMQ_RCVHWM, forwarder_queue_messages);
        zmq_setsockopt(backend, ZMQ_SNDHWM, &forwarder_queue_messages,
                       sizeof forwarder_queue_messages);
    }
    seat.announce(0, frontend->bind(fresh_endpoint(flow.transport)));
    char bound[256];
    std::size_t size = sizeof bound;
    if (zmq_bind(backend, fresh_endpoint(flow.transport).c_str()) != 0 ||
        zmq_getsockopt(backend, ZMQ_LAST_ENDPOINT, bound, &size) != 0)
        give_up("bind");
    seat.announce(2, bound);
    zmq_proxy(frontend->get(), backend, nullptr);
}

void our_relay(Arena::Seat& seat, const Flow& flow, relay::Kind kind) {
    net::Context context = open_context();
    relay::RelayOptions options;
    options.kind = kind;
    options.frontend.attachments.push_back(binds(fresh_endpoint(flow.transport)));
    options.backend.attachments.push_back(binds(fresh_endpoint(flow.transport)));
    options.frontend.security = listener_security(flow.guard);
    options.backend.security = listener_security(flow.guard);
    options.permissions = permissions(flow.guard);
    if (kind == relay::Kind::forwarder)
        options.messages_max = forwarder_queue_messages;
    auto relay = need(relay::Relay::open(context, std::move(options)));
    seat.announce(0, relay.endpoints(relay::Side::frontend)[0].text());
    seat.announce(2, relay.endpoints(relay::Side::backend)[0].text());
    (void)relay.run();
}

// The middle runs until the receiver is done; then it is stopped and tells its CPU.
Arena::Party middle(RelayBetween run, const Flow& flow, relay::Kind kind) {
    return [run, &flow, kind](Arena::Seat& seat) {
        seat.end_when_finished();
        run(seat, flow, kind);
    };
}

Measured measure(const Flow& flow, relay::Kind kind, RelayBetween run) {
    const bool forwards = kind == relay::Kind::forwarder;
    return Arena::run({middle(run, flow, kind),
                       [&](Arena::Seat& seat) {
                           if (!forwards)
                               return raw_push(seat, flow, 0);
                           RawSocket socket(ZMQ_PUB);
                           socket.set(ZMQ_SNDHWM, forwarder_queue_messages);
                           socket.connect(seat.endpoint(0));
                           raw_publish(seat, flow, socket);
                       },
                       [&](Arena::Seat& seat) {
                           forwards ? raw_subscribe(seat, flow, 2) : raw_pull_from(seat, flow, 2);
                       }},
                      flow.messages);
}

} // namespace

std::vector<Match> relay_matches(Scale scale) {
    std::vector<Match> matches;
    const auto add = [&](relay::Kind kind, std::size_t bytes, std::uint64_t messages) {
        const Flow flow{"tcp", bytes, scale.of(messages / 5), scale.of(messages)};
        matches.push_back({"relay",
                           std::string(relay::name(kind)) + " tcp " + std::to_string(bytes) + " B",
                           0.95, false, [=] { return measure(flow, kind, &raw_proxy); },
                           [=] { return measure(flow, kind, &our_relay); }});
    };
    add(relay::Kind::streamer, 100, 1'000'000);
    add(relay::Kind::streamer, 1'024, 300'000);
    add(relay::Kind::forwarder, 100, 500'000);
    add(relay::Kind::forwarder, 1'024, 200'000);
    for (const GuardStep& step : guard_steps)
        for (const std::size_t bytes : {100, 1'024}) {
            const std::uint64_t messages = bytes == 100 ? 400'000 : 200'000;
            Flow before{"tcp", bytes, scale.of(messages / 5), scale.of(messages)};
            Flow behind = before;
            before.guard = step.before;
            behind.guard = step.behind;
            matches.push_back(
                {std::string(step.area), "streamer " + std::to_string(bytes) + " B", 0, false,
                 [=] { return measure(before, relay::Kind::streamer, &our_relay); },
                 [=] { return measure(behind, relay::Kind::streamer, &our_relay); }, true});
        }
    return matches;
}

} // namespace flotilla::bench
