// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/request_table.hpp>

#include <utility>

namespace flotilla::request {
namespace {

constexpr std::uint32_t nowhere = ~std::uint32_t{0};
constexpr unsigned slot_bits = 24; // low bits of a number: where it lies

using ConnectionLinks = SlotLinks<std::deque<BrokerRequest>, &BrokerRequest::in_connection>;

void put(char* to, std::uint64_t value) noexcept {
    for (int i = 7; i >= 0; --i, value >>= 8)
        to[i] = static_cast<char>(value & 0xff);
}

std::uint64_t get(const char* from) noexcept {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i)
        value = value << 8 | static_cast<unsigned char>(from[i]);
    return value;
}

} // namespace

Slot RequestTable::open() {
    Slot slot = no_slot;
    if (free_.empty()) {
        FLOTILLA_CHECK(requests_.size() < requests_max, "more requests than tokens can name");
        slot = static_cast<Slot>(requests_.size());
        requests_.emplace_back();
        heap_at_.push_back(nowhere);
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    BrokerRequest& request = requests_[slot];
    request.state = BrokerRequest::State::queued;
    request.orphaned = false;
    request.worker = request.declined = no_slot;
    request.paused_until = Instant{};
    request.attempt = 0;
    request.parts = 0;
    request.deadline = never;
    request.id.clear();
    renumber(slot);
    return slot;
}

void RequestTable::index(Slot slot) {
    BrokerRequest& request = requests_[slot];
    if (!request.id.empty()) {
        const bool added = by_name_.emplace(request.name(), slot).second;
        FLOTILLA_CHECK(added, "two requests have one name");
    }
    join_connection(slot);
    heap_.push_back({request.deadline, slot});
    sift_up(heap_.size() - 1);
}

void RequestTable::abandon(Slot slot) {
    BrokerRequest& request = requests_[slot];
    if (!request.id.empty())
        by_name_.erase(request.name());
    leave_connection(slot);
    leave_heap(slot);
    request.body.clear();
    request.bytes = 0;
    request.state = BrokerRequest::State::abandoned;
}

void RequestTable::close(Slot slot) {
    if (requests_[slot].state != BrokerRequest::State::abandoned)
        abandon(slot);
    BrokerRequest& request = requests_[slot];
    request.state = BrokerRequest::State::free;
    request.number = 0;
    request.service = request.worker = no_slot;
    free_.push_back(slot);
}

void RequestTable::renumber(Slot slot) {
    requests_[slot].number = ++last_serial_ << slot_bits | slot;
}

std::array<char, RequestTable::token_bytes> RequestTable::token(Slot slot) const {
    std::array<char, token_bytes> bytes;
    put(bytes.data(), boot_id_);
    put(bytes.data() + 8, requests_[slot].number);
    return bytes;
}

Slot RequestTable::find_token(ByteView token) const {
    if (token.size() != token_bytes || get(token.data()) != boot_id_)
        return no_slot;
    const std::uint64_t number = get(token.data() + 8);
    const Slot slot = static_cast<Slot>(number & (requests_max - 1));
    const bool found = slot < requests_.size() && number != 0 && requests_[slot].number == number;
    return found ? slot : no_slot;
}

Slot RequestTable::find(const RequestName& name) const {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? no_slot : at->second;
}

void RequestTable::set_deadline(Slot slot, Instant deadline) {
    requests_[slot].deadline = deadline;
    heap_[heap_at_[slot]].deadline = deadline;
    sift_up(heap_at_[slot]);
    sift_down(heap_at_[slot]);
}

void RequestTable::set_asker(Slot slot, std::string_view peer, bool delimited, int descriptor) {
    BrokerRequest& request = requests_[slot];
    leave_connection(slot);
    request.peer = peer;
    request.delimited = delimited;
    request.descriptor = descriptor;
    request.orphaned = false;
    join_connection(slot);
}

// ---- connections -------------------------------------------------------------------------------

void RequestTable::join_connection(Slot slot) {
    const int descriptor = requests_[slot].descriptor;
    if (descriptor < 0 || descriptor >= descriptors_max)
        return;
    if (!is_indexed(descriptor))
        connections_.resize(static_cast<std::size_t>(descriptor) + 1);
    ConnectionLinks(requests_).push_back(connections_[static_cast<std::size_t>(descriptor)], slot);
}

void RequestTable::leave_connection(Slot slot) {
    const int descriptor = requests_[slot].descriptor;
    if (is_indexed(descriptor))
        ConnectionLinks(requests_).erase(connections_[static_cast<std::size_t>(descriptor)], slot);
}

// ---- deadlines ---------------------------------------------------------------------------------

void RequestTable::place(std::size_t at, Due due) noexcept {
    heap_[at] = due;
    heap_at_[due.slot] = static_cast<std::uint32_t>(at);
}

void RequestTable::sift_up(std::size_t at) noexcept {
    const Due due = heap_[at];
    for (; at > 0 && due.deadline < heap_[(at - 1) / 2].deadline; at = (at - 1) / 2)
        place(at, heap_[(at - 1) / 2]);
    place(at, due);
}

void RequestTable::sift_down(std::size_t at) noexcept {
    const Due due = heap_[at];
    for (;;) {
        std::size_t child = 2 * at + 1;
        if (child >= heap_.size())
            break;
        if (child + 1 < heap_.size() && heap_[child + 1].deadline < heap_[child].deadline)
            ++child;
        if (heap_[child].deadline >= due.deadline)
            break;
        place(at, heap_[child]);
        at = child;
    }
    place(at, due);
}

void RequestTable::leave_heap(Slot slot) {
    const std::size_t at = heap_at_[slot];
    FLOTILLA_CHECK(at < heap_.size() && heap_[at].slot == slot,
                   "a request is not where it should be");
    heap_at_[slot] = nowhere;
    const Due last = heap_.back();
    heap_.pop_back();
    if (last.slot == slot)
        return;
    place(at, last);
    sift_up(at);
    sift_down(heap_at_[last.slot]);
}

void RequestTable::check() const {
    std::size_t open = 0;
    std::size_t named = 0;
    for_each([&](Slot slot) {
        const BrokerRequest& request = requests_[slot];
        const bool live = request.state != BrokerRequest::State::abandoned;
        FLOTILLA_CHECK(request.number != 0 && (request.number & (requests_max - 1)) == slot,
                       "a request's number does not lead to it");
        const std::size_t at = heap_at_[slot];
        const bool due =
            at < heap_.size() && heap_[at].slot == slot && heap_[at].deadline == request.deadline;
        FLOTILLA_CHECK(live == due, "a request's deadline is not kept as its state asks");
        open += live ? 1 : 0;
        if (live && !request.id.empty()) {
            ++named;
            FLOTILLA_CHECK(find(request.name()) == slot, "a request is not found by its name");
        }
    });
    FLOTILLA_CHECK(heap_.size() == open && by_name_.size() == named,
                   "an index has entries of requests that ended");
    for (std::size_t at = 1; at < heap_.size(); ++at)
        FLOTILLA_CHECK(heap_[at].deadline >= heap_[(at - 1) / 2].deadline,
                       "deadlines are out of order");
}

} // namespace flotilla::request
