// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/client_calls.hpp>

#include <algorithm>

namespace flotilla::request {

ClientCall& ClientCalls::add(ClientCall call) {
    FLOTILLA_CHECK(has_room(call.bytes), "a call beyond the bounds");
    const CallId number = call.number;
    const auto added = calls_.emplace(number, std::move(call)).first;
    ClientCall& kept = added->second;
    const bool named = ids_.emplace(kept.id, number).second;
    FLOTILLA_CHECK(named, "two calls with one id");
    bytes_ += kept.bytes;
    due_.emplace(kept.due(), number);
    if (kept.state == ClientCall::State::waiting)
        waiting_.insert(number);
    return kept;
}

ClientCall* ClientCalls::find(CallId number) {
    const auto found = calls_.find(number);
    return found == calls_.end() ? nullptr : &found->second;
}

ClientCall* ClientCalls::find(std::string_view id) {
    const auto found = ids_.find(id);
    return found == ids_.end() ? nullptr : find(found->second);
}

ClientCall ClientCalls::take(CallId number) {
    auto node = calls_.extract(number);
    FLOTILLA_CHECK(!node.empty(), "a call ended twice");
    ClientCall call = std::move(node.mapped());
    ids_.erase(call.id);
    due_.erase({call.due(), number});
    waiting_.erase(number);
    bytes_ -= call.bytes;
    return call;
}

void ClientCalls::set_next(ClientCall& call, Instant next) {
    const Instant before = call.due();
    call.next = next;
    if (call.due() == before)
        return;
    due_.erase({before, call.number});
    due_.emplace(call.due(), call.number);
}

void ClientCalls::set_state(ClientCall& call, ClientCall::State state) {
    if (call.state == ClientCall::State::waiting)
        waiting_.erase(call.number);
    call.state = state;
    if (state == ClientCall::State::waiting)
        waiting_.insert(call.number);
}

ClientCall* ClientCalls::due(Instant now) {
    return next_due() <= now ? find(due_.begin()->second) : nullptr;
}

ClientCall* ClientCalls::first_waiting() {
    return waiting_.empty() ? nullptr : find(*waiting_.begin());
}

std::vector<CallId> ClientCalls::on(LinkId link) const {
    std::vector<CallId> found;
    for (const auto& [number, call] : calls_)
        if (call.link == link)
            found.push_back(number);
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<CallId> ClientCalls::all() const {
    std::vector<CallId> found;
    for (const auto& each : calls_)
        found.push_back(each.first);
    std::sort(found.begin(), found.end());
    return found;
}

} // namespace flotilla::request
