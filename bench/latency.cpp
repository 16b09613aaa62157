// SPDX-License-Identifier: Apache-2.0
// A lone message every millisecond: from before its send to after its receipt, one way. The clock
// is one for all processes of the machine, and the message carries its reading.
#include "ours.hpp"
#include "pairing.hpp"
#include "raw.hpp"

#include <flotilla/pipeline/puller.hpp>
#include <flotilla/pipeline/pusher.hpp>

#include <zmq.h>

#include <algorithm>
#include <cstring>
#include <ctime>

namespace flotilla::bench {
namespace {

constexpr std::size_t lone_body_bytes = 100;
constexpr long interval_ns = 1'000'000;

// `flush` sends the last one if it gathered: no message comes after it that would.
template <class Send, class Flush>
void send_paced(Arena::Seat& seat, std::uint64_t messages, Send&& send, Flush&& flush) {
    timespec due{};
    ::clock_gettime(CLOCK_MONOTONIC, &due);
    std::string body(lone_body_bytes, 'x');
    seat.begin();
    for (std::uint64_t i = 0; i < messages; ++i) {
        due.tv_nsec += interval_ns;
        if (due.tv_nsec >= 1'000'000'000) {
            due.tv_nsec -= 1'000'000'000;
            ++due.tv_sec;
        }
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
        const double at = clock_seconds();
        std::memcpy(body.data(), &at, sizeof at);
        send(body);
    }
    flush();
    seat.wait_finished();
    seat.end();
}

template <class Receive>
void receive_paced(Arena::Seat& seat, std::uint64_t messages, Receive&& receive) {
    std::vector<double> latencies;
    latencies.reserve(messages);
    seat.begin();
    const double began = clock_seconds();
    for (std::uint64_t i = 0; i < messages; ++i) {
        double sent = 0;
        std::memcpy(&sent, receive(), sizeof sent);
        const double latency = clock_seconds() - sent;
        if (i >= messages / 10)
            latencies.push_back(latency);
    }
    const double seconds = clock_seconds() - began;
    seat.end();
    std::nth_element(latencies.begin(), latencies.begin() + long(latencies.size() / 2),
                     latencies.end());
    seat.finish(seconds, latencies[latencies.size() / 2] * 1e6);
}

Measured measure_raw(const std::string& transport, std::uint64_t messages) {
    return Arena::run({[&](Arena::Seat& seat) {
                           RawSocket socket(ZMQ_PULL);
                           seat.announce(0, socket.bind(fresh_endpoint(transport)));
                           zmq_msg_t message;
                           zmq_msg_init(&message);
                           receive_paced(seat, messages, [&] {
                               if (zmq_msg_recv(&message, socket.get(), 0) < 0)
                                   give_up("receive");
                               return static_cast<const char*>(zmq_msg_data(&message));
                           });
                           zmq_msg_close(&message);
                       },
                       [&](Arena::Seat& seat) {
                           RawSocket socket(ZMQ_PUSH);
                           socket.connect(seat.endpoint(0));
                           send_paced(
                               seat, messages,
                               [&](const std::string& body) {
                                   if (zmq_send(socket.get(), body.data(), body.size(), 0) < 0)
                                       give_up("send");
                               },
                               [] {});
                       }},
                      messages);
}

Measured measure_batching(const std::string& transport, std::uint64_t messages) {
    return Arena::run({[&](Arena::Seat& seat) {
                           net::Context context = open_context();
                           pipeline::PullerOptions options;
                           options.attach.push_back(binds(fresh_endpoint(transport)));
                           options.unpack = true;
                           pipeline::Puller puller =
                               need(pipeline::Puller::open(context, std::move(options)));
                           seat.announce(0, puller.endpoints()[0].text());
                           receive_paced(seat, messages, [&] {
                               const auto view = puller.receive_view(no_limit);
                               if (!view)
                                   give_up("receive");
                               return view->body().data();
                           });
                       },
                       [&](Arena::Seat& seat) {
                           net::Context context = open_context();
                           pipeline::PusherOptions options;
                           options.attach.push_back(connects(seat.endpoint(0)));
                           options.batching.emplace();
                           pipeline::Pusher pusher =
                               need(pipeline::Pusher::open(context, std::move(options)));
                           send_paced(
                               seat, messages,
                               [&](const std::string& body) {
                                   if (!pusher.send(body, no_limit))
                                       give_up("send");
                               },
                               [&] { (void)pusher.flush(10s); });
                       }},
                      messages);
}

} // namespace

std::vector<Match> latency_matches(Scale scale) {
    std::vector<Match> matches;
    for (const char* transport : {"tcp", "ipc"}) {
        const std::uint64_t messages = scale.of(2'000);
        const std::string over = transport;
        matches.push_back({"lone-latency", over + " 100 B at 1000/s", 1.1, true,
                           [over, messages] { return measure_raw(over, messages); },
                           [over, messages] { return measure_batching(over, messages); }});
    }
    return matches;
}

} // namespace flotilla::bench
