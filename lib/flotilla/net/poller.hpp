// SPDX-License-Identifier: Apache-2.0
//
// Poller: the loop of one thread: sockets, descriptors and timers over zmq_poll.
//
// Handlers run on the thread that calls turn() or run(), one at a time; they may add and forget
// anything, themselves included. A handler is called while its socket stays ready, so it need not
// drain it; draining a bounded number is faster. At most items_max sockets and descriptors.
// Not thread-safe, except stop().
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/timers.hpp>

#include <functional>
#include <memory>

namespace flotilla::net {

class Poller {
public:
    static constexpr std::size_t items_max = 4096;
    using Handler = std::function<void()>;

    Poller();
    Poller(Poller&&) noexcept;
    Poller& operator=(Poller&&) noexcept;
    ~Poller();

    // The socket must outlive its registration and keep its address. One handler a direction; a
    // second one replaces the first, an empty one ends the interest in that direction.
    void on_readable(Socket& socket, Handler handler);
    void on_writable(Socket& socket, Handler handler);
    void on_readable(int descriptor, Handler handler);
    void on_writable(int descriptor, Handler handler);
    void forget(const Socket& socket);
    void forget(int descriptor);

    TimerId after(Duration wait, Handler handler);
    TimerId every(Duration interval, Handler handler);
    bool cancel(TimerId id);

    // The time at which this turn began its handlers.
    Instant now() const noexcept;

    // Waits for an event or a timer, at most `wait_max`, and runs the handlers. Errors: stopped
    // (the context shut down); transport.
    Status turn(Duration wait_max);
    // Turns until stop() or an error.
    Status run();
    // run() returns after this turn. Safe from any thread and from signal handlers; a run() that is
    // asleep notices at once.
    void stop() noexcept;

private:
    struct Rest;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::net
