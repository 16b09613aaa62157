// SPDX-License-Identifier: Apache-2.0
//
// StoreLink: a conversation with one store: what is asked is answered, or is an error that says why
// not. One thread.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/queue/codec.hpp>

#include <cli/hints.hpp>
#include <cli/queue/store_flags.hpp>
#include <cli/terminal.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace flotilla::cli {

// What happens to the connection, in a sentence; none: nobody wants to know.
using ConnectionTold = std::function<void(const std::string&)>;
// For -v; none without it.
ConnectionTold told_to(Terminal& terminal);

class StoreLink {
public:
    // The first store that answers. `name` is what it is to know us by, so that another run can go
    // on where this one ended; empty: a name of its own. Errors: those of make_store_plan and
    // Socket; timeout (none does, each asked for its part of the time); refused (somebody else is
    // there, and said so); not_allowed (it does not let us in).
    static Result<StoreLink> open(const StoreFlags& flags, ConnectionTold told,
                                  const std::string& name = {});

    // The same again, in place of this connection; what waits to be heard is forgotten. After an
    // error there is no connection. Errors: as open().
    Status reopen();

    // Waits for the answer, at most the timeout and `wait` beyond it. Errors: timeout; no_peer (the
    // connection has ended); refused (the store's code and text); lease_lost; stopped (a signal);
    // malformed.
    Result<queue::Event> ask(const queue::Command& command, queue::Asked asked,
                             Duration wait = Duration::zero());
    // The same for commands whose answer is of one kind.
    template <class Answer>
    Result<Answer> ask_for(const queue::Command& command, queue::Asked asked,
                           Duration wait = Duration::zero());

    // Another answer to the last question. Errors: as ask().
    Result<queue::Event> answer(queue::Asked asked, Duration wait);

    // Whether a signal ends what is waited for from now on. What was begun is finished.
    enum class OnSignal : std::uint8_t { stop, go_on };
    void on_signal(OnSignal what) noexcept { on_signal_ = what; }

    // Without an answer.
    Status tell(const queue::Command& command);
    // What comes unasked, at most `wait` for it; nothing when nothing came. Errors as ask().
    Result<std::optional<queue::Event>> hear(Duration wait);

    // What came unasked before the last answer.
    void forget_unasked() noexcept { unasked_.clear(); }

    // Waits for nothing but a signal. Errors: stopped.
    Status pause(Duration wait);

    // Why the last question, or what was heard since, was refused; absent: it was not.
    std::optional<queue::leased::ErrorCode> refused_with() const noexcept { return refused_with_; }
    const std::string& endpoint() const noexcept { return endpoint_; }
    Duration timeout() const noexcept { return timeout_; }

private:
    StoreLink() = default;
    static Result<StoreLink> open_one(const StorePlan& plan, const net::Endpoint& endpoint,
                                      Duration wait, const std::string& name,
                                      const ConnectionTold& told, ConnectionHint& hint);
    void hear_connections();
    Result<std::optional<queue::Event>> receive(queue::Asked asked, Duration wait,
                                                const std::string& correlation);
    Status stopped() const;
    Status present() const;
    Result<bool> wait_input(Instant deadline);

    std::unique_ptr<net::Context> context_{};
    std::optional<net::Socket> socket_{};
    std::optional<net::Monitor> monitor_{};
    StoreFlags flags_{}; // to open it again
    std::string name_{};
    ConnectionTold told_{};
    ConnectionHint* hint_ = nullptr; // while it is opened
    std::string denied_{};           // meanwhile, with the reason
    std::string endpoint_{};
    Duration timeout_{0};
    OnSignal on_signal_ = OnSignal::stop;
    bool is_lost_ = false; // the connection that was made has ended
    std::uint64_t asked_ = 0;
    std::optional<queue::leased::ErrorCode> refused_with_{};
    std::deque<queue::Event> unasked_{}; // that came while an answer was waited for
};

// "no store answers at ...: why, and what to do".
std::string no_answer(const StoreFlags& flags, const ConnectionHint& hint = {});

// A refusal as an error: "no_queue: there is no queue 'x'; ...".
Error refusal(queue::leased::ErrorCode code, const std::string& text);

template <class Answer>
Result<Answer> StoreLink::ask_for(const queue::Command& command, queue::Asked asked,
                                  Duration wait) {
    auto event = ask(command, asked, wait);
    if (!event)
        return fail(event.error());
    if constexpr (std::is_constructible_v<queue::leased::Event, Answer>) {
        if (auto* reply = std::get_if<queue::leased::Event>(&*event))
            if (auto* answer = std::get_if<Answer>(reply))
                return std::move(*answer);
    } else if (auto* answer = std::get_if<Answer>(&*event)) {
        return std::move(*answer);
    }
    return fail(Errc::malformed, "the store gave an answer of another kind");
}

} // namespace flotilla::cli
