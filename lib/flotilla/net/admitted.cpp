// SPDX-License-Identifier: Apache-2.0
#include "admitted.hpp"

#include <utility>

namespace flotilla::net::detail {
namespace {

std::string text_of(const std::optional<Address>& address) {
    return address ? address->text() : std::string{};
}

} // namespace

bool Origins::contains(const std::optional<Address>& address) const {
    return is_everywhere_ || (!texts_.empty() && texts_.find(text_of(address)) != texts_.end());
}

void Admitted::add(std::string_view user_id, const std::optional<Address>& from) {
    auto known = origins_.find(user_id);
    std::string text = text_of(from);
    if (known != origins_.end() && known->second.find(text) != known->second.end())
        return;
    if (entries_ == entries_max) {
        is_whole_ = false;
        return;
    }
    if (known == origins_.end())
        known = origins_.try_emplace(std::string(user_id)).first;
    known->second.insert(std::move(text));
    ++entries_;
}

Origins Admitted::take_disallowed(const Permissions& permissions) {
    Origins gone;
    gone.is_everywhere_ = !std::exchange(is_whole_, true);
    for (auto at = origins_.begin(); at != origins_.end();) {
        if (!gone.is_everywhere_ &&
            permissions.allows(at->first, entry_.operation, entry_.object)) {
            ++at;
            continue;
        }
        entries_ -= at->second.size();
        gone.texts_.merge(at->second);
        at = origins_.erase(at);
    }
    return gone;
}

} // namespace flotilla::net::detail
