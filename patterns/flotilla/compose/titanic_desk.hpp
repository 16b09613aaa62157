// SPDX-License-Identifier: Apache-2.0
//
// TitanicDesk: which durable calls there are, which is to be tried when, and what became of each.
// It holds no store and no broker: it is told what lies in the two queues, and says what may be
// acknowledged there. No I/O, no clock.
//
//     (asked) ─ request is in its queue ─► pending ─ tried ─► answered ─ reply is in its queue ─►
//     kept ─ close ─► gone: request and reply are acknowledged
//
// Invariants
//  1. A request is acknowledged when its reply is in the queue of replies, or it was closed; a
//     reply when it was closed. So a crash at any moment leaves one of them.
//  2. A call is tried by one at a time.
//  3. One that is closed is remembered until nothing of it is under way any more.
//
// Bounded by what is leased to its two consumers. One thread at a time.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/queue/consumer.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flotilla::compose {

// 32 hexadecimal digits, in lower case.
bool is_titanic_id(std::string_view text) noexcept;

struct TitanicRetry {
    Duration first = 1s; // pause before the second try; doubles, up to
    Duration most = 1min;
};

class TitanicDesk {
public:
    TitanicDesk(TitanicRetry retry, std::uint64_t seed) : retry_(retry), random_(seed) {}

    std::string new_id(); // nobody else's

    // Known from now on; its request is on its way into the queue.
    void asked(const std::string& id);
    void given_up(const std::string& id);  // it may get there: nobody cares
    void not_asked(const std::string& id); // it will not get there; after given_up() too
    // A delivery of either queue: [id, service, body...] and [id, body...]. False: it is neither,
    // and is to be acknowledged at once.
    bool add_request(queue::Message message, Instant now);
    bool add_reply(queue::Message message);

    // The next call to be tried, which is then this caller's until tried().
    struct Call {
        std::string id{};
        std::string service{};
        wire::Frames body{};
        std::uint32_t failures = 0; // of tries, since it came here
    };
    std::optional<Call> next(Instant now);
    enum class Tried : std::uint8_t {
        failed,   // again, after a pause
        answered, // its reply is in the queue of replies, and will be delivered from there
        dropped,  // there is none, and nobody wants it any more
    };
    void tried(const std::string& id, Tried how, Instant now);
    Instant next_deadline() const noexcept { return due_.empty() ? never : due_.begin()->first; }

    enum class State : std::uint8_t { unknown, pending, done };
    State state(std::string_view id) const;
    wire::Frames reply(std::string_view id) const; // of one that is done
    bool is_wanted(std::string_view id) const;     // there, and not closed
    void close(std::string_view id);

    // What may be acknowledged now.
    std::vector<queue::Message> take_done_requests() { return std::exchange(done_requests_, {}); }
    std::vector<queue::Message> take_done_replies() { return std::exchange(done_replies_, {}); }
    std::size_t pending() const noexcept { return calls_.size() - kept_; }
    std::size_t kept() const noexcept { return kept_; }

private:
    struct Entry {
        std::optional<queue::Message> request{};
        std::optional<queue::Message> reply{};
        // On its way into its queue, or in it: it will be delivered, to an entry that is closed
        // too.
        bool is_request_coming = false;
        bool is_reply_coming = false;
        bool was_reply_here = false; // no other will be delivered: its repeats are dropped
        bool is_running = false;
        bool is_closed = false;
        std::uint32_t failures = 0;
        Instant due = never; // in due_, unless never
    };
    using Calls = std::unordered_map<std::string, Entry>;

    void wait_until(Entry& entry, const std::string& id, Instant when);
    void finish_request(Entry& entry, const std::string& id);
    void close(Calls::iterator call);
    const Entry* find(std::string_view id) const;

    TitanicRetry retry_;
    Random random_;
    Calls calls_{};
    std::multimap<Instant, std::string> due_{};
    std::vector<queue::Message> done_requests_{};
    std::vector<queue::Message> done_replies_{};
    std::size_t kept_ = 0;
};

} // namespace flotilla::compose
