// SPDX-License-Identifier: Apache-2.0
// Pusher and Puller, plain and batched, against PUSH and PULL with messages of the same size.
#include "ours.hpp"
#include "pairing.hpp"
#include "raw.hpp"

#include <flotilla/pipeline/puller.hpp>
#include <flotilla/pipeline/pusher.hpp>

namespace flotilla::bench {
namespace {

enum class Mode { raw, plain, batched };

void push(Arena::Seat& seat, const Flow& flow, Mode mode) {
    net::Context context = open_context();
    pipeline::PusherOptions options;
    options.attach.push_back(connects(seat.endpoint(0)));
    options.socket.security = client_security(flow.guard);
    if (mode == Mode::batched)
        options.batching.emplace();
    pipeline::Pusher pusher = need(pipeline::Pusher::open(context, std::move(options)));
    const std::string body(flow.bytes, Flow::filler);
    for (std::uint64_t i = 0; i < flow.warm_up; ++i)
        if (!pusher.send(body, no_limit))
            give_up("send");
    seat.begin();
    for (std::uint64_t i = 0; i < flow.messages; ++i)
        if (!pusher.send(body, no_limit))
            give_up("send");
    (void)pusher.flush(10s);
    seat.wait_finished();
    seat.end();
}

bool is_flow(const pipeline::MessageView& message, const Flow& flow) {
    return message.body().size() == flow.bytes && message.body().front() == Flow::filler;
}

template <class Receive>
void take_all(Arena::Seat& seat, const Flow& flow, const Receive& receive) {
    for (std::uint64_t i = 0; i < flow.warm_up; ++i)
        receive();
    seat.begin();
    const double began = clock_seconds();
    for (std::uint64_t i = 0; i < flow.messages; ++i)
        receive();
    const double seconds = clock_seconds() - began;
    seat.end();
    seat.finish(seconds);
}

void pull(Arena::Seat& seat, const Flow& flow, Mode mode) {
    net::Context context = open_context();
    pipeline::PullerOptions options;
    options.attach.push_back(binds(fresh_endpoint(flow.transport)));
    options.socket.security = listener_security(flow.guard);
    options.unpack = mode == Mode::batched;
    pipeline::Puller puller = need(pipeline::Puller::open(context, std::move(options)));
    seat.announce(0, puller.endpoints()[0].text());
    if (mode == Mode::plain)
        return take_all(seat, flow, [&] {
            const auto message = puller.receive_view(no_limit);
            if (!message || !is_flow(*message, flow))
                give_up("receive");
        });
    // As whole batches, the way to read a flood.
    pipeline::MessageBatch batch{pipeline::MessageView{nullptr, 0}};
    (void)batch.next();
    take_all(seat, flow, [&] {
        if (batch.left() == 0) {
            auto next = puller.receive_batch(no_limit);
            if (!next)
                give_up("receive");
            batch = *next;
        }
        if (!is_flow(batch.next(), flow))
            give_up("receive");
    });
}

// Each end raw, or ours in one of its modes.
Measured measure(const Flow& flow, Mode from, Mode to) {
    return Arena::run(
        {[&](Arena::Seat& seat) { to == Mode::raw ? raw_pull(seat, flow) : pull(seat, flow, to); },
         [&](Arena::Seat& seat) {
             from == Mode::raw ? raw_push(seat, flow, 0) : push(seat, flow, from);
         }},
        flow.messages);
}

Measured measure(const Flow& flow, Mode both) {
    return measure(flow, both, both);
}

struct Size {
    std::size_t bytes;
    std::uint64_t raw_messages; // so many take about half a second on two slow cores
    std::uint64_t our_messages;
    double bar;
};

void add(std::vector<Match>& matches, const char* transport, const Size& size, Mode mode,
         Scale scale) {
    const auto flow = [&](std::uint64_t messages) {
        return Flow{transport, size.bytes, scale.of(messages / 5), scale.of(messages)};
    };
    const Flow raw = flow(size.raw_messages);
    const Flow ours = flow(size.our_messages);
    matches.push_back({mode == Mode::plain ? "pipeline-plain" : "pipeline-batched",
                       std::string(transport) + " " + std::to_string(size.bytes) + " B", size.bar,
                       false, [raw] { return measure(raw, Mode::raw); },
                       [ours, mode] { return measure(ours, mode); }});
}

} // namespace

std::vector<Match> pipeline_matches(Scale scale) {
    std::vector<Match> matches;
    for (const Size& size :
         {Size{16, 3'000'000, 3'000'000, 0.95}, Size{100, 2'000'000, 2'000'000, 0.95},
          Size{1'024, 500'000, 500'000, 0.95}, Size{65'536, 20'000, 20'000, 0.95}})
        add(matches, "tcp", size, Mode::plain, scale);
    const Flow small{"tcp", 16, scale.of(600'000), scale.of(3'000'000)};
    const auto ends = [&](const char* what, Mode from, Mode to) {
        matches.push_back({"pipeline-ends", what, 0, false,
                           [small] { return measure(small, Mode::raw); },
                           [=] { return measure(small, from, to); }});
    };
    ends("Pusher and PULL 16 B", Mode::plain, Mode::raw);
    ends("PUSH and Puller 16 B", Mode::raw, Mode::plain);
    ends("PUSH and PULL 16 B", Mode::raw, Mode::raw);
    for (const char* transport : {"tcp", "ipc"})
        for (const Size& size :
             {Size{16, 3'000'000, 40'000'000, 10}, Size{64, 2'500'000, 20'000'000, 6},
              Size{100, 2'000'000, 15'000'000, 5}, Size{256, 1'500'000, 7'000'000, 3.5}})
            add(matches, transport, size, Mode::batched, scale);
    for (const Size& size : {Size{100, 800'000, 800'000, 0}, Size{1'024, 300'000, 300'000, 0}}) {
        const Flow open{"tcp", size.bytes, scale.of(size.our_messages / 5),
                        scale.of(size.our_messages)};
        Flow secure = open;
        secure.guard = Guard::curve;
        matches.push_back({"curve", "push and pull " + std::to_string(size.bytes) + " B", 0, false,
                           [open] { return measure(open, Mode::plain); },
                           [secure] { return measure(secure, Mode::plain); }});
    }
    return matches;
}

} // namespace flotilla::bench
