// SPDX-License-Identifier: Apache-2.0
#include "context_state.hpp"
#include "descriptors.hpp"
#include "profile.hpp"
#include "socket_rest.hpp"
#include "transport_error.hpp"
#include "transport_wait.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/base/option_check.hpp>
#include <flotilla/net/connection_figures.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace flotilla::net {
namespace {

using detail::has_event;
using detail::housekeeping_interval;
using detail::timeout_ms;
using detail::transport_failure;

// XPUB: the next message goes to the last subscriber alone. It has a number but no name in the
// stable header of libzmq 4.3.4.
constexpr int option_xpub_manual_last_value = 98;

struct TypeName {
    std::string_view name;
    SocketType type;
    int number;
};
constexpr std::array<TypeName, 11> types{{{"pair", SocketType::pair, ZMQ_PAIR},
                                          {"pub", SocketType::pub, ZMQ_PUB},
                                          {"sub", SocketType::sub, ZMQ_SUB},
                                          {"req", SocketType::req, ZMQ_REQ},
                                          {"rep", SocketType::rep, ZMQ_REP},
                                          {"dealer", SocketType::dealer, ZMQ_DEALER},
                                          {"router", SocketType::router, ZMQ_ROUTER},
                                          {"pull", SocketType::pull, ZMQ_PULL},
                                          {"push", SocketType::push, ZMQ_PUSH},
                                          {"xpub", SocketType::xpub, ZMQ_XPUB},
                                          {"xsub", SocketType::xsub, ZMQ_XSUB}}};

bool set_number(void* handle, int option, int value) noexcept {
    return zmq_setsockopt(handle, option, &value, sizeof value) == 0;
}

} // namespace

bool detail::has_event(void* handle, int event) noexcept {
    int events = 0;
    std::size_t size = sizeof events;
    return zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size) == 0 && (events & event) != 0;
}

std::string_view name(SocketType type) noexcept {
    return types[static_cast<std::size_t>(type)].name;
}

std::optional<SocketType> socket_type_named(std::string_view name) noexcept {
    for (const TypeName& each : types)
        if (each.name == name)
            return each.type;
    return std::nullopt;
}

bool Socket::housekeep() const {
    Rest& rest = *rest_;
    if (!rest.needs_housekeeping())
        return false;
    const Instant at = recent_now();
    if (at < rest.next_housekeeping)
        return true;
    // Whoever calls each housekeeping_interval may come a little early by this clock.
    rest.next_housekeeping = deadline_after(at, housekeeping_interval / 2);
    if (rest.unfinished) {
        look_for_endless(at);
        return true;
    }
    if (rest.refusals)
        while (rest.refusals->next()) {
        }
    for (const std::string& endpoint : rest.redial->due(at)) {
        zmq_disconnect(handle_, endpoint.c_str());
        zmq_connect(handle_, endpoint.c_str());
    }
    return true;
}

void Socket::look_for_endless(Instant at) const {
    Rest& rest = *rest_;
    if (rest.listens_closely && !has_event(handle_, ZMQ_POLLIN))
        rest.unfinished->found_empty();
    for (const int descriptor : rest.unfinished->to_measure())
        if (const auto traffic = traffic_of(descriptor))
            rest.unfinished->measured(descriptor, *traffic, at);
    for (const auto& each : rest.unfinished->take_endless())
        gate_of(rest.options.security)->endless(each.descriptor, each.bytes);
    rest.listens_closely = rest.unfinished->listens();
}

Socket::Socket(SocketType type, void* handle, std::unique_ptr<Rest> rest) noexcept
    : type_(type), handle_(handle), rest_(std::move(rest)) {}

Socket::Socket(Socket&& other) noexcept
    : type_(other.type_), handle_(std::exchange(other.handle_, nullptr)),
      rest_(std::move(other.rest_)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
    std::swap(type_, other.type_);
    std::swap(handle_, other.handle_);
    std::swap(rest_, other.rest_);
    return *this;
}

Socket::~Socket() {
    if (!handle_)
        return;
    rest_->refusals.reset(); // while its reader lives, or libzmq would wait for one
    // The same for a Monitor that goes before libzmq is done with closing: an event without a
    // reader would block the I/O thread, and with it every socket of the context.
    zmq_socket_monitor(handle_, nullptr, 0);
    *rest_->alive = nullptr; // a Monitor that outlives us must not touch the handle
    zmq_close(handle_);
}

