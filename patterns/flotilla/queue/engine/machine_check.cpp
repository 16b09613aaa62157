// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: what must always hold.
#include <flotilla/queue/engine/queue_machine_rest.hpp>

#include <unordered_map>

namespace flotilla::queue {

void QueueMachine::Rest::check() const {
    leases_.check();
    acked_waits_.check();
    std::unordered_map<Slot, std::uint64_t> leased; // by queue
    std::unordered_map<Slot, std::uint32_t> outstanding;
    std::unordered_map<Slot, std::uint32_t> pins; // by block
    std::unordered_map<std::uint64_t, std::uint32_t> of_message;
    leases_.for_each_held([&](const Lease& lease, const Grant& grant) {
        ++outstanding[grant.session];
        if (lease.is_finished)
            return;
        ++leased[grant.queue];
        ++pins[lease.block];
        FLOTILLA_CHECK(!uses_[lease.block].is_done(lease.index), "a leased message is finished");
        FLOTILLA_CHECK(uses_[lease.block].queue == grant.queue, "a lease is of another queue");
        const std::uint64_t message = std::uint64_t{lease.block} << 16 | lease.index;
        FLOTILLA_CHECK(++of_message[message] == 1, "a message is leased twice");
    });
    sessions_.for_each([&](Slot slot) {
        FLOTILLA_CHECK(sessions_[slot].outstanding == outstanding[slot],
                       "a session's outstanding is not its leases");
        outstanding.erase(slot);
    });
    for (const auto& [session, held] : outstanding)
        FLOTILLA_CHECK(held == 0, "a lease belongs to no session");
    book_.for_each([&](Slot slot) {
        const Queue& queue = book_[slot];
        const QueueCounters& counters = queue.counters;
        FLOTILLA_CHECK(queue.leased == leased[slot],
                       "a queue's leased messages are not its leases");
        FLOTILLA_CHECK(counters.accepted_total == queue.unfinished() + counters.finished_total +
                                                      counters.dead_total + counters.expired_total +
                                                      counters.dropped_total +
                                                      counters.purged_total,
                       "a message was lost or made up");
        for (std::size_t at = 0; at < queue.lanes.size(); ++at)
            check_lane(slot, static_cast<Lane>(at), pins);
    });
    uses_.for_each([&](Slot slot, const BlockUse& use) {
        FLOTILLA_CHECK(use.pins == pins[slot],
                       "a block is held by nobody, or by more than it says");
        std::size_t left = 0;
        for (std::size_t i = 0; i < use.count; ++i)
            left += use.is_done(i) ? 0 : 1;
        FLOTILLA_CHECK(left == use.left, "a block's unfinished messages are miscounted");
    });
}

void QueueMachine::Rest::check_lane(Slot slot, Lane at,
                                    std::unordered_map<Slot, std::uint32_t>& pins) const {
    const LaneState& lane = book_[slot].lanes[at];
    const auto held = [&](Position position) {
        const Slot block = uses_.find(slot, at, position);
        FLOTILLA_CHECK(block != no_slot, "a message waits in a block that is not in use");
        FLOTILLA_CHECK(!uses_[block].is_done(position - uses_[block].first),
                       "a message that waits is finished");
        FLOTILLA_CHECK(position < lane.cursor, "a message waits that was not looked at");
        ++pins[block];
    };
    for (const auto& [position, returned] : lane.returned)
        held(position);
    for (const auto& [until, entry] : lane.resting)
        held(entry.first);
    std::size_t behind = 0;
    for (const auto& [key, line] : lane.keys) {
        behind += line.behind.size();
        for (const Position position : line.behind)
            held(position);
    }
    FLOTILLA_CHECK(behind == lane.held_back, "held back messages are miscounted");
    FLOTILLA_CHECK(lane.committed_tail <= lane.tail, "a lane's tail is behind what is committed");
}

} // namespace flotilla::queue
