// SPDX-License-Identifier: Apache-2.0
//
// TakeSession: messages of one queue through a StoreLink, with a window that never reaches beyond
// how many are wanted, so that nothing is taken and given back. With a StoreReturn it outlives the
// store's: it says hello again, and what it held is held on, or, when the store has forgotten it,
// comes again. One thread.
#pragma once

#include <flotilla/wire/leased_pack.hpp>

#include <cli/queue/store_link.hpp>
#include <cli/queue/store_return.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace flotilla::cli {

struct Taken {
    queue::leased::LeaseToken lease{};
    std::uint64_t id = 0;
    std::uint32_t attempt = 1;
    queue::leased::Redelivered redelivered = queue::leased::Redelivered::no;
    std::string key{};
    wire::Frames body{};
};

class TakeSession {
public:
    struct Size {
        std::uint64_t wanted = 1; // messages in all
        std::uint32_t window = 1; // held at once, at most
    };
    // `link` and `store` (absent: a store that goes away is an error) outlive it. Errors: refused
    // (no such queue).
    static Result<TakeSession> open(StoreLink& link, const std::string& queue, Size size,
                                    StoreReturn* store = nullptr);

    // The next message, waiting at most `wait`; nothing when none came and, unless it is zero, the
    // store says that there is none. Those before it that were
    // neither acknowledged nor given back stay with the caller, and count in the window. Errors:
    // those of StoreLink and StoreReturn.
    Result<std::optional<Taken>> next(Duration wait);
    // Told with settle(), or with others by next() and close(). Errors: lease_lost (it was
    // forgotten).
    Status ack(queue::leased::LeaseToken lease);
    // What was acknowledged and not told yet. Errors: lease_lost (the store has given some of it to
    // others), those of StoreLink.
    Status settle();
    Status nack(const Taken& message, Duration delay, const std::string& reason);
    // Renews the leases of all that is held when it is time: now and then while a message is worked
    // on.
    Status renew();
    // Acknowledges, and gives the rest back. Errors: lease_lost, timeout.
    Status close();
    // How many were handed out, and the store has not said that it settled them: they may come
    // again.
    std::uint64_t forgotten() const noexcept { return forgotten_; }

private:
    TakeSession(StoreLink& link, std::string queue, Size size, StoreReturn* store)
        : link_(&link), store_(store), queue_(std::move(queue)), size_(size) {}
    Status greet();
    queue::leased::Held still_held() const;
    void forget();
    bool may_come_back(const Error& why) const;
    Status come_back(const Error& why);
    Status settled(queue::leased::Command command);
    Result<std::optional<Taken>> next_here(Duration wait);
    std::uint32_t window() const noexcept;
    Status take_out(queue::leased::LeaseToken lease);
    void tell_window();
    Status touch_all();
    Status take_in(queue::Event&& event);
    Status ask_for_all();

    StoreLink* link_;
    StoreReturn* store_;
    std::string queue_;
    queue::leased::Terms terms_{};
    Size size_; // wanted: still, what is held included
    std::deque<Taken> held_{};
    std::deque<std::uint64_t> given_{}; // numbers of leases that are with next()'s caller
    queue::leased::Leases acked_{};
    std::uint64_t acks_ = 0; // in acked_
    std::uint64_t forgotten_ = 0;
    std::uint64_t returns_ = 0; // of the store
    Instant renew_at_{};
    wire::Expander expander_{};
};

} // namespace flotilla::cli
