// SPDX-License-Identifier: Apache-2.0
#include "server_asks.hpp"

#include "door.hpp"

#include <utility>

namespace flotilla::queue {
namespace {

const std::string own_id(OpenDoor::id_bytes + 1, '\0'); // longer than any peer's, and any door's

} // namespace

bool ServerAsks::is_ours(std::string_view peer) noexcept {
    return peer.size() == OpenDoor::id_bytes + 1;
}

void ServerAsks::ask(QueueEngine& engine, Command&& command, Times times, Answered answered) {
    std::string correlation = std::to_string(++asked_);
    waiting_.emplace(correlation, std::move(answered));
    engine.apply(Peer{own_id, {}, -1, Peer::Side::ours}, {false, std::move(correlation)},
                 std::move(command), times);
}

void ServerAsks::hear(EngineOutputs::Send&& said) {
    const auto at = waiting_.find(said.envelope.correlation);
    if (at == waiting_.end())
        return;
    const Answered answered = std::move(at->second);
    waiting_.erase(at);
    answered(std::move(said.event));
}

void ServerAsks::give_up(std::string_view why) {
    for (auto& [correlation, answered] : std::exchange(waiting_, {}))
        answered(leased::ErrorReply{leased::ErrorCode::busy, std::string(why), 0, 0, 0});
}

} // namespace flotilla::queue
