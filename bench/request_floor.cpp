// SPDX-License-Identifier: Apache-2.0
#include "request_floor.hpp"

#include "raw.hpp"

#include <zmq.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flotilla::bench {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t gathered_max = 128; // like ours: what leaves together shares system calls

// As a ROUTER makes them: five bytes, the first of which is zero.
using PeerId = std::uint32_t;

struct RoutingId {
    explicit RoutingId(PeerId id) { std::memcpy(bytes.data() + 1, &id, sizeof id); }
    static PeerId of(std::string_view frame) {
        PeerId id = 0;
        if (frame.size() != 1 + sizeof id)
            give_up("a peer with a name of its own");
        std::memcpy(&id, frame.data() + 1, sizeof id);
        return id;
    }
    std::string_view view() const { return {bytes.data(), bytes.size()}; }
    std::array<char, 1 + sizeof(PeerId)> bytes{};
};

class FloorBroker {
public:
    explicit FloorBroker(const Shape& shape)
        : flotilla_(shape.talk == Talk::flotilla), places_(shape.prefetch),
          by_held_(shape.prefetch) {
        for (zmq_msg_t& frame : frames_)
            zmq_msg_init(&frame);
    }
    std::string bind() { return router_.bind("tcp://127.0.0.1:*"); }

    [[noreturn]] void run() {
        for (;;) {
            receive(0);
            handle();
            while (sends_.size() < gathered_max && receive(ZMQ_DONTWAIT))
                handle();
            send_all();
        }
    }

private:
    struct Send {
        PeerId to;
        PeerId client; // to a worker: whose request it is; to a client: itself
        zmq_msg_t body;
    };

    bool receive(int flags) {
        size_ = 0;
        do {
            if (zmq_msg_recv(&frames_[size_], router_.get(), size_ == 0 ? flags : 0) < 0)
                return false;
        } while (zmq_msg_more(&frames_[size_++]) != 0 && size_ < frames_.size());
        return true;
    }
    std::string_view frame(std::size_t i) {
        return {static_cast<const char*>(zmq_msg_data(&frames_[i])), zmq_msg_size(&frames_[i])};
    }

    void handle() {
        const PeerId peer = RoutingId::of(frame(0));
        if (frame(1) == "MDPC02"sv) {
            gather(waiting_, 0, peer);
        } else if (const std::size_t reply = flotilla_ ? 7 : 6; size_ == reply) {
            gather(sends_, RoutingId::of(frame(3)), RoutingId::of(frame(3)));
            by_held_[--held_[peer]].push_back(peer);
        } else if (held_.try_emplace(peer, 0).second) { // the first word of a worker is READY
            by_held_[0].push_back(peer);
        }
        for (; !waiting_.empty(); waiting_.pop_front()) {
            const auto worker = take_worker();
            if (!worker)
                break;
            waiting_.front().to = *worker;
            sends_.push_back(waiting_.front());
        }
    }

    template <class Sends>
    void gather(Sends& sends, PeerId to, PeerId client) {
        Send& send = sends.emplace_back(Send{to, client, {}});
        zmq_msg_init(&send.body);
        zmq_msg_move(&send.body, &frames_[size_ - 1]);
    }

    // Idle ones first, then who holds least; entries that are no longer true are passed over.
    std::optional<PeerId> take_worker() {
        for (std::uint32_t level = 0; level < places_; ++level)
            for (auto& queue = by_held_[level]; !queue.empty();) {
                const PeerId worker = queue.front();
                queue.pop_front();
                if (std::uint32_t& held = held_[worker]; held == level) {
                    if (++held < places_)
                        by_held_[held].push_back(worker);
                    return worker;
                }
            }
        return std::nullopt;
    }

    void send_all() {
        std::stable_sort(sends_.begin(), sends_.end(),
                         [](const Send& a, const Send& b) { return a.to < b.to; });
        for (Send& each : sends_) {
            const RoutingId to(each.to);
            const RoutingId client(each.client);
            if (each.to == each.client)
                send({to.view(), "MDPC02"sv, "\x03"sv, "echo"sv}, each.body);
            else if (flotilla_)
                send({to.view(), "FLR1"sv, "request"sv, client.view(), "echo"sv, ""sv}, each.body);
            else
                send({to.view(), "MDPW02"sv, "\x02"sv, client.view(), ""sv}, each.body);
        }
        sends_.clear();
    }
    void send(std::initializer_list<std::string_view> frames, zmq_msg_t& body) {
        for (const std::string_view each : frames)
            if (zmq_send(router_.get(), each.data(), each.size(), ZMQ_SNDMORE) < 0)
                give_up("send");
        if (zmq_msg_send(&body, router_.get(), 0) < 0)
            give_up("send");
    }

    RawSocket router_{ZMQ_ROUTER};
    bool flotilla_;
    std::uint32_t places_;
    std::array<zmq_msg_t, 8> frames_{};
    std::size_t size_ = 0;
    std::unordered_map<PeerId, std::uint32_t> held_;
    std::vector<std::deque<PeerId>> by_held_; // workers that hold so many
    std::deque<Send> waiting_;
    std::vector<Send> sends_;
};

} // namespace

void floor_broker(Arena::Seat& seat, const Shape& shape) {
    auto* const broker = new FloorBroker(shape);
    seat.announce(0, broker->bind());
    broker->run();
}

} // namespace flotilla::bench
