// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/duplicate_window.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/wire/pack.hpp>

#include <xxhash.h>

namespace flotilla::queue {
namespace {

constexpr std::uint8_t id_version = 1;
constexpr std::size_t ids_reaped_a_turn = 16; // besides two for each new one

// 128 bits: two message ids that are not the same do not meet by accident, so a message is not
// taken for another's repeat.
std::string hash_of(QueueId queue, std::string_view message_id) {
    const XXH128_hash_t hash = XXH3_128bits_withSeed(message_id.data(), message_id.size(), queue);
    std::string bytes(16, '\0');
    wire::store_u64(bytes.data(), hash.high64);
    wire::store_u64(bytes.data() + 8, hash.low64);
    return bytes;
}

std::string encode(MessageId id, std::uint64_t number, std::int64_t wall_ms) {
    wire::Writer out;
    out.u8(id_version).u64(id).u64(number).u64(static_cast<std::uint64_t>(wall_ms));
    return seal(out.take());
}

} // namespace

bool DuplicateWindow::Queue::is_inside(const Row& row, std::int64_t wall_ms) const noexcept {
    const auto window_ms = std::chrono::duration_cast<std::chrono::milliseconds>(window).count();
    return row.number + messages_max >= next && row.wall_ms + window_ms > wall_ms;
}

Result<DuplicateWindow::Queue*> DuplicateWindow::load(const Snapshot& snapshot, QueueId queue) {
    if (const auto found = queues_.find(queue); found != queues_.end())
        return &found->second;
    Queue loaded;
    const std::string from = duplicate_age_key({queue, 0});
    const auto last = snapshot.before(Table::duplicate_age, duplicate_age_key({queue, ~0ULL}));
    if (!last)
        return fail(last.error());
    const auto newest =
        *last ? read_duplicate_age_key((*last)->key) : Result<DuplicateAge>{DuplicateAge{}};
    if (newest && *last && newest->queue == queue) {
        loaded.next = newest->number + 1;
        const auto first = snapshot.at_or_after(Table::duplicate_age, from);
        if (!first)
            return fail(first.error());
        const auto oldest = read_duplicate_age_key((*first)->key);
        loaded.first = oldest ? oldest->number : newest->number;
    }
    return &queues_.emplace(queue, std::move(loaded)).first->second;
}

Result<std::optional<MessageId>> DuplicateWindow::find(const Snapshot& snapshot, QueueId queue,
                                                       const QueueProperties& properties,
                                                       std::string_view message_id,
                                                       std::int64_t wall_ms) {
    const auto loaded = load(snapshot, queue);
    if (!loaded)
        return fail(loaded.error());
    Queue& its = **loaded;
    its.window = properties.duplicate_window;
    its.messages_max = properties.duplicate_messages_max;
    const std::string hash = hash_of(queue, message_id);
    Row row;
    if (const auto added = its.added.find(hash); added != its.added.end()) {
        row = added->second;
    } else {
        const auto value = snapshot.get(Table::duplicate, duplicate_key(queue, hash));
        if (!value)
            return fail(value.error());
        const auto sealed = *value ? unseal(**value) : fail(Errc::not_found);
        if (!sealed) // a damaged row knows nothing
            return std::optional<MessageId>{};
        wire::Reader reader(*sealed);
        const std::uint8_t its_version = reader.u8();
        row.id = reader.u64();
        row.number = reader.u64();
        row.wall_ms = static_cast<std::int64_t>(reader.u64());
        if (!reader.ok_at_end() || its_version != id_version)
            return std::optional<MessageId>{};
    }
    return its.is_inside(row, wall_ms) ? std::optional<MessageId>{row.id} : std::nullopt;
}

void DuplicateWindow::add(QueueId queue, std::string_view message_id, MessageId id,
                          std::int64_t wall_ms) {
    const auto found = queues_.find(queue);
    FLOTILLA_CHECK(found != queues_.end(), "a message id is added that was not looked for");
    Queue& its = found->second;
    Row& row = its.added[hash_of(queue, message_id)];
    // Over an older one of this turn, which is outside the window: its number stays a gap.
    its.unwritten += row.id == 0 || row.is_written ? 1 : 0;
    row = {id, its.next++, wall_ms, false};
}

Status DuplicateWindow::flush(const Snapshot& snapshot, Mutations& mutations,
                              std::int64_t wall_ms) {
    for (auto& [id, queue] : queues_) {
        if (queue.unwritten == 0)
            continue;
        if (Status reaped = reap(snapshot, mutations, id, queue, wall_ms,
                                 ids_reaped_a_turn + 2 * queue.unwritten);
            !reaped)
            return reaped;
        for (auto& [hash, row] : queue.added) {
            if (row.is_written)
                continue;
            row.is_written = true;
            mutations.put(Table::duplicate, duplicate_key(id, hash),
                          encode(row.id, row.number, row.wall_ms));
            mutations.put(Table::duplicate_age, duplicate_age_key({id, row.number}), hash);
        }
        queue.unwritten = 0;
    }
    return {};
}

Status DuplicateWindow::reap(const Snapshot& snapshot, Mutations& mutations, QueueId id,
                             Queue& queue, std::int64_t wall_ms, std::size_t rows_max) {
    for (std::size_t i = 0; i < rows_max; ++i) {
        const auto entry =
            snapshot.at_or_after(Table::duplicate_age, duplicate_age_key({id, queue.first}));
        if (!entry)
            return fail(entry.error());
        const auto age =
            *entry ? read_duplicate_age_key((*entry)->key) : Result<DuplicateAge>{DuplicateAge{}};
        if (!*entry || !age || age->queue != id)
            return {};
        const ByteView hash = (*entry)->value;
        const auto value = snapshot.get(Table::duplicate, duplicate_key(id, hash));
        if (!value)
            return fail(value.error());
        Row row{0, age->number, 0, false};
        // A later message with the same message id may have the row now, or get it in this turn.
        bool is_its_own = queue.added.count(std::string(hash)) == 0;
        if (const auto sealed = *value ? unseal(**value) : fail(Errc::not_found); sealed) {
            wire::Reader reader(*sealed);
            reader.u8();
            row.id = reader.u64();
            is_its_own = reader.u64() == age->number && is_its_own;
            row.wall_ms = static_cast<std::int64_t>(reader.u64());
        }
        if (is_its_own && queue.is_inside(row, wall_ms))
            return {};
        if (is_its_own)
            mutations.erase(Table::duplicate, duplicate_key(id, hash));
        mutations.erase(Table::duplicate_age, std::string((*entry)->key));
        queue.first = age->number + 1;
    }
    return {};
}

} // namespace flotilla::queue
