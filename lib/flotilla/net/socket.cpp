// SPDX-License-Identifier: Apache-2.0
#include "context_state.hpp"
#include "descriptors.hpp"
#include "message_owner.hpp"
#include "profile.hpp"
#include "socket_rest.hpp"
#include "thread_sanitizer.hpp"
#include "transport_error.hpp"
#include "transport_wait.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace flotilla::net {
namespace {

using detail::timeout_ms;
using detail::transport_failure;

// XPUB: the next message goes to the last subscriber alone. It has a number but no name in the
// stable header of libzmq 4.3.4.
constexpr int option_xpub_manual_last_value = 98;

constexpr Duration housekeeping_interval = 200ms;

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

zmq_msg_t* native(void* storage) noexcept {
    return static_cast<zmq_msg_t*>(storage);
}

bool set_number(void* handle, int option, int value) noexcept {
    return zmq_setsockopt(handle, option, &value, sizeof value) == 0;
}

bool has_event(void* handle, int event) noexcept {
    int events = 0;
    std::size_t size = sizeof events;
    return zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size) == 0 && (events & event) != 0;
}

int take(zmq_msg_t* message, void* handle, int flags) {
    const int bytes = zmq_msg_recv(message, handle, flags);
#ifdef FLOTILLA_THREAD_SANITIZER
    detail::received_from_transport(zmq_msg_data(message));
#endif
    return bytes;
}

// `message` was just received and has so many bytes.
Socket::Look look_at(zmq_msg_t* message, int bytes) {
    return {{static_cast<const char*>(zmq_msg_data(message)), std::size_t(bytes)},
            zmq_msg_more(message) != 0 ? More::yes : More::no};
}

} // namespace

std::string_view name(SocketType type) noexcept {
    return types[static_cast<std::size_t>(type)].name;
}

std::optional<SocketType> socket_type_named(std::string_view name) noexcept {
    for (const TypeName& each : types)
        if (each.name == name)
            return each.type;
    return std::nullopt;
}

// Repeats `call(flags)` over interrupted system calls and housekeeping, for at most `wait`. The
// socket's own timeout option bounds a blocking call; it is changed only when it differs from the
// last one.
template <class Call>
Status Socket::waiting(int timeout_option, int& timeout_set, Duration wait, Call&& call) {
    // What mostly happens stands alone, so that the compiler puts it where it is called: a wait
    // without a limit or none at all, and success.
    if (wait == no_limit && timeout_set == -1 && call(0) >= 0) [[likely]]
        return {};
    if (wait > Duration::zero())
        return waiting_for(timeout_option, timeout_set, wait, call);
    if (call(ZMQ_DONTWAIT) >= 0) [[likely]]
        return {};
    return not_at_once(timeout_option, call);
}

template <class Call>
Status Socket::not_at_once(int timeout_option, Call& call) {
    bool looked = timeout_option != ZMQ_SNDTIMEO;
    do {
        const int number = zmq_errno();
        if (number == EAGAIN)
            housekeep();
        // A send that does not wait hears of room in a peer's queue at most once a millisecond
        // and refuses until then. Asking for the events hears of it now.
        if (number == EAGAIN && !looked && has_event(handle_, ZMQ_POLLOUT))
            looked = true;
        else if (number != EINTR)
            return transport_failure(number);
    } while (call(ZMQ_DONTWAIT) < 0);
    return {};
}

template <class Call>
Status Socket::waiting_for(int timeout_option, int& timeout_set, Duration wait, Call& call) {
    // libzmq keeps the time; ours is for what interrupts it, so the cheap clock will do.
    const Instant deadline = wait == no_limit ? never : deadline_after(recent_now(), wait);
    const Duration slice = rest_->redial ? housekeeping_interval : no_limit;
    for (Duration left = wait;; left = time_left(now(), deadline)) {
        if (const int wanted = timeout_ms(std::min(left, slice)); wanted != timeout_set) {
            if (zmq_setsockopt(handle_, timeout_option, &wanted, sizeof wanted) != 0)
                return transport_failure(zmq_errno());
            timeout_set = wanted;
        }
        if (call(0) >= 0)
            return {};
        const int number = zmq_errno();
        if (number != EINTR && number != EAGAIN)
            return transport_failure(number);
        housekeep();
        if (time_left(now(), deadline) == Duration::zero())
            return fail(Errc::timeout);
    }
}

bool Socket::housekeep() const {
    Rest& rest = *rest_;
    if (!rest.redial)
        return false;
    const Instant at = now();
    if (at < rest.next_housekeeping)
        return true;
    rest.next_housekeeping = deadline_after(at, housekeeping_interval);
    if (rest.refusals)
        while (rest.refusals->next()) {
        }
    for (const std::string& endpoint : rest.redial->due(at)) {
        zmq_disconnect(handle_, endpoint.c_str());
        zmq_connect(handle_, endpoint.c_str());
    }
    return true;
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

// A refusal leaves the frame alone.
Status Socket::send_frame(Blob& frame, int more, Duration wait) {
    const auto out_of = [&](zmq_msg_t* out) {
        return waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, wait,
                       [&](int flags) { return zmq_msg_send(out, handle_, flags | more); });
    };
    if (void* const held = frame.storage_of(detail::message_owner))
        return out_of(native(held)); // a received frame goes out as it is
    const ByteView bytes = frame;
    if (bytes.size() <= Blob::inline_bytes_max)
        return waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, wait, [&](int flags) {
            return zmq_send(handle_, bytes.data(), bytes.size(), flags | more);
        });
    Part made = Part::from(frame.share());
    return out_of(native(made.storage_));
}

