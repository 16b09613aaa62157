// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/pipeline/work_sessions.hpp>

#include <cmath>
#include <utility>

namespace flotilla::pipeline {
namespace {

constexpr std::size_t not_in_heap = ~std::size_t{0};

std::uint64_t mix(std::uint64_t x) noexcept { // splitmix64
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

// Weighted rendezvous hashing: whoever comes or goes moves only its own share of the keys.
double score(std::uint64_t key_hash, const WorkSession& session) {
    const double in_0_1 =
        (static_cast<double>(mix(key_hash ^ session.seed) >> 11) + 0.5) / 9007199254740992.0;
    return -static_cast<double>(session.weight) / std::log(in_0_1);
}

} // namespace

std::uint64_t work_hash(std::string_view bytes) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325; // FNV-1a, then mixed
    for (const char c : bytes)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return mix(hash);
}

Slot WorkSessions::find(std::string_view peer) const {
    const auto at = by_peer_.find(peer);
    return at == by_peer_.end() ? no_slot : at->second;
}

Slot WorkSessions::find_key(std::uint64_t key) const {
    const auto at = by_key_.find(key);
    return at == by_key_.end() ? no_slot : at->second;
}

Slot WorkSessions::find_descriptor(int descriptor) const {
    for (const auto& [peer, slot] : by_peer_)
        if (sessions_[slot].descriptor == descriptor)
            return slot;
    return no_slot;
}

Slot WorkSessions::open(std::string_view peer) {
    FLOTILLA_CHECK(!is_full(), "the session table is full");
    if (free_.empty()) {
        free_.push_back(static_cast<Slot>(sessions_.size()));
        sessions_.emplace_back();
    }
    const Slot slot = free_.back();
    free_.pop_back();
    sessions_[slot] = WorkSession{};
    sessions_[slot].state = WorkSession::State::live;
    sessions_[slot].peer = peer;
    const bool added = by_peer_.emplace(peer, slot).second;
    FLOTILLA_CHECK(added, "a peer has two sessions");
    return slot;
}

void WorkSessions::set_key(Slot slot, std::uint64_t key) {
    by_key_.erase(sessions_[slot].key);
    sessions_[slot].key = key;
    by_key_[key] = slot;
}

void WorkSessions::set_peer(Slot slot, std::string_view peer) {
    by_peer_.erase(by_peer_.find(sessions_[slot].peer));
    sessions_[slot].peer = peer;
    const bool added = by_peer_.emplace(peer, slot).second;
    FLOTILLA_CHECK(added, "a peer has two sessions");
}

void WorkSessions::close(Slot slot) {
    WorkSession& session = sessions_[slot];
    FLOTILLA_CHECK(session.held.empty() && session.lane.empty(),
                   "a session ended with messages in it");
    leave_heap(slot);
    by_peer_.erase(by_peer_.find(session.peer));
    if (session.key != 0)
        by_key_.erase(session.key);
    session.state = WorkSession::State::free;
    free_.push_back(slot);
}

Slot WorkSessions::owner(std::uint64_t key_hash) const {
    Slot best = no_slot;
    double best_score = 0;
    for (Slot slot = 0; slot < sessions_.size(); ++slot) {
        const WorkSession& session = sessions_[slot];
        if (session.state == WorkSession::State::free || !session.greeted)
            continue;
        const double its = score(key_hash, session);
        if (best == no_slot || its > best_score) {
            best = slot;
            best_score = its;
        }
    }
    return best;
}

// ---- the order by room: a heap that knows where each session is ---------------------------------

void WorkSessions::update(Slot slot) {
    WorkSession& session = sessions_[slot];
    if (session.room() == 0)
        return leave_heap(slot);
    if (session.heap_at == not_in_heap) {
        heap_.push_back(slot);
        session.heap_at = heap_.size() - 1;
    }
    sift_up(session.heap_at);
    sift_down(session.heap_at);
}

bool WorkSessions::less(Slot a, Slot b) const {
    const WorkSession& one = sessions_[a];
    const WorkSession& other = sessions_[b];
    std::uint64_t one_load = one.outstanding;
    std::uint64_t other_load = other.outstanding;
    if (dispatch_ != Dispatch::least_outstanding) {
        one_load = (one_load + 1) * other.weight;
        other_load = (other_load + 1) * one.weight;
    }
    return std::pair{one_load, one.turn} < std::pair{other_load, other.turn};
}

void WorkSessions::place(std::size_t at, Slot slot) {
    heap_[at] = slot;
    sessions_[slot].heap_at = at;
}

void WorkSessions::sift_up(std::size_t at) {
    const Slot slot = heap_[at];
    for (; at > 0 && less(slot, heap_[(at - 1) / 2]); at = (at - 1) / 2)
        place(at, heap_[(at - 1) / 2]);
    place(at, slot);
}

void WorkSessions::sift_down(std::size_t at) {
    const Slot slot = heap_[at];
    for (;;) {
        std::size_t child = 2 * at + 1;
        if (child >= heap_.size())
            break;
        if (child + 1 < heap_.size() && less(heap_[child + 1], heap_[child]))
            ++child;
        if (!less(heap_[child], slot))
            break;
        place(at, heap_[child]);
        at = child;
    }
    place(at, slot);
}

void WorkSessions::leave_heap(Slot slot) {
    const std::size_t at = std::exchange(sessions_[slot].heap_at, not_in_heap);
    if (at == not_in_heap)
        return;
    const Slot moved = heap_.back();
    heap_.pop_back();
    if (moved == slot)
        return;
    place(at, moved);
    sift_up(at);
    sift_down(sessions_[moved].heap_at);
}

} // namespace flotilla::pipeline
