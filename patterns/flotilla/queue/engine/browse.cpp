// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/queue/engine/browse.hpp>
#include <flotilla/queue/engine/keys.hpp>
#include <flotilla/queue/engine/queue_rows.hpp>
#include <flotilla/wire/option_text.hpp>
#include <flotilla/wire/pack.hpp>

#include <algorithm>

namespace flotilla::queue {
namespace {

constexpr std::uint64_t looks_max = 20'000; // steps of one page

std::uint32_t page_size(std::uint32_t page) {
    return std::clamp<std::uint32_t>(page, 1, static_cast<std::uint32_t>(limits::page_max));
}

void add_frames(const Record& record, wire::Frames& body) {
    wire::Reader reader(record.body);
    const std::size_t count = reader.u16();
    for (std::size_t i = 0; i < count; ++i)
        body.add(reader.long_bytes());
}

// Deliveries so far, of a message that came back to where it was.
Result<std::uint32_t> attempts_of(const Snapshot& snapshot, const Waiting& waiting) {
    const auto row = snapshot.get(
        Table::attempt, block_key(waiting.place.queue, waiting.place.lane, waiting.position()));
    if (!row)
        return fail(row.error());
    return std::max(waiting.record.attempts, *row ? decode_attempts(**row) : 0);
}

PeekReply::Message message(const Record& record, std::int64_t put_ms,
                           std::optional<std::int64_t> due_ms) {
    wire::OptionTextWriter info;
    info.count("id", record.id);
    if (!record.key.empty())
        info.text("key", record.key);
    info.count("put_ms", static_cast<std::uint64_t>(put_ms));
    if (due_ms)
        info.count("due_ms", static_cast<std::uint64_t>(*due_ms));
    if (record.expiry_ms != 0)
        info.count("expiry_ms", static_cast<std::uint64_t>(record.expiry_ms));
    if (record.note.empty() && record.attempts > 0)
        info.count("attempts", record.attempts);
    PeekReply::Message reply{record.id, std::string(info.view()), {}};
    reply.info.append(record.note); // of a dead letter, with the attempts it had
    add_frames(record, reply.body);
    return reply;
}

Error not_from_a_page(std::string_view after) {
    return {Errc::bad_option,
            "after='" + std::string(after) + "' is not the next of a page; leave it out to begin"};
}

// Of a page of delayed messages: the row, and how many of its messages were shown.
struct DelayedAfter {
    DelayedPlace place{};
    std::uint64_t shown = 0;
};

std::string to_text(const DelayedAfter& after) {
    return std::to_string(after.place.bucket_ms) + "-" + std::to_string(after.place.number) + "-" +
           std::to_string(after.shown);
}

Result<DelayedAfter> parse_after(std::string_view text, QueueId queue) {
    DelayedAfter after;
    after.place.queue = queue;
    if (text.empty())
        return after;
    std::uint64_t parts[3] = {};
    for (std::size_t i = 0; i < 3; ++i) {
        const std::size_t end = i < 2 ? text.find('-') : text.size();
        const auto number = parse_count(text.substr(0, end), 0, ~0ULL >> 1);
        if (end == text.npos || !number)
            return fail(not_from_a_page(text));
        parts[i] = *number;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    after.place.bucket_ms = static_cast<std::int64_t>(parts[0]);
    after.place.number = parts[1];
    after.shown = parts[2];
    return after;
}

} // namespace

Result<NamesPage> list_names(const Snapshot& snapshot, const List& list) {
    NamesPage page;
    std::string at = std::max(list.prefix, list.after.empty() ? std::string{} : list.after + '\0');
    while (true) {
        const auto row = snapshot.at_or_after(Table::name, at);
        if (!row)
            return fail(row.error());
        if (!*row || !(*row)->key.starts_with(list.prefix))
            return page;
        if (page.queues.size() == page_size(list.page)) {
            page.next = page.queues.back().first;
            return page;
        }
        at.assign((*row)->key).push_back('\0');
        if (const auto id = read_queue_key((*row)->value))
            page.queues.emplace_back(std::string((*row)->key), *id);
    }
}

Result<PeekReply> peek_ready(const Snapshot& snapshot, QueueFacts& facts, QueueId queue,
                             std::size_t lanes, const Peek& peek) {
    Position from = 0;
    if (!peek.after.empty()) {
        const auto after = parse_count(peek.after, 0, ~0ULL);
        if (!after)
            return fail(not_from_a_page(peek.after));
        from = *after;
    }
    PeekReply reply;
    TurnBudget budget{looks_max, page_bytes_max};
    WaitingSweep sweep(snapshot, facts, queue, lanes, from);
    while (true) {
        if (reply.messages.size() == page_size(peek.page) || budget.is_spent()) {
            reply.next = std::to_string(sweep.position());
            break;
        }
        const auto found = sweep.next(budget);
        if (!found)
            return fail(found.error());
        if (!*found && sweep.is_at_end())
            break;
        if (!*found)
            continue;
        const auto attempts = attempts_of(snapshot, **found);
        if (!attempts)
            return fail(attempts.error());
        Record record = (*found)->record;
        record.attempts = *attempts;
        reply.messages.push_back(message(record, (*found)->put_ms, std::nullopt));
        budget.spend(0, record.body.size());
    }
    if (sweep.is_at_end())
        reply.next.clear();
    return reply;
}

Result<PeekReply> peek_delayed(const Snapshot& snapshot, QueueId queue, const Peek& peek) {
    auto after = parse_after(peek.after, queue);
    if (!after)
        return fail(after.error());
    PeekReply reply;
    TurnBudget budget{looks_max, page_bytes_max};
    DelayedReader reader;
    while (true) {
        const auto row = snapshot.at_or_after(Table::delayed, delayed_key(after->place));
        if (!row)
            return fail(row.error());
        const auto place = *row ? read_delayed_key((*row)->key) : fail(Errc::not_found);
        if (!place)
            return reply;
        budget.spend(1);
        if (place->queue != queue) { // to where the queue's rows of this or the next time begin
            const std::int64_t bucket = place->bucket_ms + (place->queue > queue ? 1 : 0);
            after = DelayedAfter{{bucket, queue, 0}, 0};
        } else {
            if (*place != after->place)
                after = DelayedAfter{*place, 0};
            const std::size_t count = reader.open(**row) ? reader.count() : 0;
            for (; after->shown < count && reply.messages.size() < page_size(peek.page) &&
                   !budget.is_spent();
                 ++after->shown) {
                const Delayed delayed = reader[after->shown];
                reply.messages.push_back(message(delayed.record, delayed.put_ms, delayed.due_ms));
                budget.spend(1, delayed.record.body.size());
            }
            if (after->shown >= count)
                after = DelayedAfter{{place->bucket_ms, queue, place->number + 1}, 0};
        }
        if (reply.messages.size() == page_size(peek.page) || budget.is_spent()) {
            reply.next = to_text(*after);
            return reply;
        }
    }
}

} // namespace flotilla::queue
