// SPDX-License-Identifier: Apache-2.0
//
// Traffic: when a verb sends, what it waits for, and when and how it ends.
//
// Pure: it is told what happened and when; it moves nothing. The order of events:
//
//   out   (push, pub)   peers_min peers -> send, send, ... -> input ended or count sent -> done
//   in    (pull, sub)   receive, receive, ... -> count received, or quiet for `timeout` -> done
//   both  (dealer, ...) both at once; done when count were received, or when input that brought
//                       something has ended and it stays quiet
//   ask   (req)         send, receive, send, receive, ...
//   answer (rep)        receive, send, receive, send, ...
#pragma once

#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/time.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace flotilla::cli {

struct TrafficRules {
    enum class Flow : std::uint8_t { out, in, both, ask, answer } flow = Flow::out;
    // Messages after which it ends: sent (out), received (in, both), answered (ask, answer).
    std::optional<std::uint64_t> count{};
    Duration interval{0}; // between the starts of two sends; at least 0
    // out, ask: longest wait of a message for a peer or for room, and for a reply [send_wait]. in,
    // answer: longest quiet time [none]. both: the same once the input has ended [quiet_wait].
    std::optional<Duration> timeout{};
    std::uint64_t peers_min = 0; // before the first send
    enum class Input : std::uint8_t { none, some } input = Input::some;
};

class Traffic {
public:
    static constexpr Duration send_wait = 30s;
    static constexpr Duration quiet_wait = 1s;

    struct End {
        ExitCode code = ExitCode::ok;
        std::string why{}; // for the reader; empty when there is nothing to explain
    };

    Traffic(TrafficRules rules, Instant now);

    void peers(std::uint64_t count, Instant now);
    void sent(Instant now);
    void received(Instant now);
    void input_ended(Instant now);
    void blocked(Instant now); // a message is due, and there is no peer or no room for it

    // It is time for the next message, if there is one.
    bool wants_send(Instant now) const;
    // Messages may be sent: enough peers came.
    bool peers_ready() const noexcept { return peers_ready_; }
    // Another message will be wanted, now or later.
    bool wants_input() const;
    bool wants_receive() const;
    // How it ended, once it has.
    std::optional<End> end(Instant now) const;
    // When to ask again if nothing happens.
    Instant next_deadline() const;

    std::uint64_t sent_total() const noexcept { return sent_; }
    std::uint64_t received_total() const noexcept { return received_; }

private:
    using Flow = TrafficRules::Flow;
    bool is_our_turn() const;
    bool waits_for_reply() const { return rules_.flow == Flow::ask && sent_ > received_; }
    bool has_input() const;
    Instant quiet_deadline() const;
    std::optional<End> end_of_quiet() const;
    Duration send_limit() const { return rules_.timeout.value_or(send_wait); }

    TrafficRules rules_;
    Instant last_; // something was sent or received, or the input ended
    Instant next_send_;
    std::optional<Instant> blocked_since_{};
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t peers_now_ = 0;
    bool peers_ready_;
    bool input_ended_;
};

} // namespace flotilla::cli
