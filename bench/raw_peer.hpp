// SPDX-License-Identifier: Apache-2.0
//
// Peer: a raw DEALER that speaks messages of several frames at the speed of C. Bodies are handed on
// as they came.
#pragma once

#include "arena.hpp"
#include "guard.hpp"

#include <zmq.h>

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

namespace flotilla::bench {

class Peer {
public:
    Peer(void* context, const std::string& endpoint, Guard guard)
        : socket_(zmq_socket(context, ZMQ_DEALER)) {
        secure_client(socket_, guard);
        const int none = 0;
        zmq_setsockopt(socket_, ZMQ_LINGER, &none, sizeof none);
        if (zmq_connect(socket_, endpoint.c_str()) != 0)
            give_up("connect");
        for (auto& frame : frames_)
            zmq_msg_init(&frame);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    void send(std::initializer_list<std::string_view> frames) {
        std::size_t at = 0;
        for (const std::string_view frame : frames)
            if (zmq_send(socket_, frame.data(), frame.size(),
                         ++at < frames.size() ? ZMQ_SNDMORE : 0) < 0)
                give_up("send");
    }
    // The frames in front of a message.
    void begin(std::initializer_list<std::string_view> frames) {
        for (const std::string_view frame : frames)
            if (zmq_send(socket_, frame.data(), frame.size(), ZMQ_SNDMORE) < 0)
                give_up("send");
    }
    // False: nothing came for `wait_ms`.
    bool receive(int wait_ms) {
        if (wait_ms != wait_ms_) {
            wait_ms_ = wait_ms;
            zmq_setsockopt(socket_, ZMQ_RCVTIMEO, &wait_ms_, sizeof wait_ms_);
        }
        size_ = 0;
        do {
            if (zmq_msg_recv(&frames_[size_], socket_, 0) < 0)
                return false;
        } while (zmq_msg_more(&frames_[size_++]) != 0 && size_ < frames_.size());
        return true;
    }
    std::size_t size() const { return size_; }
    std::string_view frame(std::size_t i) {
        return {static_cast<const char*>(zmq_msg_data(&frames_[i])), zmq_msg_size(&frames_[i])};
    }
    // Hands the received frame on without a copy.
    void forward(std::size_t i, int flags) {
        if (zmq_msg_send(&frames_[i], socket_, flags) < 0)
            give_up("send");
    }

private:
    void* socket_;
    int wait_ms_ = -1;
    std::array<zmq_msg_t, 8> frames_;
    std::size_t size_ = 0;
};

} // namespace flotilla::bench
