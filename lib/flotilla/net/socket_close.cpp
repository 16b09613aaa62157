// SPDX-License-Identifier: Apache-2.0
#include "context_state.hpp"
#include "socket_rest.hpp"

#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

namespace flotilla::net {
namespace {

// How much longer libzmq may linger than we wait, so that its giving up is never taken for its
// having sent everything.
constexpr Duration margin = 20ms;

int whole_ms(Duration time) {
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
}

} // namespace

bool Socket::close(Duration wait) {
    static std::atomic<std::uint64_t> serial{0};
    const std::string endpoint = "inproc://flotilla-closing-" + std::to_string(++serial);
    wait = std::clamp<Duration>(wait, 0s, 1h - margin);
    (void)set_linger(wait + margin);
    rest_->refusals.reset();
    zmq_socket_monitor(handle_, nullptr, 0);
    // A socket's monitor says `stopped` when the socket is really gone, which is when all was sent
    // or the linger is over. The reader stays until then: an event without one blocks a thread of
    // the context.
    void* const reader = zmq_socket(rest_->context->native(), ZMQ_PAIR);
    const bool watched =
        reader && zmq_socket_monitor(handle_, endpoint.c_str(), ZMQ_EVENT_MONITOR_STOPPED) == 0 &&
        zmq_connect(reader, endpoint.c_str()) == 0;
    *rest_->alive = nullptr;
    zmq_close(std::exchange(handle_, nullptr));
    bool sent = false;
    if (watched) {
        const Instant deadline = deadline_after(now(), wait);
        const int patience_ms = whole_ms(wait + margin + 1s);
        zmq_setsockopt(reader, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        char event[16];
        sent = zmq_recv(reader, event, sizeof event, 0) >= 0 && now() < deadline;
    }
    if (reader)
        zmq_close(reader);
    return sent;
}

} // namespace flotilla::net
