// SPDX-License-Identifier: Apache-2.0
//
// Rights that come and go while everything else does: each peer is a user, and at any time a random
// half of them may do anything, the others nothing.
#include "world.hpp"

namespace flotilla::sim {

void World::change_rights() {
    Rule rule;
    rule.objects = {"*"};
    rule.operations.fill(true);
    rule.who = {"nobody-here"};
    permitted_.clear();
    std::map<std::string, User, std::less<>> users;
    for (const auto& peer : peers_) {
        users.emplace(peer->user, User{peer->user, {}});
        if (random_.one_in(2))
            continue;
        permitted_.insert(peer->user);
        rule.who.push_back(peer->user);
    }
    auto made = Permissions::make(users, Permissions::Unlisted::nobody, {rule});
    FLOTILLA_CHECK(made, "the simulator's rules are wrong");
    set_rights(std::make_shared<const Permissions>(std::move(*made)));
}

void World::set_rights(std::shared_ptr<const Permissions> permissions) {
    permissions_ = std::move(permissions);
    if (!engine_)
        return;
    engine_->set_permissions(permissions_, times());
    schedule_turn(0ms);
}

// Nothing is given to somebody who may not have it when it leaves.
void World::watch_rights(const std::string& peer, const queue::leased::Event& event) {
    const bool is_delivery = std::holds_alternative<queue::leased::Deliver>(event) ||
                             std::holds_alternative<queue::leased::DeliverPacked>(event);
    if (is_delivery && permissions_ != nullptr && permitted_.count(users_[peer]) == 0)
        oracle_.broken(peer + " is given what it may not take");
}

} // namespace flotilla::sim
