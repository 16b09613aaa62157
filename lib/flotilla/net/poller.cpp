// SPDX-License-Identifier: Apache-2.0
#include "socket_rest.hpp"
#include "transport_error.hpp"
#include "transport_wait.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>

#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <vector>

namespace flotilla::net {
namespace {

// Handlers are shared while they run, so that one may replace or forget itself.
using SharedHandler = std::shared_ptr<Poller::Handler>;

struct Item {
    void* handle = nullptr; // a socket, or
    int descriptor = -1;    // a descriptor
    SharedHandler on_readable{};
    SharedHandler on_writable{};
    std::optional<TimerId> housekeeping{}; // of a socket that needs it
    bool forgotten = false;
};

} // namespace

struct Poller::Rest {
    std::vector<std::shared_ptr<Item>> items;
    std::vector<zmq_pollitem_t> poll_items; // one an item, then the wake-up descriptor
    std::vector<std::shared_ptr<Item>> turn_items;
    bool changed = true;
    Timers timers;
    Instant turn_start = net::now();
    int wake_descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    std::atomic<bool> stopping{false};

    ~Rest() { ::close(wake_descriptor); }

    Item& item(void* handle, int descriptor);
    Item& item(Socket& socket);
    void set(Item& item, SharedHandler Item::*direction, Handler handler);
    void forget(void* handle, int descriptor);
    void rebuild();
};

Item& Poller::Rest::item(void* handle, int descriptor) {
    for (const auto& each : items)
        if (each->handle == handle && each->descriptor == descriptor)
            return *each;
    FLOTILLA_CHECK(items.size() < items_max, "too many sockets and descriptors in a poller");
    items.push_back(std::make_shared<Item>());
    items.back()->handle = handle;
    items.back()->descriptor = descriptor;
    return *items.back();
}

Item& Poller::Rest::item(Socket& socket) {
    Item& found = item(socket.native_handle(), -1);
    if (!found.housekeeping && socket.housekeep())
        found.housekeeping = timers.repeat(net::now(), detail::housekeeping_interval,
                                           [&socket] { socket.housekeep(); });
    return found;
}

void Poller::Rest::set(Item& item, SharedHandler Item::*direction, Handler handler) {
    item.*direction = handler ? std::make_shared<Handler>(std::move(handler)) : nullptr;
    changed = true;
}

void Poller::Rest::forget(void* handle, int descriptor) {
    const auto found = std::find_if(items.begin(), items.end(), [&](const auto& each) {
        return each->handle == handle && each->descriptor == descriptor;
    });
    if (found == items.end())
        return;
    (*found)->forgotten = true;
    if ((*found)->housekeeping)
        timers.cancel(*(*found)->housekeeping);
    items.erase(found);
    changed = true;
}

void Poller::Rest::rebuild() {
    poll_items.clear();
    turn_items.clear();
    for (const auto& item : items) {
        const int events =
            (item->on_readable ? ZMQ_POLLIN : 0) | (item->on_writable ? ZMQ_POLLOUT : 0);
        if (events == 0)
            continue;
        poll_items.push_back({item->handle, item->descriptor, static_cast<short>(events), 0});
        turn_items.push_back(item);
    }
    poll_items.push_back({nullptr, wake_descriptor, ZMQ_POLLIN, 0});
    changed = false;
}

Poller::Poller() : rest_(std::make_unique<Rest>()) {
    FLOTILLA_CHECK(rest_->wake_descriptor >= 0, "no descriptor left for a poller");
}
Poller::Poller(Poller&&) noexcept = default;
Poller& Poller::operator=(Poller&&) noexcept = default;
Poller::~Poller() = default;

void Poller::on_readable(Socket& socket, Handler handler) {
    rest_->set(rest_->item(socket), &Item::on_readable, std::move(handler));
}
void Poller::on_writable(Socket& socket, Handler handler) {
    rest_->set(rest_->item(socket), &Item::on_writable, std::move(handler));
}
void Poller::on_readable(int descriptor, Handler handler) {
    rest_->set(rest_->item(nullptr, descriptor), &Item::on_readable, std::move(handler));
}
void Poller::on_writable(int descriptor, Handler handler) {
    rest_->set(rest_->item(nullptr, descriptor), &Item::on_writable, std::move(handler));
}
void Poller::forget(const Socket& socket) {
    rest_->forget(socket.native_handle(), -1);
}
void Poller::forget(int descriptor) {
    rest_->forget(nullptr, descriptor);
}

TimerId Poller::after(Duration wait, Handler handler) {
    return rest_->timers.add(deadline_after(net::now(), wait), std::move(handler));
}
TimerId Poller::every(Duration interval, Handler handler) {
    return rest_->timers.repeat(net::now(), interval, std::move(handler));
}
bool Poller::cancel(TimerId id) {
    return rest_->timers.cancel(id);
}
Instant Poller::now() const noexcept {
    return rest_->turn_start;
}

Status Poller::turn(Duration wait_max) {
    Rest& rest = *rest_;
    if (rest.changed)
        rest.rebuild();
    const Duration wait = std::min(wait_max, time_left(net::now(), rest.timers.next()));
    const int ready = zmq_poll(rest.poll_items.data(), static_cast<int>(rest.poll_items.size()),
                               detail::timeout_ms(wait));
    rest.turn_start = net::now();
    if (ready < 0) {
        if (zmq_errno() == EINTR)
            return {};
        return detail::transport_failure(zmq_errno(), "poll");
    }
    rest.timers.run_due(rest.turn_start);
    if (ready == 0)
        return {};
    if (rest.poll_items.back().revents != 0) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(rest.wake_descriptor, &count, sizeof count);
    }
    // Handlers may change the items; this turn goes on with those that were polled.
    for (std::size_t i = 0; i < rest.turn_items.size(); ++i) {
        const short events = rest.poll_items[i].revents;
        if (events == 0)
            continue;
        const std::shared_ptr<Item> item = rest.turn_items[i];
        // An error or hang-up of a descriptor is found by reading or writing it.
        const bool broken = (events & ZMQ_POLLERR) != 0;
        if (const SharedHandler handler = item->on_readable;
            handler && !item->forgotten && ((events & ZMQ_POLLIN) != 0 || broken))
            (*handler)();
        if (const SharedHandler handler = item->on_writable;
            handler && !item->forgotten && ((events & ZMQ_POLLOUT) != 0 || broken))
            (*handler)();
    }
    return {};
}

Status Poller::run() {
    while (!rest_->stopping.exchange(false))
        if (Status turned = turn(no_limit); !turned)
            return turned;
    return {};
}

void Poller::stop() noexcept {
    rest_->stopping = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto put = ::write(rest_->wake_descriptor, &one, sizeof one);
}

} // namespace flotilla::net
