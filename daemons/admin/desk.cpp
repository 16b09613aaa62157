// SPDX-License-Identifier: Apache-2.0
#include "admin/desk.hpp"

#include <flotilla/net/system.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

namespace flotilla::admin {

namespace {
constexpr int rests_times = 9; // as long as it worked
}

// What one asker wants, and then what it got.
struct Desk::Ticket {
    std::variant<Wanted, Order> wish{};
    std::variant<std::monostate, Snapshot, Answer> got{};
    bool is_settled() const { return got.index() != 0; }
};

struct Desk::Rest {
    enum class Stage : std::uint8_t { starting, open, closed };
    std::mutex mutex{};
    std::condition_variable settled{};
    Stage stage = Stage::starting;
    std::size_t waiting = 0; // askers, their tickets with the loop or not
    bool is_working = false; // who has just been answered does not ask before the rest
    Instant quiet_until{};   // the loop has its rest
    std::vector<std::shared_ptr<Ticket>> tickets{};

    void settle(const std::shared_ptr<Ticket>& ticket,
                std::variant<std::monostate, Snapshot, Answer> got) {
        const std::lock_guard lock(mutex);
        ticket->got = std::move(got);
        settled.notify_all();
    }
};

Desk::Desk(int event) : event_(event), rest_(std::make_shared<Rest>()) {}

Result<std::shared_ptr<Desk>> Desk::open() {
    const int event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (event < 0)
        return fail(Errc::out_of_files, std::string("eventfd: ") + std::strerror(errno));
    return std::shared_ptr<Desk>(new Desk(event));
}

Desk::~Desk() {
    close();
    ::close(event_);
}

Status Desk::leave(const std::shared_ptr<Ticket>& ticket, Duration wait) {
    Rest& rest = *rest_;
    std::unique_lock lock(rest.mutex);
    if (rest.stage == Rest::Stage::starting)
        return fail(Errc::no_peer, "the daemon is starting");
    if (rest.stage == Rest::Stage::closed)
        return fail(Errc::stopped, "the daemon has stopped");
    if (rest.waiting >= waiting_max)
        return fail(Errc::too_many, "too many ask at once");
    ++rest.waiting;
    const Instant deadline = deadline_after(net::now(), wait);
    while (rest.stage != Rest::Stage::closed) {
        const Instant now = net::now();
        const Instant until = rest.is_working ? deadline : std::min(rest.quiet_until, deadline);
        if (now >= until)
            break;
        rest.settled.wait_for(lock, until - now);
    }
    const bool is_too_late = net::now() >= deadline;
    if (is_too_late || rest.stage == Rest::Stage::closed) { // without waking the loop
        --rest.waiting;
        return rest.stage == Rest::Stage::closed
                   ? fail(Errc::stopped, "the daemon has stopped")
                   : fail(Errc::timeout, "the daemon's loop was busy with other askers");
    }
    rest.tickets.push_back(ticket);
    const std::uint64_t one = 1;
    // Can only fail where the descriptor is readable already.
    (void)!::write(event_, &one, sizeof one);
    const bool done = rest.settled.wait_for(lock, time_left(net::now(), deadline), [&] {
        return ticket->is_settled() || rest.stage == Rest::Stage::closed;
    });
    --rest.waiting;
    if (ticket->is_settled())
        return {};
    std::erase(rest.tickets, ticket);
    return done ? fail(Errc::stopped, "the daemon has stopped")
                : fail(Errc::timeout, "the daemon's loop did not answer in time");
}

Result<Snapshot> Desk::ask(Wanted wanted, Duration wait) {
    const auto ticket = std::make_shared<Ticket>();
    ticket->wish = std::move(wanted);
    if (Status left = leave(ticket, wait); !left)
        return fail(left.error());
    return std::get<Snapshot>(std::move(ticket->got));
}

Result<Answer> Desk::ask(Order order, Duration wait) {
    const auto ticket = std::make_shared<Ticket>();
    ticket->wish = std::move(order);
    if (Status left = leave(ticket, wait); !left)
        return fail(left.error());
    return std::get<Answer>(std::move(ticket->got));
}

void Desk::begin() {
    const std::lock_guard lock(rest_->mutex);
    if (rest_->stage == Rest::Stage::starting)
        rest_->stage = Rest::Stage::open;
}

void Desk::work(Administered& administered) {
    std::uint64_t count = 0;
    (void)!::read(event_, &count, sizeof count);
    std::vector<std::shared_ptr<Ticket>> tickets;
    {
        const std::lock_guard lock(rest_->mutex);
        tickets.swap(rest_->tickets);
        rest_->is_working = true;
    }
    const Instant begin = net::now();
    for (const auto& ticket : tickets) {
        if (const auto* wanted = std::get_if<Wanted>(&ticket->wish)) {
            rest_->settle(ticket, administered.snapshot(*wanted));
            continue;
        }
        administered.obey(std::get<Order>(ticket->wish), [rest = rest_, ticket](Answer answer) {
            rest->settle(ticket, std::move(answer));
        });
    }
    const Instant end = net::now();
    const std::lock_guard lock(rest_->mutex);
    // A turn that found nobody must not end the rest that another one has begun.
    rest_->quiet_until = std::max(rest_->quiet_until,
                                  end + std::min<Duration>(rests_times * (end - begin), rest_max));
    rest_->is_working = false;
    rest_->settled.notify_all();
}

void Desk::close() {
    const std::lock_guard lock(rest_->mutex);
    rest_->stage = Rest::Stage::closed;
    rest_->settled.notify_all();
}

} // namespace flotilla::admin
