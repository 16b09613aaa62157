// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/producer_table.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/wire/pack.hpp>

#include <algorithm>
#include <optional>

namespace flotilla::queue {
namespace {

constexpr std::uint8_t producer_version = 1;
constexpr std::int64_t minute_ms = 60'000;
constexpr std::uint64_t counted_a_turn = 200;
constexpr std::uint64_t producers_reaped_a_turn = 64; // besides two for each new one

std::string encode(std::uint64_t sequence, std::int64_t seen_ms) {
    wire::Writer out;
    out.u8(producer_version).u64(sequence).u64(static_cast<std::uint64_t>(seen_ms));
    return seal(out.take());
}

struct Row {
    std::uint64_t sequence = 0;
    std::int64_t seen_ms = 0;
};

std::optional<Row> decode(ByteView value) {
    const auto sealed = unseal(value);
    if (!sealed)
        return std::nullopt;
    wire::Reader reader(*sealed);
    const std::uint8_t its_version = reader.u8();
    Row row;
    row.sequence = reader.u64();
    row.seen_ms = static_cast<std::int64_t>(reader.u64());
    if (!reader.ok_at_end() || its_version != producer_version)
        return std::nullopt;
    return row;
}

// As keys.hpp, into memory that is kept.
void assign_producer_key(std::string& key, QueueId queue, std::string_view producer) {
    key.assign(1, static_cast<char>(producer.size()));
    key.append(producer);
    for (int shift = 24; shift >= 0; shift -= 8)
        key.push_back(static_cast<char>(queue >> shift));
}

std::string age_key(ByteView key, std::int64_t seen_ms) {
    std::string age(8, '\0');
    wire::store_u64(age.data(), static_cast<std::uint64_t>(seen_ms));
    return age.append(key);
}

} // namespace

ProducerTable::ProducerTable(std::uint32_t entries_max, Duration age_max)
    : entries_max_(entries_max), age_max_(age_max) {}

void ProducerTable::set_limits(std::uint32_t entries_max, Duration age_max) {
    entries_max_ = entries_max;
    age_max_ = age_max;
}

// ---- what is known -----------------------------------------------------------------------------

ProducerTable::Entry* ProducerTable::cached(QueueId queue, std::string_view producer) {
    assign_producer_key(key_, queue, producer);
    const auto found = index_.find(key_);
    if (found == index_.end())
        return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &*found->second;
}

Result<ProducerTable::Found> ProducerTable::load(const Snapshot& snapshot, QueueId queue,
                                                 std::string_view producer) {
    if (Entry* entry = cached(queue, producer))
        return Found{entry, false};
    const auto value = snapshot.get(Table::producer, key_);
    if (!value)
        return fail(value.error());
    if (!*value)
        return Found{};
    const auto row = decode(**value);
    if (!row)
        return Found{nullptr, true};
    return Found{&add({key_, row->sequence, row->seen_ms, row->seen_ms, true, false, false}),
                 false};
}

ProducerTable::Entry& ProducerTable::add(Entry entry) {
    entries_.push_front(std::move(entry));
    index_.emplace(entries_.front().key, entries_.begin());
    return entries_.front();
}

void ProducerTable::forget(ByteView key) {
    const auto found = index_.find(key);
    if (found == index_.end())
        return;
    const auto entry = found->second;
    index_.erase(found);
    entries_.erase(entry);
}

Result<ProducerTable::Judgement> ProducerTable::judge(const Snapshot& snapshot, QueueId queue,
                                                      std::string_view producer,
                                                      std::uint64_t sequence,
                                                      std::uint64_t messages) {
    FLOTILLA_CHECK(sequence > 0 && messages > 0, "a put without a number is judged");
    if (Status begun = begin(snapshot); !begun)
        return fail(begun.error());
    const auto found = load(snapshot, queue, producer);
    if (!found)
        return fail(found.error());
    if (!found->entry)
        return Judgement{
            sequence == 1 && !found->is_damaged ? Verdict::fresh : Verdict::unknown_producer, 0, 0};
    const std::uint64_t settled = found->entry->sequence;
    if (sequence - 1 > settled)
        return Judgement{Verdict::out_of_order, 0, settled};
    return Judgement{Verdict::fresh, std::min(messages, settled - (sequence - 1)), settled};
}

void ProducerTable::settle(QueueId queue, std::string_view producer, std::uint64_t sequence,
                           std::int64_t wall_ms) {
    Entry* entry = cached(queue, producer);
    if (!entry) {
        ++added_;
        entry = &add({key_, 0, 0, 0, false, false, false});
    }
    const std::int64_t seen = seen_now(wall_ms);
    if (sequence <= entry->sequence && seen == entry->seen_ms)
        return;
    entry->sequence = std::max(entry->sequence, sequence);
    entry->seen_ms = seen;
    if (!entry->is_changed)
        changed_.push_back(entries_.begin());
    if (!entry->is_pending)
        pending_.push_back(entries_.begin());
    entry->is_changed = true;
    entry->is_pending = true;
}

// ---- what is written ---------------------------------------------------------------------------

void ProducerTable::flush(Mutations& mutations) {
    for (const auto& entry : changed_) {
        mutations.put(Table::producer, entry->key, encode(entry->sequence, entry->seen_ms));
        if (!entry->is_stored || entry->stored_ms != entry->seen_ms) {
            if (entry->is_stored)
                erase_age_row(mutations, age_key(entry->key, entry->stored_ms), entry->stored_ms);
            mutations.put(Table::producer_age, age_key(entry->key, entry->seen_ms), {});
            ++rows_;
        }
        entry->is_stored = true;
        entry->stored_ms = entry->seen_ms;
        entry->is_changed = false;
    }
    changed_.clear();
    added_ = 0;
}

void ProducerTable::committed() {
    for (const auto& entry : pending_)
        entry->is_pending = false;
    pending_.clear();
    has_reaped_ = false;
    while (entries_.size() > cached_max && !entries_.back().is_changed)
        forget(entries_.back().key);
}

// ---- how many there are ------------------------------------------------------------------------

Status ProducerTable::begin(const Snapshot& snapshot) {
    if (is_begun_)
        return {};
    const auto last = snapshot.before(Table::producer_age, std::string(key_bytes_max, '\xff'));
    if (!last)
        return fail(last.error());
    if (*last && (*last)->key.size() >= 8)
        ours_from_ms_ = static_cast<std::int64_t>(wire::load_u64((*last)->key.data())) + 1;
    else
        is_counted_ = true;
    is_begun_ = true;
    return {};
}

std::int64_t ProducerTable::seen_now(std::int64_t wall_ms) const noexcept {
    return std::max(wall_ms - wall_ms % minute_ms, ours_from_ms_);
}

bool ProducerTable::is_row_counted(const std::string& age_key,
                                   std::int64_t seen_ms) const noexcept {
    return is_counted_ || seen_ms >= ours_from_ms_ || age_key <= counted_up_to_;
}

void ProducerTable::erase_age_row(Mutations& mutations, std::string age_key, std::int64_t seen_ms) {
    if (rows_ > 0 && is_row_counted(age_key, seen_ms))
        --rows_;
    mutations.erase(Table::producer_age, std::move(age_key));
}

Status ProducerTable::count_some(const Snapshot& snapshot) {
    for (std::uint64_t i = 0; i < counted_a_turn && !is_counted_; ++i) {
        const auto row = snapshot.at_or_after(Table::producer_age, counted_up_to_ + '\0');
        if (!row)
            return fail(row.error());
        const bool is_older =
            *row && (*row)->key.size() >= 8 &&
            static_cast<std::int64_t>(wire::load_u64((*row)->key.data())) < ours_from_ms_;
        if (!is_older) {
            is_counted_ = true;
            break;
        }
        counted_up_to_ = (*row)->key;
        ++rows_;
    }
    return {};
}

Result<std::uint64_t> ProducerTable::reap(const Snapshot& snapshot, Mutations& mutations,
                                          std::int64_t wall_ms) {
    // What is written and not committed would be met again.
    if (has_reaped_ || pending_.size() > changed_.size())
        return std::uint64_t{0};
    if (Status begun = begin(snapshot); !begun)
        return fail(begun.error());
    if (!is_counted_)
        if (Status counted = count_some(snapshot); !counted)
            return fail(counted.error());
    const auto age_max_ms = std::chrono::duration_cast<std::chrono::milliseconds>(age_max_).count();
    std::uint64_t crowded_out = 0;
    std::string at;
    for (std::uint64_t i = 0; i < producers_reaped_a_turn + 2 * added_; ++i) {
        const auto row = snapshot.at_or_after(Table::producer_age, at);
        if (!row)
            return fail(row.error());
        if (!*row)
            break;
        at.assign((*row)->key).push_back('\0');
        const auto age = read_producer_age_key((*row)->key);
        if (!age) {
            mutations.erase(Table::producer_age, std::string((*row)->key));
            continue;
        }
        const bool is_old = age->seen_ms < wall_ms - age_max_ms;
        if (!is_old && rows_ + added_ <= entries_max_)
            break;
        const ByteView key = (*row)->key.substr(8);
        const auto found = index_.find(key);
        if (found != index_.end() && found->second->is_pending)
            continue; // it is being used
        erase_age_row(mutations, std::string((*row)->key), age->seen_ms);
        mutations.erase(Table::producer, std::string(key));
        forget(key);
        has_reaped_ = true;
        crowded_out += is_old ? 0 : 1;
    }
    return crowded_out;
}

} // namespace flotilla::queue
