// SPDX-License-Identifier: Apache-2.0
//
// BrokerMachine: its invariants, counted again from nothing.
#include <flotilla/base/check.hpp>
#include <flotilla/request/broker_said.hpp>

#include <algorithm>

namespace flotilla::request {

using State = BrokerRequest::State;

void BrokerMachine::check() const {
    requests_.check();
    std::uint64_t queued = 0;
    std::uint64_t running = 0;
    std::uint64_t bytes = 0;
    requests_.for_each([&](Slot slot) {
        const BrokerRequest& request = requests_[slot];
        queued += request.state == State::queued ? 1 : 0;
        running += request.state == State::running ? 1 : 0;
        bytes += request.bytes;
        FLOTILLA_CHECK((request.state == State::queued) == (request.worker == no_slot),
                       "a request has a worker exactly while it was given out");
        if (request.worker == no_slot)
            return;
        const BrokerWorker& worker = workers_[request.worker];
        FLOTILLA_CHECK(worker.registered && worker.service == request.service,
                       "a request is with nobody of its service");
    });
    FLOTILLA_CHECK(queued == queued_ && running == running_ && bytes == bytes_,
                   "requests are miscounted");
    FLOTILLA_CHECK(counters_.accepted_total ==
                       queued + running + counters_.answered_total + counters_.failed_total +
                           counters_.expired_total + counters_.dropped_total,
                   "a request was lost or ended twice");
    FLOTILLA_CHECK(requests_.size() <= limits_.requests_max && bytes <= limits_.requests_bytes_max,
                   "more requests than may be");
    check_workers();
    check_services();
}

void BrokerMachine::check_workers() const {
    std::uint32_t waiting = 0;
    std::uint32_t registered = 0;
    Instant last{Duration::min()};
    workers_.for_each([&](Slot slot) {
        const BrokerWorker& worker = workers_[slot];
        ++registered;
        waiting += worker.held.empty() ? 1 : 0;
        FLOTILLA_CHECK(workers_.find(worker.peer) == slot, "a worker is not found by its peer");
        FLOTILLA_CHECK(worker.held.size <= std::max(worker.capacity, worker.held_beyond),
                       "a worker holds more than it takes");
        std::uint32_t held = 0;
        std::uint64_t held_bytes = 0;
        std::uint32_t running = 0;
        for (Slot at = worker.held.first; at != no_slot; at = requests_[at].in_list.next, ++held) {
            FLOTILLA_CHECK(requests_[at].worker == slot, "a worker holds another's request");
            held_bytes += requests_[at].given_bytes;
            running += requests_[at].state == State::running ? 1 : 0;
        }
        FLOTILLA_CHECK(held == worker.held.size && running == worker.running &&
                           held_bytes == worker.held_bytes,
                       "a worker's requests are miscounted");
        FLOTILLA_CHECK(worker.has_room ==
                           (!worker.draining && !worker.unreachable && held < worker.capacity),
                       "a worker's room is not where it belongs");
    });
    std::uint32_t looked = 0;
    for (Slot at = workers_.first_look(); at != no_slot; at = workers_[at].in_looks.next) {
        FLOTILLA_CHECK(workers_[at].look >= last, "looks are out of order");
        last = workers_[at].look;
        ++looked;
    }
    FLOTILLA_CHECK(waiting == waiting_ && registered == workers_.size() && looked == registered,
                   "workers are miscounted");
}

void BrokerMachine::check_services() const {
    services_.for_each([&](Slot slot) {
        const BrokerService& service = services_[slot];
        FLOTILLA_CHECK(service.is_needed() || stopped_, "a service that nothing needs was kept");
        std::uint32_t queued = 0;
        std::uint64_t bytes = 0;
        for (Slot at = service.queue.first; at != no_slot; at = requests_[at].in_list.next) {
            FLOTILLA_CHECK(requests_[at].state == State::queued && requests_[at].service == slot,
                           "a queue holds what does not belong there");
            ++queued;
            bytes += requests_[at].bytes;
        }
        const Slot front = service.queue.first;
        Slot best = no_slot; // whom serve() would ask: not who declined it, if there is another
        for (std::size_t held = 0; held < service.room.by_held.size(); ++held)
            for (Slot at = service.room.by_held[held].first; at != no_slot;
                 at = workers_[at].in_room.next) {
                FLOTILLA_CHECK(workers_[at].service == slot && workers_[at].has_room &&
                                   workers_[at].held.size == held && held >= service.room.lowest,
                               "a worker stands in the wrong line");
                if (best == no_slot || (front != no_slot && best == requests_[front].declined))
                    best = at;
            }
        std::uint32_t paused = 0;
        for (const auto& [until, at] : pauses_) {
            const BrokerRequest& request = requests_[at];
            FLOTILLA_CHECK(request.state == State::queued && request.paused_until == until,
                           "a pause is of nothing that waits");
            paused += request.service == slot ? 1 : 0;
        }
        FLOTILLA_CHECK(paused == service.paused, "pauses are miscounted");
        FLOTILLA_CHECK(queued == service.queue.size && bytes == service.queue_bytes,
                       "a queue is miscounted");
        FLOTILLA_CHECK(queued == 0 || best == no_slot || !takes(best, requests_[front].bytes),
                       "a request waits while a worker would take it");
    });
    std::vector<std::uint32_t> workers;
    workers_.for_each([&](Slot at) {
        const Slot slot = workers_[at].service;
        if (slot >= workers.size())
            workers.resize(slot + 1, 0);
        ++workers[slot];
    });
    services_.for_each([&](Slot slot) {
        const std::uint32_t counted = slot < workers.size() ? workers[slot] : 0;
        FLOTILLA_CHECK(services_[slot].workers == counted, "a service's workers are miscounted");
    });
}

} // namespace flotilla::request
