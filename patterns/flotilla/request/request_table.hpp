// SPDX-License-Identifier: Apache-2.0
//
// RequestTable: every request that a broker knows of, found by token, by the asker's id, by the
// connection it came over, and by deadline.
//
//     open() ► queued ⇄ running ► close()
//                          └────► abandoned ► close()
//
// An abandoned request has ended for its asker, and still holds a place at a worker that has not
// answered it: the worker would get more than it takes if that place were given away.
//
// Invariants
//  1. A token names one giving-out of one request: renumber() makes every older one unknown.
//  2. Queued and running requests, and no others, are found by id and connection and have a
//     deadline.
//
// Pure, bounded by whoever opens. Slots are reused, with the memory of their strings.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/slot_list.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/request/message.hpp>
#include <flotilla/wire/frames.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flotilla::request {

// What a client calls its request: ids of different users are different.
struct RequestName {
    std::string_view user{};
    std::string_view id{};
    friend bool operator==(const RequestName&, const RequestName&) = default;
};
struct RequestNameHash {
    std::size_t operator()(const RequestName& name) const noexcept {
        const std::hash<std::string_view> hash;
        return hash(name.id) * 31 + hash(name.user);
    }
};

struct BrokerRequest {
    enum class State : std::uint8_t { free, queued, running, abandoned };
    State state = State::free;
    Dialect dialect = Dialect::mdp_02; // of the asker
    bool delimited = false;
    bool orphaned = false; // the asker's connection is gone: the reply would be a stranger's
    int descriptor = -1;
    std::string peer{};              // whom to answer,
    std::uint32_t asked_attempt = 0; // and which of the asker's attempts came from there
    std::string user{};
    std::string id{}; // flotilla dialect; else empty
    Slot service = no_slot;
    Slot worker = no_slot;     // running and abandoned
    Slot declined = no_slot;   // who said `retry` last: somebody else is better
    Instant paused_until{};    // queued, and not to be given out before; Instant{}: it may be
    std::uint64_t number = 0;  // of the token
    std::uint32_t attempt = 0; // how often it was given out
    std::uint32_t parts = 0;   // of the reply, passed on in this attempt
    Instant asked{};
    Instant deadline = never;
    wire::Frames body{};
    std::uint64_t bytes = 0;
    std::uint64_t given_bytes = 0; // to its worker, who may not have read it yet

    SlotLink in_list{}; // of its service's queue or of what its worker holds; paused: of none
    SlotLink in_connection{};

    RequestName name() const noexcept { return {user, id}; }
    bool is_paused() const noexcept { return paused_until != Instant{}; }
};

class RequestTable {
public:
    static constexpr std::size_t token_bytes = 16;
    static constexpr std::uint32_t requests_max = 1U << 24; // slots that fit a token

    explicit RequestTable(std::uint64_t boot_id) : boot_id_(boot_id) {}

    BrokerRequest& operator[](Slot slot) { return requests_[slot]; }
    const BrokerRequest& operator[](Slot slot) const { return requests_[slot]; }

    // A queued request without a deadline that nobody finds yet: fill it in, then index() it.
    Slot open();
    void index(Slot slot);
    // Out of every index; the body is let go.
    void abandon(Slot slot);
    void close(Slot slot);
    void renumber(Slot slot);

    std::array<char, token_bytes> token(Slot slot) const;
    // no_slot when there is none.
    Slot find_token(ByteView token) const;
    Slot find(const RequestName& name) const;
    Slot first_due() const noexcept { return heap_.empty() ? no_slot : heap_.front().slot; }
    void set_deadline(Slot slot, Instant deadline);
    // The asker speaks from elsewhere now.
    void set_asker(Slot slot, std::string_view peer, bool delimited, int descriptor);

    // Calls `each(slot)` for every request that came over this connection; `each` may end the
    // request that it is given, and no other.
    template <class Each>
    void for_connection(int descriptor, Each&& each) {
        if (!is_indexed(descriptor))
            return;
        for (Slot at = connections_[static_cast<std::size_t>(descriptor)].first; at != no_slot;) {
            const Slot next = requests_[at].in_connection.next;
            each(at);
            at = next;
        }
    }
    template <class Each>
    void for_each(Each&& each) const {
        for (Slot slot = 0; slot < requests_.size(); ++slot)
            if (requests_[slot].state != BrokerRequest::State::free)
                each(slot);
    }

    std::size_t size() const noexcept { return requests_.size() - free_.size(); }
    // Aborts when an index is wrong.
    void check() const;

private:
    // Descriptors beyond this have no index, and so no hints.
    static constexpr int descriptors_max = 1 << 20;
    bool is_indexed(int descriptor) const noexcept {
        return descriptor >= 0 && static_cast<std::size_t>(descriptor) < connections_.size();
    }
    void join_connection(Slot slot);
    void leave_connection(Slot slot);
    struct Due {
        Instant deadline{}; // as the request's own, which would be far to look at
        Slot slot = no_slot;
    };
    void place(std::size_t at, Due due) noexcept;
    void sift_up(std::size_t at) noexcept;
    void sift_down(std::size_t at) noexcept;
    void leave_heap(Slot slot);

    std::uint64_t boot_id_;
    std::uint64_t last_serial_ = 0;
    std::deque<BrokerRequest> requests_{};
    std::vector<Slot> free_{};
    std::unordered_map<RequestName, Slot, RequestNameHash> by_name_{}; // views into requests_
    std::vector<SlotList> connections_{};                              // by descriptor
    std::vector<Due> heap_{};                                          // soonest deadline first
    std::vector<std::uint32_t> heap_at_{}; // by slot: a request itself would be far to look at
};

} // namespace flotilla::request
