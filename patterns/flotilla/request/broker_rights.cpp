// SPDX-License-Identifier: Apache-2.0
//
// BrokerMachine: who may call and serve what, and what becomes of those who may not any more.
#include <flotilla/request/broker_said.hpp>

#include <utility>

namespace flotilla::request {

using State = BrokerRequest::State;

bool BrokerMachine::may_see(std::string_view user_id, std::string_view service) {
    return judge_.is_open() || judge_.allows(user_id, Operation::call, service) ||
           judge_.allows(user_id, Operation::serve, service);
}

std::string BrokerMachine::not_allowed(const BrokerPeer& peer, Operation operation,
                                       std::string_view service, BrokerOutputs& out) {
    std::string why = judge_.refuse(peer.user_id, operation, service, peer.descriptor);
    counters_.not_allowed = judge_.refused();
    for (Refusal& refusal : judge_.take_noted())
        if (out.refusals.size() < Judge::noted_max)
            out.refusals.push_back(std::move(refusal));
    if (peer.descriptor >= 0 && !judge_.knows(peer.user_id))
        out.cuts.push_back(peer.descriptor);
    return why;
}

void BrokerMachine::set_permissions(std::shared_ptr<const Permissions> permissions, Instant now,
                                    BrokerOutputs& out) {
    judge_.set(std::move(permissions));
    if (judge_.is_open() || stopped_)
        return;
    // All of them lose their room before any request goes back and is given out again.
    std::vector<Slot> revoked;
    workers_.for_each([&](Slot slot) {
        BrokerWorker& worker = workers_[slot];
        BrokerService& service = services_[worker.service];
        if (judge_.allows(worker.user, Operation::serve, service.name))
            return;
        worker.draining = true;
        workers_.leave(service.room, slot, worker.held.size);
        revoked.push_back(slot);
    });
    std::vector<Slot> shortened;
    requests_.for_each([&](Slot slot) {
        const BrokerRequest& request = requests_[slot];
        if (request.state == State::abandoned ||
            judge_.allows(request.user, Operation::call, services_[request.service].name))
            return;
        shortened.push_back(request.service);
        revoke_request(slot, now, out);
    });
    for (const Slot worker : revoked)
        revoke_worker(worker, now, out);
    serve_behind(std::move(shortened), now, out);
}

void BrokerMachine::revoke_request(Slot slot, Instant now, BrokerOutputs& out) {
    const BrokerRequest& request = requests_[slot];
    const Slot service = request.service;
    const std::string why = not_allowed({request.peer, request.user, request.descriptor},
                                        Operation::call, services_[service].name, out);
    ++counters_.requests_revoked_total;
    end(slot, counters_.dropped_total, ErrorCode::not_allowed, why, now, out);
}

void BrokerMachine::revoke_worker(Slot slot, Instant now, BrokerOutputs& out) {
    const BrokerWorker& worker = workers_[slot];
    const std::string& service = services_[worker.service].name;
    const std::string why =
        not_allowed({worker.peer, worker.user, worker.descriptor}, Operation::serve, service, out);
    ++counters_.workers_revoked_total;
    note(Kind::worker_revoked, service, worker.peer, why, out);
    disconnect(worker.peer, worker.peer, worker.dialect, worker.delimited, ErrorCode::not_allowed,
               why, now, out);
    drop(slot, now, out);
}

} // namespace flotilla::request
