// SPDX-License-Identifier: Apache-2.0
// Socket: messages and frames go in and out, and how that is waited for.
#include "message_owner.hpp"
#include "socket_rest.hpp"
#include "thread_sanitizer.hpp"
#include "transport_error.hpp"
#include "transport_wait.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace flotilla::net {
namespace {

using detail::has_event;
using detail::housekeeping_interval;
using detail::timeout_ms;
using detail::transport_failure;

zmq_msg_t* native(void* storage) noexcept {
    return static_cast<zmq_msg_t*>(storage);
}

int take_from(void* handle, zmq_msg_t* message, int flags) {
    const int bytes = zmq_msg_recv(message, handle, flags);
#ifdef FLOTILLA_THREAD_SANITIZER
    detail::received_from_transport(zmq_msg_data(message));
#endif
    return bytes;
}

// What zmq_msg_more() is, with one call less: it is asked about every frame.
bool has_more(const zmq_msg_t* message) noexcept {
    return zmq_msg_get(message, ZMQ_MORE) != 0;
}

// Room is asked for by the first frame, and the rest of a message fits. If not, its peer died
// between two frames: the first ones are gone with the connection, as all are when it ends a moment
// later, and libzmq drops the others, which it must get, once each: tried again, the last one would
// be a message of its own, and another peer's.
template <class Call>
Status send_following(Call&& call) {
    while (call() < 0) {
        if (zmq_errno() == EAGAIN)
            break;
        if (zmq_errno() != EINTR)
            return transport_failure(zmq_errno());
    }
    return {};
}

constexpr Duration clock_tick_max = 10ms; // of recent_now()

// Neither no wait at all nor one without a limit, for which nothing has to be set or kept.
bool is_timed(Duration wait, int timeout_set) noexcept {
    return wait > Duration::zero() && !(wait == no_limit && timeout_set == -1);
}

// `message` was just received and has so many bytes.
Socket::Look look_at(zmq_msg_t* message, int bytes) {
    return {static_cast<const char*>(zmq_msg_data(message)), bytes, has_more(message)};
}

} // namespace

inline int Socket::take(void* message, int flags) {
    const int bytes = take_from(handle_, native(message), flags);
    if (rest_->listens_closely && bytes >= 0) [[unlikely]]
        heard(message);
    return bytes;
}

void Socket::heard(void* message) {
    Rest& rest = *rest_;
    using Frame = detail::UnfinishedMessages::Frame;
    rest.unfinished->heard(zmq_msg_get(native(message), ZMQ_SRCFD),
                           has_more(native(message)) ? Frame::followed : Frame::last);
    rest.listens_closely = rest.unfinished->listens();
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
    // Amid a message there is nothing to look for: its peer is gone, and another's room is not its.
    bool looked = timeout_option != ZMQ_SNDTIMEO || amid_message_;
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
    // libzmq keeps the time; ours is for what interrupts it, so the cheap clock will do. It may lag
    // behind by a tick, and a wait must not end early.
    const Instant deadline =
        wait == no_limit ? never : deadline_after(recent_now() + clock_tick_max, wait);
    const Duration slice = rest_->needs_housekeeping() ? housekeeping_interval : no_limit;
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
        const bool all_of_it = number == EAGAIN && left <= slice;
        if (all_of_it || time_left(now(), deadline) == Duration::zero())
            return fail(Errc::timeout);
    }
}

// Below 0: refused, and the frame is as it was.
inline int Socket::try_to_send(Blob& frame, int flags) {
    if (void* const held = frame.storage_of(detail::message_owner)) {
        const int sent = zmq_msg_send(native(held), handle_, flags); // as it was received
        if (sent >= 0)
            frame = Blob{};
        return sent;
    }
    const ByteView bytes = frame;
    if (bytes.size() <= Blob::inline_bytes_max)
        return zmq_send(handle_, bytes.data(), bytes.size(), flags);
    Part made = Part::from(frame.share());
    const int sent = zmq_msg_send(native(made.storage_), handle_, flags);
    const int number = errno; // letting go of a refused one may change it
    made = Part{};
    errno = number;
    return sent;
}

Status Socket::send(wire::Frames& message, Duration wait) {
    FLOTILLA_CHECK(!message.empty(), "a message without frames was sent");
    const std::size_t last = message.size() - 1;
    Status first = waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, wait, [&](int flags) {
        return try_to_send(message[0], flags | (last > 0 ? ZMQ_SNDMORE : 0));
    });
    if (!first)
        return first;
    for (std::size_t i = 1; i <= last; ++i) {
        const int flags = ZMQ_DONTWAIT | (i < last ? ZMQ_SNDMORE : 0);
        if (Status sent = send_following([&] { return try_to_send(message[i], flags); }); !sent)
            return sent;
    }
    message.clear();
    return {};
}

