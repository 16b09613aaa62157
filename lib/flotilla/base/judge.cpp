// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/judge.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace flotilla {
namespace {

constexpr std::size_t object_bytes_max = 255; // longer ones are decided anew

// Up to the first 8 bytes.
std::uint64_t head_of(std::string_view text) noexcept {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data(), std::min(text.size(), sizeof bytes));
    return bytes;
}

std::uint64_t tail_of(std::string_view text) noexcept {
    return head_of(text.substr(text.size() - std::min<std::size_t>(text.size(), 8)));
}

// Of both ends of the two texts: cheap, and whoever makes many of one place only makes himself
// slower.
std::size_t place_of(std::string_view user_id, Operation operation,
                     std::string_view object) noexcept {
    std::uint64_t hash = head_of(user_id) ^ static_cast<std::uint64_t>(operation);
    hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15;
    hash ^= head_of(object) + object.size();
    hash = (hash ^ (hash >> 29)) * 0xbf58476d1ce4e5b9;
    hash ^= tail_of(object);
    hash = (hash ^ (hash >> 32)) * 0x94d049bb133111eb;
    return static_cast<std::size_t>(hash >> 33) % Judge::decisions_max;
}

} // namespace

void Judge::set(std::shared_ptr<const Permissions> permissions) {
    permissions_ = std::move(permissions);
    is_open_ = permissions_ == nullptr || permissions_->is_open();
    decisions_.clear();
    if (!is_open_)
        decisions_.resize(decisions_max);
}

bool Judge::knows(std::string_view user_id) const {
    return is_open_ || permissions_->user_of(user_id).has_value();
}

bool Judge::decide(std::string_view user_id, Operation operation, std::string_view object) const {
    if (operation == Operation::administer && !permissions_->has_rules())
        return permissions_->user_of(user_id).has_value();
    return permissions_->allows(user_id, operation, object);
}

bool Judge::allows(std::string_view user_id, Operation operation, std::string_view object) {
    if (is_open_)
        return true;
    if (object.size() > object_bytes_max)
        return decide(user_id, operation, object);
    Decision& decision = decisions_[place_of(user_id, operation, object)];
    if (decision.is_made && decision.operation == operation && decision.object == object &&
        decision.user_id == user_id)
        return decision.is_allowed;
    decision.is_allowed = decide(user_id, operation, object);
    decision.is_made = true;
    decision.operation = operation;
    decision.object = object;
    decision.user_id = user_id;
    return decision.is_allowed;
}

std::string Judge::refuse(std::string_view user_id, Operation operation, std::string_view object,
                          int descriptor) {
    ++refused_[static_cast<std::size_t>(operation)];
    static const Permissions open{};
    const Permissions& asked = permissions_ ? *permissions_ : open;
    if (noted_.size() < noted_max)
        noted_.push_back({std::string(user_id), std::string(asked.user_of(user_id).value_or("")),
                          operation, std::string(object), descriptor});
    const Status why = asked.check(user_id, operation, object);
    return why ? "you may not " + std::string(name(operation)) + " here" : why.error().detail;
}

} // namespace flotilla
