// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/expiry_index.hpp>

#include <algorithm>
#include <bit>

namespace flotilla::queue {
namespace {

constexpr std::int64_t finest_step_ms = 1024;
constexpr int late_log2 = 3; // an eighth of the time to live

} // namespace

void ExpiryVisits::add(std::int64_t expiry_ms, std::int64_t block_wall_ms) {
    if (expiry_ms == 0)
        return;
    const auto left =
        static_cast<std::uint64_t>(std::max<std::int64_t>(expiry_ms - block_wall_ms, 1));
    const std::int64_t width =
        std::max(finest_step_ms, static_cast<std::int64_t>(std::bit_floor(left) >> late_log2));
    const std::int64_t visit = (expiry_ms / width + 1) * width;
    if (visits_.empty() || visits_.back() != visit)
        if (std::find(visits_.begin(), visits_.end(), visit) == visits_.end())
            visits_.push_back(visit);
}

ExpiryVisits ExpiryVisits::of(const BlockReader& block) {
    ExpiryVisits visits;
    for (std::size_t i = 0; i < block.count(); ++i)
        visits.add(block[i].expiry_ms, block.wall_ms());
    return visits;
}

void ExpiryVisits::write(Mutations& mutations, const BlockPlace& place) const {
    for (const std::int64_t visit : visits_)
        mutations.put(Table::expiry, expiry_key({visit, place}), {});
}

void ExpiryVisits::erase(Mutations& mutations, const BlockPlace& place) const {
    for (const std::int64_t visit : visits_)
        mutations.erase(Table::expiry, expiry_key({visit, place}));
}

Status reap_expired(const Snapshot& snapshot, Mutations& mutations, QueueFacts& facts,
                    std::int64_t wall_ms, TurnBudget& budget,
                    const std::function<Status(const Waiting& message)>& expired) {
    BlockReader block;
    std::string at;
    while (!budget.is_spent()) {
        const auto row = snapshot.at_or_after(Table::expiry, at);
        if (!row)
            return fail(row.error());
        if (!*row)
            return {};
        const auto place = read_expiry_key((*row)->key);
        if (place && place->bucket_ms > wall_ms)
            return {};
        at.assign((*row)->key);
        mutations.erase(Table::expiry, at);
        at.push_back('\0');
        budget.spend(1);
        if (!place)
            continue;
        const auto value = snapshot.get(
            Table::block, block_key(place->block.queue, place->block.lane, place->block.first));
        if (!value)
            return fail(value.error());
        if (!*value)
            continue; // all of it was finished in good time
        if (!block.open(**value)) {
            facts.damaged(place->block);
            continue;
        }
        const auto ready = facts.ready_in(snapshot, place->block, block.count());
        if (!ready)
            return fail(ready.error());
        budget.spend(TurnBudget::block_steps + block.count());
        for (std::uint32_t i = 0; i < block.count(); ++i) {
            Waiting message{place->block, i, block.wall_ms(), block[i]};
            if (!(*ready)[i] || message.record.expiry_ms == 0 || message.record.expiry_ms > wall_ms)
                continue;
            if (message.record.id == 0)
                message.record.id = message.position();
            if (Status left = expired(message); !left)
                return left;
        }
    }
    return {};
}

Result<std::optional<std::int64_t>> next_expiry_visit(const Snapshot& snapshot) {
    const auto row = snapshot.at_or_after(Table::expiry, {});
    if (!row)
        return fail(row.error());
    if (!*row)
        return std::optional<std::int64_t>{};
    const auto place = read_expiry_key((*row)->key);
    return std::optional<std::int64_t>{place ? place->bucket_ms : 0};
}

} // namespace flotilla::queue
