// SPDX-License-Identifier: Apache-2.0
#include <flotilla/request/service_table.hpp>

#include <utility>

namespace flotilla::request {

ServiceTable::ServiceTable(const BrokerLimits& limits) : limits_(limits) {
    for (const auto& [name, own] : limits.services)
        services_[add(name, own)].configured = true;
}

Slot ServiceTable::find(std::string_view name) const {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? no_slot : at->second;
}

Slot ServiceTable::find(std::string_view name) {
    if (last_ != no_slot && services_[last_].name == name)
        return last_;
    const Slot found = std::as_const(*this).find(name);
    if (found != no_slot)
        last_ = found;
    return found;
}

Slot ServiceTable::get(std::string_view name) {
    const Slot found = find(name);
    if (found != no_slot || by_name_.size() >= limits_.services_max)
        return found;
    return last_ = add(name, limits_.service);
}

Slot ServiceTable::add(std::string_view name, const ServiceLimits& limits) {
    Slot slot = no_slot;
    if (free_.empty()) {
        slot = static_cast<Slot>(services_.size());
        services_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
        services_[slot] = BrokerService{};
    }
    services_[slot].name = name;
    services_[slot].limits = &limits;
    by_name_.emplace(services_[slot].name, slot);
    in_order_.emplace(services_[slot].name, slot);
    return slot;
}

void ServiceTable::limits_changed() {
    for_each([&](Slot slot) {
        services_[slot].limits = &limits_.service;
        services_[slot].configured = false;
    });
    for (const auto& [name, own] : limits_.services) {
        const Slot found = std::as_const(*this).find(name);
        BrokerService& service = services_[found != no_slot ? found : add(name, own)];
        service.limits = &own;
        service.configured = true;
    }
    for_each([&](Slot slot) { release(slot); });
}

void ServiceTable::release(Slot slot) {
    BrokerService& service = services_[slot];
    const bool is_forgotten = service.limits == nullptr;
    if (is_forgotten || service.is_needed())
        return;
    by_name_.erase(service.name);
    in_order_.erase(service.name);
    service.limits = nullptr;
    service.room = Room{};
    if (last_ == slot)
        last_ = no_slot;
    free_.push_back(slot);
}

} // namespace flotilla::request
