// SPDX-License-Identifier: Apache-2.0
#include "raw.hpp"

#include <zmq.h>

namespace flotilla::bench {
namespace {

void zmq_must(bool done, const char* what) {
    if (!done)
        give_up(std::string(what) + ": " + zmq_strerror(zmq_errno()));
}

void receive_all(Arena::Seat& seat, const Flow& flow, const RawSocket& socket) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    const auto receive = [&] {
        const int bytes = zmq_msg_recv(&message, socket.get(), 0);
        const auto* data = static_cast<const char*>(zmq_msg_data(&message));
        zmq_must(bytes == int(flow.bytes) && data[0] == Flow::filler, "receive");
    };
    for (std::uint64_t i = 0; i < flow.warm_up; ++i)
        receive();
    seat.begin();
    const double began = clock_seconds();
    for (std::uint64_t i = 0; i < flow.messages; ++i)
        receive();
    const double seconds = clock_seconds() - began;
    seat.end();
    seat.finish(seconds);
    zmq_msg_close(&message);
}

} // namespace

RawSocket::RawSocket(int type) : context_(zmq_ctx_new()), socket_(zmq_socket(context_, type)) {
    zmq_must(socket_ != nullptr, "open a socket");
    set(ZMQ_LINGER, 0);
}

RawSocket::~RawSocket() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
}

void RawSocket::set(int option, int value) {
    zmq_must(zmq_setsockopt(socket_, option, &value, sizeof value) == 0, "set an option");
}

std::string RawSocket::bind(const std::string& endpoint) {
    zmq_must(zmq_bind(socket_, endpoint.c_str()) == 0, "bind");
    char bound[256];
    std::size_t size = sizeof bound;
    zmq_must(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, bound, &size) == 0, "read the endpoint");
    return bound;
}

void RawSocket::connect(const std::string& endpoint) {
    zmq_must(zmq_connect(socket_, endpoint.c_str()) == 0, "connect");
}

void raw_push(Arena::Seat& seat, const Flow& flow, int to_endpoint) {
    RawSocket socket(ZMQ_PUSH);
    secure_client(socket.get(), flow.guard);
    socket.connect(seat.endpoint(to_endpoint));
    const std::string body(flow.bytes, Flow::filler);
    const auto send = [&] {
        zmq_must(zmq_send(socket.get(), body.data(), body.size(), 0) >= 0, "send");
    };
    for (std::uint64_t i = 0; i < flow.warm_up; ++i)
        send();
    seat.begin();
    for (std::uint64_t i = 0; i < flow.messages; ++i)
        send();
    seat.wait_finished();
    seat.end();
}

void raw_pull(Arena::Seat& seat, const Flow& flow) {
    RawSocket socket(ZMQ_PULL);
    seat.announce(0, socket.bind(fresh_endpoint(flow.transport)));
    receive_all(seat, flow, socket);
}

void raw_pull_from(Arena::Seat& seat, const Flow& flow, int endpoint) {
    RawSocket socket(ZMQ_PULL);
    secure_client(socket.get(), flow.guard);
    socket.connect(seat.endpoint(endpoint));
    receive_all(seat, flow, socket);
}

} // namespace flotilla::bench
