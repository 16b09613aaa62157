// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/queue/store_return.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::cli {

namespace {

using Code = queue::leased::ErrorCode;

constexpr Duration pause_min = 50ms; // for a store that is there, and stops or is full
constexpr Duration pause_max = 1s;

// What it answers while it is there; who has no session any more has lost it.
bool is_refusal(const StoreLink& link, const Error& why) {
    return why.code == Errc::refused && link.refused_with() != Code::no_session;
}

} // namespace

// What a store refuses for good is said by its answer to a new hello, not to what was asked in a
// session: the session may be gone because a right was.
bool StoreReturn::is_worth_waiting(const StoreLink& link, const Error& error) const {
    if (signal_caught() != 0)
        return false;
    const auto with = link.refused_with();
    switch (error.code) {
    case Errc::no_peer:
        return true;
    case Errc::timeout:
        return patience_ == Patience::endless;
    case Errc::refused:
        return with == Code::no_session || with == Code::draining || with == Code::busy ||
               with == Code::not_allowed;
    default:
        return false;
    }
}

Result<StoreLink> StoreReturn::open(const StoreFlags& flags, const ConnectionTold& told,
                                    const std::string& name) {
    for (;;) {
        auto link = StoreLink::open(flags, told, name);
        if (link || patience_ != Patience::endless || link.error().code != Errc::timeout)
            return link;
        if (signal_caught() != 0)
            return fail(Errc::stopped, "ended by a signal");
        const std::lock_guard lock(mutex_);
        if (!std::exchange(has_said_missing_, true))
            say_(link.error().detail + "; it is waited for (--follow)");
    }
}

Status StoreReturn::try_until_back(StoreLink& link, const std::function<Status()>& begin) const {
    const Instant give_up =
        patience_ == Patience::endless ? never : deadline_after(net::now(), link.timeout());
    for (Duration pause = pause_min;; pause = std::min(pause * 2, pause_max)) {
        Status opened = link.reopen();
        const bool is_open = opened.has_value();
        Status begun = is_open ? begin() : opened;
        if (begun)
            return begun;
        const bool may_pass = begun.error().code == Errc::timeout ||
                              (is_open && is_worth_waiting(link, begun.error()) &&
                               link.refused_with() != Code::not_allowed);
        if (!may_pass || net::now() >= give_up)
            return begun;
        if (Status paused = link.pause(pause); !paused)
            return paused;
    }
}

Status StoreReturn::wait(StoreLink& link, const Error& why, const std::function<Status()>& begin) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_++ == 0)
            say_((is_refusal(link, why) ? "the store at " + link.endpoint() + " refuses: "
                                        : "lost the store at " + link.endpoint() + ": ") +
                 why.detail + "; trying again");
    }
    Status back = try_until_back(link, begin);
    const std::lock_guard lock(mutex_);
    if (--waiting_ == 0 && back)
        say_("the store at " + link.endpoint() + " is back");
    return back;
}

} // namespace flotilla::cli
