// SPDX-License-Identifier: Apache-2.0
//
// ServiceTable: the services of a broker by name: their limits, what waits for them, and who works
// for them.
//
// Names are bytes, compared as a whole. A service that nobody configured exists while it has a
// worker or a request. Pure; bounded by services_max, of which those configured always exist.
#pragma once

#include <flotilla/base/bounded_table.hpp>
#include <flotilla/base/slot_list.hpp>
#include <flotilla/request/broker_model.hpp>
#include <flotilla/request/worker_table.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flotilla::request {

struct BrokerService {
    std::string name{};
    const ServiceLimits* limits = nullptr; // nullptr: the slot is free
    bool configured = false;
    SlotList queue{}; // of requests, oldest first; what comes back from a worker goes in front
    std::uint64_t queue_bytes = 0;
    std::uint32_t paused = 0; // requests that wait for their pause to end, beside the queue
    Room room{};
    std::uint32_t workers = 0;
    std::uint32_t waiting = 0; // workers that hold nothing
    std::uint64_t running = 0;
    std::uint64_t answered_total = 0;

    bool is_needed() const noexcept {
        return configured || workers > 0 || running > 0 || paused > 0 || !queue.empty();
    }
};

class ServiceTable {
public:
    // `limits` must outlive it.
    explicit ServiceTable(const BrokerLimits& limits);

    BrokerService& operator[](Slot slot) { return services_[slot]; }
    const BrokerService& operator[](Slot slot) const { return services_[slot]; }

    // no_slot when there is none. The last one found is found again without a search.
    Slot find(std::string_view name);
    Slot find(std::string_view name) const;
    // Found or new; no_slot: services_max is reached.
    Slot get(std::string_view name);
    // What `limits` holds is different now: every service goes by it from now on.
    void limits_changed();
    // Forgets it when nothing needs it.
    void release(Slot slot);

    std::size_t size() const noexcept { return by_name_.size(); }
    // At most `most` of them by name, of all or those whose name comes behind `after`; `each` says
    // whether one counts.
    template <class Each>
    void list(std::string_view after, std::size_t most, Each&& each) const {
        auto at = after.empty() ? in_order_.begin() : in_order_.upper_bound(after);
        for (; at != in_order_.end() && most > 0; ++at)
            most -= each(services_[at->second]) ? 1U : 0U;
    }
    template <class Each>
    void for_each(Each&& each) const {
        for (Slot slot = 0; slot < services_.size(); ++slot)
            if (services_[slot].limits != nullptr)
                each(slot);
    }

private:
    Slot add(std::string_view name, const ServiceLimits& limits);

    const BrokerLimits& limits_;
    std::deque<BrokerService> services_{};
    std::vector<Slot> free_{};
    std::unordered_map<std::string, Slot, TransparentStringHash, std::equal_to<>> by_name_{};
    // So that a part of a long list does not cost the whole of it. The names are the services' own.
    std::map<std::string_view, Slot> in_order_{};
    Slot last_ = no_slot;
};

} // namespace flotilla::request