Result<Socket> Socket::open(Context& context, SocketType type, SocketOptions options) {
    if (const Status checked = detail::check_options(type, options); !checked)
        return fail(checked.error());
    if (const Status guarded = detail::guard(context, options); !guarded)
        return fail(guarded.error());
    if (const Status spare = detail::check_spare_descriptors("open a socket"); !spare)
        return fail(spare.error());
    void* const handle = zmq_socket(context.native_handle(), types[std::size_t(type)].number);
    if (!handle) {
        if (zmq_errno() == EMFILE)
            return fail(Errc::too_many, "the context has reached its sockets_max, or the process "
                                        "its limit of open files");
        return transport_failure(zmq_errno(), "open a " + std::string(name(type)) + " socket");
    }
    auto rest = std::make_unique<Rest>();
    rest->context = context.shared_state();
    rest->alive = std::make_shared<void*>(handle);
    rest->options = std::move(options);
    Socket socket{type, handle, std::move(rest)};
    if (const Status applied = detail::apply_options(handle, type, socket.rest_->options); !applied)
        return fail(applied.error());
    if (type == SocketType::xpub &&
        socket.rest_->options.subscriptions == SocketOptions::Subscriptions::manual) {
        socket.rest_->addresses_last = set_number(handle, option_xpub_manual_last_value, 1);
        if (socket.rest_->addresses_last)
            if (const Status everyone = socket.address(Audience::everyone); !everyone)
                return fail(everyone.error());
    }
    if (std::holds_alternative<CurveClient>(socket.rest_->options.security)) {
        socket.rest_->redial =
            std::make_shared<detail::Redial>(detail::Redial::Limits{}, system_seed());
        auto refusals = Monitor::open(socket);
        if (!refusals)
            return fail(refusals.error());
        socket.rest_->refusals.emplace(std::move(*refusals));
        // Every wait is cut into slices, the first one too.
        socket.rest_->send_timeout_ms = socket.rest_->receive_timeout_ms = Rest::timeout_unknown;
    }
    return socket;
}

Status Socket::subscribe(ByteView prefix) {
    if (zmq_setsockopt(handle_, ZMQ_SUBSCRIBE, prefix.data(), prefix.size()) != 0)
        return transport_failure(zmq_errno(), "subscribe");
    return {};
}

Status Socket::unsubscribe(ByteView prefix) {
    if (zmq_setsockopt(handle_, ZMQ_UNSUBSCRIBE, prefix.data(), prefix.size()) != 0)
        return transport_failure(zmq_errno(), "unsubscribe");
    return {};
}

bool Socket::can_address_last_subscriber() const noexcept {
    return rest_->addresses_last;
}

Status Socket::set_linger(Duration linger) {
    if (auto checked = check_within("linger", linger, 0s, 1h); !checked)
        return checked;
    if (!set_number(handle_, ZMQ_LINGER, timeout_ms(linger)))
        return transport_failure(zmq_errno(), "set the linger");
    rest_->options.linger = linger;
    return {};
}

Status Socket::address(Audience audience) {
    if (!rest_->addresses_last)
        return fail(Errc::unsupported, "this socket cannot address its last subscriber alone; it "
                                       "takes an XPUB socket in manual mode and libzmq 4.3");
    // Ending it ends manual mode too, which is then asked for again.
    const bool set = audience == Audience::last_subscriber
                         ? set_number(handle_, option_xpub_manual_last_value, 1)
                         : set_number(handle_, option_xpub_manual_last_value, 0) &&
                               set_number(handle_, ZMQ_XPUB_MANUAL, 1);
    if (!set)
        return transport_failure(zmq_errno(), "address subscribers");
    return {};
}

namespace {

Status wait_for(void* handle, short event, Duration wait) {
    const Instant deadline = wait == no_limit ? never : deadline_after(now(), wait);
    for (;;) {
        zmq_pollitem_t item{handle, 0, event, 0};
        const Duration left = time_left(now(), deadline);
        const int ready = zmq_poll(&item, 1, timeout_ms(left));
        if (ready > 0)
            return {};
        if (ready < 0 && zmq_errno() != EINTR)
            return transport_failure(zmq_errno());
        if (ready == 0 && left != no_limit && time_left(now(), deadline) == Duration::zero())
            return fail(wait <= Duration::zero() ? Errc::would_block : Errc::timeout);
    }
}

} // namespace

Status Socket::wait_readable(Duration wait) {
    return wait_for(handle_, ZMQ_POLLIN, wait);
}

Status Socket::wait_writable(Duration wait) {
    return wait_for(handle_, ZMQ_POLLOUT, wait);
}

int Socket::fd() const noexcept {
    int descriptor = -1;
    std::size_t size = sizeof descriptor;
    zmq_getsockopt(handle_, ZMQ_FD, &descriptor, &size);
    return descriptor;
}

bool Socket::readable() const noexcept {
    housekeep();
    return has_event(handle_, ZMQ_POLLIN);
}

bool Socket::writable() const noexcept {
    housekeep();
    return has_event(handle_, ZMQ_POLLOUT);
}

const SocketOptions& Socket::options() const noexcept {
    return rest_->options;
}

std::uint64_t Socket::oversize_total() const noexcept {
    return rest_->oversize_total;
}

std::shared_ptr<void*> Socket::alive() const noexcept {
    return rest_->alive;
}

const std::shared_ptr<detail::ContextState>& Socket::context_state() const noexcept {
    return rest_->context;
}

} // namespace flotilla::net
