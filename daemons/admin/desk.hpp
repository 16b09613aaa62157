// SPDX-License-Identifier: Apache-2.0
//
// Desk: where HTTP threads and the admin endpoint leave what they want of the daemon, and wait for
// it; the loop answers when it turns. Nobody but the loop touches the daemon, and the loop never
// waits for anybody.
//
// Bounded: waiting_max askers at once; who does not get an answer within `wait` goes away with 503,
// and the answer is dropped when it comes. Askers take at most a tenth of the loop's time, however
// often they ask: after each work() nobody is let near it for nine times as long as it took, but
// for rest_max at most, so that a daemon with slow turns still answers within Office::wait_max.
#pragma once

#include "admin/administered.hpp"
#include "admin/snapshot.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <memory>

namespace flotilla::admin {

class Desk {
public:
    static constexpr std::size_t waiting_max = 64;
    static constexpr Duration rest_max = 1s;

    // Errors: out_of_files.
    static Result<std::shared_ptr<Desk>> open();
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;
    ~Desk();

    // ---- askers, from any thread; each waits at most `wait`.
    // Errors: no_peer (the daemon is still starting); timeout (its loop does not turn, or rests);
    // too_many (waiting_max askers wait); stopped.
    Result<Snapshot> ask(Wanted wanted, Duration wait);
    Result<Answer> ask(Order order, Duration wait);

    // ---- the loop.
    // Readable while somebody waits; open() to close().
    int fd() const noexcept { return event_; }
    // From now on askers wait, and work() is called when fd() is readable.
    void begin();
    // Answers everybody who waits. `administered` must outlive the orders that it has taken.
    void work(Administered& administered);
    // Everybody who waits, and who comes later, is told that the daemon stopped.
    void close();

private:
    struct Ticket;
    struct Rest;
    explicit Desk(int event);
    Status leave(const std::shared_ptr<Ticket>& ticket, Duration wait);

    int event_;
    std::shared_ptr<Rest> rest_; // late answers may come when the desk is gone
};

} // namespace flotilla::admin
