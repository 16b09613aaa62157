// SPDX-License-Identifier: Apache-2.0
#include "request_peers.hpp"

#include "raw_peer.hpp"

#include <flotilla/wire/pack.hpp>

#include <zmq.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace flotilla::bench {
namespace {

constexpr std::size_t body_bytes = 100;
constexpr std::string_view service = "echo";
constexpr int hello_ms = 100; // a peer that nobody answers asks, or registers, again

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
        return peer.send({"FLR1"sv, "ready"sv, ""sv, service,
                          "capacity=" + std::to_string(shape.prefetch) + "\npacks=yes"});
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

std::string_view cut_frame(std::string_view& rest) {
    const std::uint32_t size = wire::load_u32(rest.data());
    const std::string_view frame = rest.substr(4, size);
    rest.remove_prefix(4 + size);
    return frame;
}

// Every request in it, in a pack again.
void answer_pack(Peer& peer) {
    thread_local wire::Writer answers;
    answers.clear();
    for (std::string_view rest = peer.frame(5); !rest.empty();) {
        rest.remove_prefix(2); // five frames: request, token, service, options, body
        cut_frame(rest);
        const std::string_view token = cut_frame(rest);
        cut_frame(rest);
        cut_frame(rest);
        answers.u16(5).long_bytes("final").long_bytes(token).u32(0).u32(0).long_bytes(
            cut_frame(rest));
    }
    peer.send({"FLR1"sv, "pack"sv, ""sv, ""sv, ""sv, answers.view()});
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
        if (peer.frame(1) == "pack"sv)
            return answer_pack(peer);
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

} // namespace

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

} // namespace flotilla::bench
