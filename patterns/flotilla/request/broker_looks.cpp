// SPDX-License-Identifier: Apache-2.0
//
// BrokerMachine: what it shows to whoever looks.
#include <flotilla/request/broker_said.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::request {

BrokerLevels BrokerMachine::levels() const {
    BrokerLevels levels;
    levels.services = static_cast<std::uint32_t>(services_.size());
    levels.workers = static_cast<std::uint32_t>(workers_.size());
    levels.workers_waiting = waiting_;
    levels.queued = queued_;
    levels.running = running_;
    levels.bytes = bytes_;
    levels.kept_answers = kept_.size();
    return levels;
}

std::vector<ServiceLevels> BrokerMachine::services() const {
    std::vector<ServiceLevels> all;
    services_.for_each([&](Slot slot) {
        const BrokerService& service = services_[slot];
        all.push_back({service.name, service.workers, service.waiting,
                       service.queue.size + service.paused, service.running,
                       service.answered_total});
    });
    std::sort(all.begin(), all.end(),
              [](const ServiceLevels& a, const ServiceLevels& b) { return a.name < b.name; });
    return all;
}

std::vector<WorkerLevels> BrokerMachine::workers(Instant now) const {
    std::vector<WorkerLevels> all;
    all.reserve(workers_.size());
    const auto called = [&](const std::string& user_id) -> std::string {
        const auto& permissions = judge_.permissions();
        const auto name = permissions && !user_id.empty() ? permissions->user_of(user_id)
                                                          : std::optional<std::string_view>{};
        return std::string(name.value_or(user_id)); // of one who was revoked: the credential
    };
    workers_.for_each([&](Slot slot) {
        const BrokerWorker& worker = workers_[slot];
        WorkerLevels& levels = all.emplace_back();
        levels.peer = hex(worker.peer);
        levels.user = called(worker.user);
        levels.service = services_[worker.service].name;
        levels.dialect = worker.dialect;
        levels.descriptor = worker.descriptor;
        levels.capacity = worker.capacity;
        levels.held = worker.held.size;
        levels.running = worker.running;
        levels.is_draining = worker.draining;
        levels.silent = now - worker.heard;
        if (!worker.held.empty())
            levels.busy = now - worker.busy_since;
    });
    std::sort(all.begin(), all.end(),
              [](const WorkerLevels& a, const WorkerLevels& b) { return a.peer < b.peer; });
    return all;
}

} // namespace flotilla::request
