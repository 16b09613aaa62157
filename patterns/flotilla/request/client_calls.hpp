// SPDX-License-Identifier: Apache-2.0
//
// ClientCalls: the calls of a client that are under way, by number, by id and by when something is
// due. Holds; decides nothing. Bounded by count and by the bytes of bodies.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/request/client_model.hpp>
#include <flotilla/request/partial_order.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flotilla::request {

using LinkId = Id<struct LinkTag>; // a connection to a broker, never used again

struct ClientCall {
    enum class State : std::uint8_t {
        waiting, // to be sent
        sent,
        pausing, // its attempt is over; sent again after a pause
        resting, // not sent again; an answer may still come, until the deadline
    };
    CallId number{};
    std::string service{};
    std::string id{};
    wire::Frames body{};
    std::uint64_t bytes = 0;
    Instant begun{};
    Instant deadline = never;
    Instant next = never; // when the attempt, or the pause, is over
    bool retry = true;
    State state = State::waiting;
    std::uint32_t attempts = 0;
    std::uint32_t reminders = 0; // of these, sent again over a connection that had it
    std::optional<LinkId> link{};
    PartialOrder partials{};
    std::string refused{}; // what the broker said that did not take it, until another is asked

    Instant due() const noexcept { return next < deadline ? next : deadline; }
};

class ClientCalls {
public:
    ClientCalls(std::uint32_t calls_max, std::uint64_t bytes_max)
        : calls_max_(calls_max), bytes_max_(bytes_max) {}

    bool has_room(std::uint64_t bytes) const noexcept {
        return calls_.size() < calls_max_ && bytes_max_ - bytes_ >= bytes;
    }
    // With a number and id of its own; there must be room.
    ClientCall& add(ClientCall call);
    ClientCall* find(CallId number);
    ClientCall* find(std::string_view id);
    // Takes it out, whole.
    ClientCall take(CallId number);

    // Changes when its attempt or pause is over.
    void set_next(ClientCall& call, Instant next);
    void set_state(ClientCall& call, ClientCall::State state);

    // The call that is due first at `now`; then next_due() says later.
    ClientCall* due(Instant now);
    Instant next_due() const noexcept { return due_.empty() ? never : due_.begin()->first; }

    // In the order of call().
    ClientCall* first_waiting();
    bool any_waiting() const noexcept { return !waiting_.empty(); }
    std::vector<CallId> on(LinkId link) const;
    std::vector<CallId> all() const;

    std::size_t size() const noexcept { return calls_.size(); }
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    std::uint32_t calls_max_;
    std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    std::unordered_map<CallId, ClientCall> calls_;
    std::unordered_map<std::string, CallId, TransparentStringHash, std::equal_to<>> ids_;
    std::set<std::pair<Instant, CallId>> due_;
    std::set<CallId> waiting_;
};

} // namespace flotilla::request