Status Socket::send(wire::Frames& message, Duration wait) {
    FLOTILLA_CHECK(!message.empty(), "a message without frames was sent");
    for (std::size_t i = 0; i < message.size(); ++i) {
        Blob& frame = message[i];
        const int more = i + 1 < message.size() ? ZMQ_SNDMORE : 0;
        Status sent = send_frame(frame, more, i == 0 ? wait : Duration::zero());
        // Room is asked for by the first frame; the rest of a message always fits.
        FLOTILLA_CHECK(i == 0 || sent || sent.error().code != Errc::would_block,
                       "libzmq took half a message");
        if (!sent)
            return sent;
    }
    message.clear();
    return {};
}

// Of these two the common outcome stands alone: with a hundred nanoseconds a message, the registers
// and the memory that the rest needs show.

Status Socket::send(ByteView frame, Duration wait) {
    if (wait == no_limit && rest_->send_timeout_ms == -1 &&
        zmq_send(handle_, frame.data(), frame.size(), 0) >= 0) [[likely]]
        return {};
    return send_waiting(frame, wait);
}

Status Socket::send_waiting(ByteView frame, Duration wait) {
    return waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, wait,
                   [&](int flags) { return zmq_send(handle_, frame.data(), frame.size(), flags); });
}

Status Socket::send(ByteView frame, More more, Duration wait) {
    const int sndmore = more == More::yes ? ZMQ_SNDMORE : 0;
    return waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, wait, [&](int flags) {
        return zmq_send(handle_, frame.data(), frame.size(), flags | sndmore);
    });
}

Status Socket::send(Part& part, More more, Duration wait) {
    const int sndmore = more == More::yes ? ZMQ_SNDMORE : 0;
    return waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, wait, [&](int flags) {
        return zmq_msg_send(native(part.storage_), handle_, flags | sndmore);
    });
}

Status Socket::receive(Part& part, Duration wait) {
    return waiting(ZMQ_RCVTIMEO, rest_->receive_timeout_ms, wait,
                   [&](int flags) { return take(native(part.storage_), handle_, flags); });
}

Result<Socket::Look> Socket::receive_look(Part& part, Duration wait) {
    zmq_msg_t* const message = native(part.storage_);
    if (wait <= Duration::zero() || (wait == no_limit && rest_->receive_timeout_ms == -1))
        [[likely]]
        if (const int bytes = take(message, handle_, wait == no_limit ? 0 : ZMQ_DONTWAIT);
            bytes >= 0) [[likely]]
            return look_at(message, bytes);
    return look_waiting(part, wait);
}

// After the short way: an attempt that did not wait failed, or none was made.
Result<Socket::Look> Socket::look_waiting(Part& part, Duration wait) {
    zmq_msg_t* const message = native(part.storage_);
    int bytes = 0;
    auto call = [&](int flags) { return bytes = take(message, handle_, flags); };
    const Status received = wait > Duration::zero()
                                ? waiting_for(ZMQ_RCVTIMEO, rest_->receive_timeout_ms, wait, call)
                                : not_at_once(ZMQ_RCVTIMEO, call);
    if (!received)
        return fail(received.error());
    return look_at(message, bytes);
}

Result<wire::Frames> Socket::receive(Duration wait) {
    const SocketOptions& limits = rest_->options;
    wire::Frames message;
    std::uint64_t bytes = 0;
    std::size_t frames = 0;
    for (bool more = true; more; ++frames) {
        Blob frame =
            Blob::own(detail::message_owner, [](void* storage) { zmq_msg_init(native(storage)); });
        zmq_msg_t* const in = native(frame.storage_of(detail::message_owner));
        // Frames of one message arrive together: only the first can be waited for.
        const Status received =
            waiting(ZMQ_RCVTIMEO, rest_->receive_timeout_ms, frames == 0 ? wait : Duration::zero(),
                    [&](int flags) { return take(in, handle_, flags); });
        FLOTILLA_CHECK(frames == 0 || received || received.error().code != Errc::would_block,
                       "libzmq gave half a message");
        if (!received)
            return fail(received.error());
        more = zmq_msg_more(in) != 0;
        bytes += zmq_msg_size(in);
        if (frames < limits.frames_max && bytes <= limits.message_bytes_max)
            message.add(std::move(frame));
    }
    if (frames > limits.frames_max || bytes > limits.message_bytes_max) {
        ++rest_->oversize_total;
        if (frames > limits.frames_max)
            return fail(Errc::too_many, "a message had " + std::to_string(frames) +
                                            " frames; the limit is " +
                                            std::to_string(limits.frames_max));
        return fail(Errc::too_large, "a message had " + std::to_string(bytes) +
                                         " bytes; the limit is " +
                                         std::to_string(limits.message_bytes_max));
    }
    return message;
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
    if (linger < Duration::zero() || linger > 1h)
        return fail(Errc::bad_option,
                    "linger is " + format_duration(linger) + "; it must be from 0s to 1h");
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