Status Socket::send(const wire::StagedMessages::Message& message) {
    using wire::StagedMessages;
    std::size_t left = message.frames();
    ByteView rest = message.small;
    const auto flags = [&left] { return ZMQ_DONTWAIT | (--left > 0 ? ZMQ_SNDMORE : 0); };
    const ByteView peer = StagedMessages::next(rest);
    const int first_flags = flags();
    Status sent = waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, Duration::zero(), [&](int) {
        return zmq_send(handle_, peer.data(), peer.size(), first_flags);
    });
    while (sent && !rest.empty())
        sent = send_following([&, frame = StagedMessages::next(rest), its = flags()] {
            return zmq_send(handle_, frame.data(), frame.size(), its);
        });
    for (auto frame = message.large.begin(); sent && frame != message.large.end(); ++frame)
        sent = send_following([&, its = flags()] { return try_to_send(*frame, its); });
    return sent;
}

int Socket::send_at_once(ByteView frame, Duration wait) {
    if (is_timed(wait, rest_->send_timeout_ms))
        return -1;
    return zmq_send(handle_, frame.data(), frame.size(), wait == no_limit ? 0 : ZMQ_DONTWAIT);
}

int Socket::send_both_at_once(ByteView first, ByteView second) {
    if (zmq_send(handle_, first.data(), first.size(), ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) [[unlikely]]
        return 0;
    if (zmq_send(handle_, second.data(), second.size(), ZMQ_DONTWAIT) < 0) [[unlikely]] {
        amid_message_ = true;
        return 1;
    }
    return 2;
}

Status Socket::send(ByteView frame, Duration wait) {
    return waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, wait,
                   [&](int flags) { return zmq_send(handle_, frame.data(), frame.size(), flags); });
}

// What follows a frame that was dropped amid its message is dropped too.
inline void Socket::note_amid(const Status& sent, More more) noexcept {
    if (sent || amid_message_)
        amid_message_ = more == More::yes;
}

Status Socket::send(ByteView frame, More more, Duration wait) {
    const int sndmore = more == More::yes ? ZMQ_SNDMORE : 0;
    Status sent = waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, wait, [&](int flags) {
        return zmq_send(handle_, frame.data(), frame.size(), flags | sndmore);
    });
    note_amid(sent, more);
    return sent;
}

Status Socket::send(Part& part, More more, Duration wait) {
    const int sndmore = more == More::yes ? ZMQ_SNDMORE : 0;
    Status sent = waiting(ZMQ_SNDTIMEO, rest_->send_timeout_ms, wait, [&](int flags) {
        return zmq_msg_send(native(part.storage_), handle_, flags | sndmore);
    });
    note_amid(sent, more);
    return sent;
}

Status Socket::receive(Part& part, Duration wait) {
    return waiting(ZMQ_RCVTIMEO, rest_->receive_timeout_ms, wait,
                   [&](int flags) { return take(part.storage_, flags); });
}

Socket::Look Socket::look_at_once(Part& part, Duration wait) {
    // To try without waiting first would cost a system call each time nothing is there.
    if (is_timed(wait, rest_->receive_timeout_ms))
        return {};
    zmq_msg_t* const message = native(part.storage_);
    const int bytes = take(message, wait == no_limit ? 0 : ZMQ_DONTWAIT);
    return bytes >= 0 ? look_at(message, bytes) : Look{};
}

Socket::Both Socket::receive_both_at_once(Part& first, Part& second, Duration wait) {
    const bool waits = wait == no_limit && rest_->receive_timeout_ms == -1;
    if (take(first.storage_, waits ? 0 : ZMQ_DONTWAIT) < 0) [[unlikely]]
        return {};
    if (!has_more(native(first.storage_))) [[unlikely]] {
        second = Part{};
        return {0, More::no};
    }
    const int bytes = take(second.storage_, ZMQ_DONTWAIT);
    if (bytes < 0) [[unlikely]]
        return second_again(second);
    return {bytes, has_more(native(second.storage_)) ? More::yes : More::no};
}

// It was interrupted, or the context ends, which the next receive tells.
Socket::Both Socket::second_again(Part& second) {
    if (!receive(second, Duration::zero()))
        return {};
    return {static_cast<std::int32_t>(second.size()), second.more() ? More::yes : More::no};
}

Result<Socket::Look> Socket::receive_look(Part& part, Duration wait) {
    if (const Look look = look_at_once(part, wait)) [[likely]]
        return look;
    return look_waiting(part, wait);
}

// Without a wait an attempt has just failed.
Result<Socket::Look> Socket::look_waiting(Part& part, Duration wait) {
    zmq_msg_t* const message = native(part.storage_);
    int bytes = 0;
    auto call = [&](int flags) { return bytes = take(message, flags); };
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
        Part frame;
        zmq_msg_t* const in = native(frame.storage_);
        // Frames of one message arrive together: only the first can be waited for.
        const Status received =
            waiting(ZMQ_RCVTIMEO, rest_->receive_timeout_ms, frames == 0 ? wait : Duration::zero(),
                    [&](int flags) { return take(in, flags); });
        FLOTILLA_CHECK(frames == 0 || received || received.error().code != Errc::would_block,
                       "libzmq gave half a message");
        if (!received)
            return fail(received.error());
        more = has_more(in);
        bytes += zmq_msg_size(in);
        if (frames < limits.frames_max && bytes <= limits.message_bytes_max)
            frame.move_to(message.add());
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

} // namespace flotilla::net
