// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/sessions.hpp>

#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::size_t not_in_line = ~std::size_t{0};

} // namespace

std::uint64_t user_hash(std::string_view bytes) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325; // FNV-1a, then mixed as in splitmix64
    for (const char c : bytes)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash += 0x9e3779b97f4a7c15;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    return hash ^ (hash >> 31);
}

Slot Sessions::find(std::string_view peer) const {
    const auto at = by_peer_.find(peer);
    return at == by_peer_.end() ? no_slot : at->second;
}

Slot Sessions::find_key(std::uint64_t key) const {
    const auto at = by_key_.find(key);
    return at == by_key_.end() ? no_slot : at->second;
}

Slot Sessions::find_descriptor(int descriptor) const {
    for (const auto& [peer, slot] : by_peer_)
        if (sessions_[slot].descriptor == descriptor)
            return slot;
    return no_slot;
}

Slot Sessions::open(std::string_view peer) {
    FLOTILLA_CHECK(!is_full(), "the session table is full");
    if (free_.empty()) {
        free_.push_back(static_cast<Slot>(sessions_.size()));
        sessions_.emplace_back();
        line_of_.push_back(no_slot);
    }
    const Slot slot = free_.back();
    free_.pop_back();
    sessions_[slot] = Session{};
    sessions_[slot].state = Session::State::live;
    sessions_[slot].peer = peer;
    sessions_[slot].is_held = held_.find(peer) != held_.end();
    const bool added = by_peer_.emplace(peer, slot).second;
    FLOTILLA_CHECK(added, "a peer has two sessions");
    return slot;
}

void Sessions::set_key(Slot slot, std::uint64_t key) {
    by_key_.erase(sessions_[slot].key);
    sessions_[slot].key = key;
    by_key_[key] = slot;
}

void Sessions::set_peer(Slot slot, std::string_view peer) {
    by_peer_.erase(by_peer_.find(sessions_[slot].peer));
    sessions_[slot].peer = peer;
    sessions_[slot].is_held = held_.find(peer) != held_.end();
    const bool added = by_peer_.emplace(peer, slot).second;
    FLOTILLA_CHECK(added, "a peer has two sessions");
    update(slot);
}

void Sessions::close(Slot slot) {
    Session& session = sessions_[slot];
    FLOTILLA_CHECK(session.outstanding == 0, "a session ended with messages in it");
    leave_line(slot);
    by_peer_.erase(by_peer_.find(session.peer));
    if (session.key != 0)
        by_key_.erase(session.key);
    session.state = Session::State::free;
    free_.push_back(slot);
}

void Sessions::hold(std::string_view peer) {
    held_.emplace(peer);
    if (const Slot slot = find(peer); slot != no_slot) {
        sessions_[slot].is_held = true;
        update(slot);
    }
}

void Sessions::release(std::string_view peer) {
    const auto at = held_.find(peer);
    if (at == held_.end())
        return;
    held_.erase(at);
    if (const Slot slot = find(peer); slot != no_slot) {
        sessions_[slot].is_held = false;
        update(slot);
    }
}

// ---- the lines: heaps that know where each session is ------------------------------------------

void Sessions::update(Slot slot) {
    Session& session = sessions_[slot];
    const Slot queue = session.room() == 0 ? no_slot : session.queue;
    if (queue != line_of_[slot])
        leave_line(slot);
    if (queue == no_slot)
        return;
    if (queue >= lines_.size())
        lines_.resize(std::size_t{queue} + 1);
    Line& line = lines_[queue];
    if (line_of_[slot] == no_slot) {
        line_of_[slot] = queue;
        line.push_back(slot);
        session.line_at = line.size() - 1;
    }
    sift_up(line, session.line_at);
    sift_down(line, session.line_at);
}

bool Sessions::less(Slot a, Slot b) const {
    const Session& one = sessions_[a];
    const Session& other = sessions_[b];
    return std::pair{one.outstanding, one.turn} < std::pair{other.outstanding, other.turn};
}

void Sessions::place(Line& line, std::size_t at, Slot slot) {
    line[at] = slot;
    sessions_[slot].line_at = at;
}

void Sessions::sift_up(Line& line, std::size_t at) {
    const Slot slot = line[at];
    for (; at > 0 && less(slot, line[(at - 1) / 2]); at = (at - 1) / 2)
        place(line, at, line[(at - 1) / 2]);
    place(line, at, slot);
}

void Sessions::sift_down(Line& line, std::size_t at) {
    const Slot slot = line[at];
    for (;;) {
        std::size_t child = 2 * at + 1;
        if (child >= line.size())
            break;
        if (child + 1 < line.size() && less(line[child + 1], line[child]))
            ++child;
        if (!less(line[child], slot))
            break;
        place(line, at, line[child]);
        at = child;
    }
    place(line, at, slot);
}

void Sessions::leave_line(Slot slot) {
    const Slot queue = std::exchange(line_of_[slot], no_slot);
    if (queue == no_slot)
        return;
    Line& line = lines_[queue];
    const std::size_t at = std::exchange(sessions_[slot].line_at, not_in_line);
    const Slot moved = line.back();
    line.pop_back();
    if (moved == slot)
        return;
    place(line, at, moved);
    sift_up(line, at);
    sift_down(line, sessions_[moved].line_at);
}

} // namespace flotilla::queue
