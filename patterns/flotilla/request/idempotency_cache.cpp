// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/idempotency_cache.hpp>

#include <iterator>

namespace flotilla::request {

IdempotencyCache::IdempotencyCache(IdempotencyLimits limits) : limits_(limits) {
    FLOTILLA_CHECK(limits.answers_max > 0, "an idempotency cache needs room for one answer");
}

void IdempotencyCache::drop(std::list<Kept>::iterator kept) {
    bytes_ -= kept->bytes;
    by_id_.erase(kept->id);
    oldest_first_.erase(kept);
}

void IdempotencyCache::drop_expired(Instant now) {
    while (!oldest_first_.empty() && oldest_first_.front().until <= now)
        drop(oldest_first_.begin());
}

std::optional<wire::Frames> IdempotencyCache::find(std::string_view id, Instant now) {
    drop_expired(now);
    const auto found = by_id_.find(id);
    if (found == by_id_.end())
        return std::nullopt;
    ++found_total_;
    return found->second->answer.share();
}

bool IdempotencyCache::keep(std::string_view id, const wire::Frames& answer, Instant now) {
    drop_expired(now);
    const std::uint64_t bytes = id.size() + answer.held_bytes();
    if (id.empty() || bytes > limits_.bytes_max)
        return false;
    if (const auto found = by_id_.find(id); found != by_id_.end())
        drop(found->second);
    while (by_id_.size() >= limits_.answers_max || bytes_ + bytes > limits_.bytes_max) {
        drop(oldest_first_.begin());
        ++forgotten_total_;
    }
    oldest_first_.push_back(
        {std::string(id), answer.share(), bytes, deadline_after(now, limits_.kept_for)});
    by_id_.emplace(oldest_first_.back().id, std::prev(oldest_first_.end()));
    bytes_ += bytes;
    return true;
}

void IdempotencyCache::clear() {
    by_id_.clear();
    oldest_first_.clear();
    bytes_ = 0;
}

} // namespace flotilla::request
