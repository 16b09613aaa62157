// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/delay_wheel.hpp>
#include <flotilla/wire/pack.hpp>

#include <algorithm>
#include <bit>
#include <tuple>

namespace flotilla::queue {
namespace {

constexpr std::uint8_t bucket_version = 1;
constexpr std::int64_t finest_ms = 4;
constexpr std::int64_t fine_below_ms = 512; // what is nearer goes into the finest buckets
constexpr int buckets_log2 = 5;             // a bucket is at most a 32nd of the time that is left
constexpr std::int64_t try_again_ms = 50;
constexpr std::size_t bucket_head_bytes = 1 + 2;
constexpr std::size_t bucket_entry_bytes = 8 + 1;

std::int64_t end_of_finest(std::int64_t due_ms) noexcept {
    return (due_ms + finest_ms - 1) / finest_ms * finest_ms;
}

} // namespace

std::int64_t visit_ms(std::int64_t due_ms, std::int64_t now_ms) noexcept {
    const std::int64_t left = due_ms - now_ms;
    if (left < fine_below_ms)
        return end_of_finest(std::max(due_ms, now_ms + 1));
    const auto width =
        static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(left)) >> buckets_log2);
    return due_ms / width * width - width / 2;
}

// ---- in ----------------------------------------------------------------------------------------

void DelayWheel::add(const Delayed& message, std::int64_t wall_ms) {
    keep(message, visit_ms(message.due_ms, wall_ms));
}

void DelayWheel::keep(const Delayed& message, std::int64_t visit) {
    kept_.push_back({visit, message, bytes_.size()});
    bytes_.append(message.record.key).append(message.record.note).append(message.record.body);
}

Delayed DelayWheel::message(const Kept& kept) const {
    Delayed message = kept.message;
    const char* at = bytes_.data() + kept.bytes;
    for (ByteView* view : {&message.record.key, &message.record.note, &message.record.body}) {
        *view = {at, view->size()};
        at += view->size();
    }
    return message;
}

void DelayWheel::flush(Mutations& mutations, std::int64_t wall_ms) {
    const auto order = [](const Kept& kept) {
        return std::tuple(kept.visit_ms, kept.message.queue, kept.message.due_ms,
                          kept.message.record.id);
    };
    std::sort(kept_.begin(), kept_.end(),
              [&](const Kept& a, const Kept& b) { return order(a) < order(b); });
    for (std::size_t first = 0; first < kept_.size();) {
        const DelayedPlace place{kept_[first].visit_ms, kept_[first].message.queue,
                                 kept_[first].message.record.id};
        for (; first < kept_.size() && kept_[first].visit_ms == place.bucket_ms &&
               kept_[first].message.queue == place.queue;
             ++first) {
            const Delayed its = message(kept_[first]);
            if (!writer_.has_room(its.record))
                break;
            writer_.add(its);
        }
        mutations.put(Table::delayed, delayed_key(place), writer_.finish(wall_ms));
    }
    kept_.clear();
    bytes_.clear();
    if (bytes_.capacity() > 4 * block_bytes_target)
        bytes_.shrink_to_fit();
}

// ---- out ---------------------------------------------------------------------------------------

Status DelayWheel::advance(const Snapshot& snapshot, Mutations& mutations, std::int64_t wall_ms,
                           TurnBudget& budget, const Visit& visit,
                           const std::function<void(const Damaged&)>& damaged) {
    DelayedReader reader;
    while (!budget.is_spent()) {
        const auto row = snapshot.at_or_after(
            Table::delayed, visited_up_to_.empty() ? std::string{} : visited_up_to_ + '\0');
        if (!row)
            return fail(row.error());
        if (!*row)
            return {};
        const auto place = read_delayed_key((*row)->key);
        if (place && place->bucket_ms > wall_ms)
            return {};
        visited_up_to_ = (*row)->key;
        mutations.erase(Table::delayed, visited_up_to_);
        if (Status opened = reader.open(**row); !opened) {
            wire::Reader front((*row)->value);
            (void)front.u8(); // version
            const std::uint64_t messages = front.u16();
            damaged({place ? place->queue : QueueId{0}, messages, (*row)->value.size()});
            continue;
        }
        for (std::size_t i = 0; i < reader.count(); ++i) {
            const Delayed message = reader[i];
            const Fate fate = visit(message, message.due_ms <= wall_ms);
            if (fate == Fate::stays)
                add(message, wall_ms);
            else if (fate == Fate::later)
                keep(message, end_of_finest(wall_ms + try_again_ms));
        }
        budget.spend(reader.count(), (*row)->value.size());
    }
    return {};
}

Result<std::optional<std::int64_t>> DelayWheel::next_visit(const Snapshot& snapshot) {
    const auto row = snapshot.at_or_after(Table::delayed, {});
    if (!row)
        return fail(row.error());
    if (!*row)
        return std::optional<std::int64_t>{};
    const auto place = read_delayed_key((*row)->key);
    // One that cannot be read is visited at once, and goes.
    return std::optional<std::int64_t>{place ? place->bucket_ms : 0};
}

// ---- one row -----------------------------------------------------------------------------------

void DelayedWriter::add(const Delayed& message) {
    FLOTILLA_CHECK(message.record.id != 0, "a delayed message has no id");
    heads_.u64(static_cast<std::uint64_t>(message.due_ms)).u8(message.lane);
    block_.add(message.record);
}

std::string DelayedWriter::finish(std::int64_t put_ms) {
    wire::Writer head;
    head.u8(bucket_version).u16(static_cast<std::uint16_t>(block_.count())).bytes(heads_.view());
    heads_.clear();
    return seal(head.take()) + block_.finish({put_ms, 0});
}

Status DelayedReader::open(const Entry& row) {
    heads_.clear();
    block_.close();
    const auto place = read_delayed_key(row.key);
    if (!place)
        return fail(place.error());
    place_ = *place;
    wire::Reader front(row.value);
    const std::uint8_t its_version = front.u8();
    const std::size_t count = front.u16();
    if (front.ok() && its_version != bucket_version)
        return fail(Errc::unsupported, "delayed messages have version " +
                                           std::to_string(its_version) + "; this build reads 1");
    const std::size_t size = bucket_head_bytes + count * bucket_entry_bytes + checksum_bytes;
    const auto head = unseal(row.value.substr(0, size));
    if (!head || head->size() + checksum_bytes != size)
        return fail(Errc::damaged, "delayed messages do not have their checksum");
    if (Status opened = block_.open(row.value.substr(size)); !opened)
        return opened;
    if (block_.count() != count)
        return fail(Errc::damaged, "delayed messages do not add up");
    wire::Reader reader(head->substr(bucket_head_bytes));
    heads_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto due = static_cast<std::int64_t>(reader.u64());
        heads_.emplace_back(due, reader.u8());
    }
    return {};
}

Delayed DelayedReader::operator[](std::size_t index) const {
    return {place_.queue, heads_[index].second, heads_[index].first, block_.wall_ms(),
            block_[index]};
}

} // namespace flotilla::queue
