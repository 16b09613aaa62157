// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/net/timers.hpp>

namespace flotilla::net {

TimerId Timers::add(Instant deadline, Handler handler) {
    FLOTILLA_CHECK(timers_.size() < timers_max, "too many timers");
    const std::uint64_t id = ++last_id_;
    timers_.emplace(id, Timer{deadline, Duration::zero(), std::move(handler)});
    order_.emplace(std::pair{deadline, id}, id);
    return TimerId{id};
}

TimerId Timers::repeat(Instant now, Duration interval, Handler handler) {
    FLOTILLA_CHECK(interval > Duration::zero(), "a repeating timer needs a positive interval");
    const TimerId id = add(deadline_after(now, interval), std::move(handler));
    timers_.at(id.value()).interval = interval;
    return id;
}

bool Timers::cancel(TimerId id) {
    const auto found = timers_.find(id.value());
    if (found == timers_.end())
        return false;
    order_.erase({found->second.deadline, id.value()});
    timers_.erase(found);
    return true;
}

Instant Timers::next() const noexcept {
    return order_.empty() ? never : order_.begin()->first.first;
}

std::size_t Timers::run_due(Instant now) {
    const std::uint64_t last_before = last_id_;
    std::vector<std::uint64_t> due;
    for (auto it = order_.begin(); it != order_.end() && it->first.first <= now; ++it)
        due.push_back(it->second);
    std::size_t ran = 0;
    for (const std::uint64_t id : due) {
        const auto found = timers_.find(id);
        if (found == timers_.end() || id > last_before)
            continue; // cancelled by an earlier handler
        Timer& timer = found->second;
        order_.erase({timer.deadline, id});
        // Taken out while it runs: a handler may cancel its own timer.
        Handler handler = std::move(timer.handler);
        if (timer.interval == Duration::zero()) {
            timers_.erase(found);
            handler();
        } else {
            timer.deadline = deadline_after(now, timer.interval);
            order_.emplace(std::pair{timer.deadline, id}, id);
            handler();
            if (const auto still = timers_.find(id); still != timers_.end())
                still->second.handler = std::move(handler);
        }
        ++ran;
    }
    return ran;
}

} // namespace flotilla::net
