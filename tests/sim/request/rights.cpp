// SPDX-License-Identifier: Apache-2.0
//
// Rights that come and go: each client and worker is a user, and at any time a random half of them
// may call and serve, the others nothing.
#include "world.hpp"

#include <flotilla/base/check.hpp>

namespace flotilla::sim {

using namespace flotilla::request;

void RequestWorld::change_rights() {
    Rule rule;
    rule.objects = {"*"};
    rule.operations.fill(true);
    rule.who = {"nobody-here"};
    std::map<std::string, User, std::less<>> users;
    const auto add = [&](const std::string& user) {
        users.emplace(user, User{user, {}});
        if (random_.one_in(2))
            rule.who.push_back(user);
    };
    for (std::size_t i = 0; i < clients_.size(); ++i)
        add("client-" + std::to_string(i));
    for (std::size_t i = 0; i < workers_.size(); ++i)
        add("worker-" + std::to_string(i));
    add("burst");
    auto made = Permissions::make(users, Permissions::Unlisted::nobody, {rule});
    FLOTILLA_CHECK(made, "the simulator's rules are wrong");
    set_rights(std::make_shared<const Permissions>(std::move(*made)));
}

void RequestWorld::set_rights(std::shared_ptr<const Permissions> permissions) {
    permissions_ = std::move(permissions);
    broker_step([&](BrokerOutputs& out) { broker_->set_permissions(permissions_, now_, out); });
}

bool RequestWorld::may_work(const std::string& peer) const {
    return permissions_ == nullptr ||
           permissions_->allows(users_.at(peer), Operation::serve, "any");
}

} // namespace flotilla::sim
