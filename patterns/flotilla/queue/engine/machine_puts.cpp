// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: put. A run of plain messages is validated by its reader and copied once, into the
// block that will be stored.
#include <flotilla/queue/engine/queue_batch.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {
namespace {

using leased::ErrorCode;

constexpr Duration life_max = std::chrono::hours{24 * 3660}; // ten years
// What a message costs in the store besides its own bytes, at most: a block of its own.
constexpr std::uint64_t put_overhead_bytes = 96;

AckedWaits::Wait wait_of(const Peer& peer, const leased::Envelope& envelope, PutOutcome outcome) {
    return {std::string(peer.id), envelope, std::move(outcome), peer.descriptor};
}

Duration watch_time(Duration asked) noexcept {
    return asked > Duration::zero() ? std::min(asked, limits::watch_max) : limits::watch_max;
}

} // namespace

std::uint32_t load_of(const Record& record) noexcept {
    return static_cast<std::uint32_t>(record.body_bytes + record.key.size());
}

// ---- one put, or many ---------------------------------------------------------------------------

void QueueMachine::Rest::handle(const Said& said, Put& put) {
    Batch batch;
    if (!begin_batch(said, batch, put.queue, put.from, 1))
        return;
    // Nothing would be said of it before then, so it has to be watched.
    if (put.wait_acked && !acked_waits_.has_room(said.peer.id))
        batch.refused = {ErrorCode::busy, "too many puts wait for their acknowledgement"};
    else if (batch.outcome.duplicates == 0) {
        body_.clear();
        body_.u16(static_cast<std::uint16_t>(put.body.size()));
        for (std::size_t i = 0; i < put.body.size(); ++i)
            body_.long_bytes(put.body[i]);
        Message message;
        message.record.key = put.key;
        message.record.frames = static_cast<std::uint16_t>(put.body.size());
        message.record.body = body_.view();
        message.record.body_bytes = put.body.bytes();
        message.priority = put.priority;
        message.delay = put.delay;
        message.ttl = put.ttl;
        message.message_id = put.message_id;
        put_one(batch, message, 0, Alone::yes);
    }
    end_batch(said, batch, put.from,
              {put.wait_acked   ? Answering::When::when_acked
               : put.tell_acked ? Answering::When::twice
                                : Answering::When::at_once,
               put.acked_max});
}

void QueueMachine::Rest::handle(const Said& said, PutPacked& put) {
    auto reader = PutReader::open(put.packed.view(), expander_);
    if (!reader)
        return malformed(said.peer, said.envelope, reader.error());
    Batch batch;
    if (!begin_batch(said, batch, put.queue, put.from, reader->records()))
        return;
    for (std::uint64_t i = 0; i < batch.outcome.duplicates; ++i)
        reader->next();
    put_runs(batch, *reader);
    end_batch(said, batch, put.from,
              {put.tell_acked ? Answering::When::twice : Answering::When::at_once, put.acked_max});
}

bool QueueMachine::Rest::begin_batch(const Said& said, Batch& batch, std::string_view name,
                                     const ProducerSequence& from, std::uint64_t messages) {
    const auto refuse_all = [&](ErrorCode code, std::string text, std::uint64_t settled) {
        ++counters_.refused_total;
        if (from.producer.empty() || code == ErrorCode::no_queue)
            return answer(said, leased::ErrorReply{code, std::move(text), 0, 0, 0});
        PutRefused refused;
        refused.sequence = settled;
        refused.code = code;
        refused.text = std::move(text);
        answer(said, std::move(refused));
    };
    const std::uint64_t before = from.sequence == 0 ? 0 : from.sequence - 1;
    std::string why;
    batch.queue = find_or_create(name, draining_ ? Creates::no : Creates::by_pattern, why);
    const bool is_refused = draining_ && said.peer.side == Peer::Side::remote; // a door's is read
    if (is_refused && !turn_.broken()) {
        // What it settles is what is stored, not what comes before this put: that may be lost.
        std::uint64_t settled = 0;
        if (batch.queue != no_slot && !from.producer.empty() && from.sequence > 0) {
            const auto judged = producers_.judge(turn_.snapshot(), book_[batch.queue].id,
                                                 from.producer, from.sequence, messages);
            if (!judged) {
                turn_.break_off(judged.error());
                return false;
            }
            settled = judged->settled;
        }
        refuse_all(ErrorCode::draining, "this store takes nothing more; go elsewhere", settled);
        return false;
    }
    if (batch.queue == no_slot) {
        if (!turn_.broken())
            refuse_all(name.empty() ? ErrorCode::bad_option : ErrorCode::no_queue, std::move(why),
                       before);
        return false;
    }
    Queue& queue = book_[batch.queue];
    batch.outcome.sequence = before;
    batch.maybe_duplicate = from.maybe_duplicate;
    if (from.producer.empty())
        return true;
    if (from.sequence == 0) {
        refuse_all(ErrorCode::bad_option, "sequences of a producer begin at 1", 0);
        return false;
    }
    const auto judged =
        producers_.judge(turn_.snapshot(), queue.id, from.producer, from.sequence, messages);
    if (!judged) {
        turn_.break_off(judged.error());
        return false;
    }
    using Verdict = ProducerTable::Verdict;
    if (judged->verdict != Verdict::fresh) {
        const bool gap = judged->verdict == Verdict::out_of_order;
        ++queue.counters.refused_total;
        book_.mark(batch.queue);
        refuse_all(gap ? ErrorCode::out_of_order : ErrorCode::unknown_producer,
                   gap ? "put sequence " + std::to_string(judged->settled + 1) + " first"
                       : "this producer is not known (any more); begin at 1 under a fresh id",
                   judged->settled);
        return false;
    }
    batch.outcome.duplicates = judged->repeated;
    batch.outcome.sequence = std::max(before + judged->repeated, judged->settled);
    if (judged->repeated > 0) {
        queue.counters.duplicate_total += judged->repeated;
        book_.mark(batch.queue);
    }
    return true;
}

void QueueMachine::Rest::end_batch(const Said& said, Batch& batch, const ProducerSequence& from,
                                   const Answering& answering) {
    Queue& queue = book_[batch.queue];
    PutOutcome& outcome = batch.outcome;
    if (!from.producer.empty() && outcome.sequence >= from.sequence)
        producers_.settle(queue.id, from.producer, outcome.sequence, turn_.wall_ms());
    const Needs needs = changed(queue);
    if (outcome.accepted > 0 || !outcome.exceptions.refused.empty())
        book_.mark(batch.queue);
    if (from.producer.empty())
        outcome.sequence = 0;
    const Instant watched_until = deadline_after(turn_.now, watch_time(answering.acked_max));
    if (answering.when == Answering::When::twice && said.envelope.wants_answer()) {
        std::uint64_t told = 0;
        for (; told < outcome.accepted && acked_waits_.has_room(said.peer.id); ++told) {
            const MessageId id = outcome.first_id + told;
            acked_waits_.add({queue.id, id}, wait_of(said.peer, said.envelope, {.first_id = id}),
                             watched_until);
        }
        if (told < outcome.accepted)
            outcome.told = told;
    }
    if (batch.refused) {
        auto& [code, text] = *batch.refused;
        ++counters_.refused_total;
        ++queue.counters.refused_total;
        book_.mark(batch.queue);
        if (code == ErrorCode::full)
            ++counters_.full_total;
        if (from.producer.empty() && outcome.accepted == 0 && outcome.exceptions.refused.empty())
            return answer(said, leased::ErrorReply{code, std::move(text), 0, 0, 0}, needs);
        PutRefused refused;
        static_cast<PutOutcome&>(refused) = std::move(outcome);
        refused.code = code;
        refused.text = std::move(text);
        return answer(said, std::move(refused), needs);
    }
    if (answering.when == Answering::When::when_acked && outcome.accepted == 1) {
        acked_waits_.add({queue.id, outcome.first_id}, wait_of(said.peer, said.envelope, outcome),
                         watched_until);
        return;
    }
    PutOk ok;
    static_cast<PutOutcome&>(ok) = std::move(outcome);
    answer_if_wanted(said, std::move(ok), needs);
}

// A larger message will never fit.
std::uint64_t QueueMachine::Rest::message_bytes_max(const QueueProperties& properties) const {
    return std::min(
        {properties.message_bytes_max, limits_.message_bytes_max, properties.bytes_max});
}

// How many more messages may be accepted now; 0 says in the batch why.
std::uint32_t QueueMachine::Rest::room_in(Batch& batch, std::uint64_t bytes) {
    Queue& queue = book_[batch.queue];
    const QueueProperties& properties = queue.properties;
    if (gathered_for(queue) + bytes + put_overhead_bytes > room_for(queue)) {
        if (!full_)
            notice("full", "the store has no room for more messages");
        StoreRoom wanted;
        (is_memory_queue(queue.id) ? wanted.memory : wanted.disk) = bytes + put_overhead_bytes;
        full_ = {turn_.now, wanted};
        batch.refused = {ErrorCode::full, "the store is full; put it again when messages were "
                                          "finished, or give it more disk or file_bytes_max"};
        return 0;
    }
    const std::uint64_t unfinished = queue.unfinished();
    const bool is_over =
        unfinished >= properties.messages_max || queue.bytes + bytes > properties.bytes_max;
    if (properties.overflow == Overflow::reject) {
        if (is_over) {
            batch.refused = {ErrorCode::full, "queue '" + queue.name +
                                                  "' is full; put it again when messages were "
                                                  "finished"};
            return 0;
        }
        return static_cast<std::uint32_t>(
            std::min<std::uint64_t>(properties.messages_max - unfinished, block_messages_max));
    }
    if (is_over && queue.ready == 0) { // there is nothing that could make room
        batch.refused = {ErrorCode::full, "queue '" + queue.name +
                                              "' is full of messages that are delayed or in hand; "
                                              "put it again later"};
        return 0;
    }
    if (is_over && (over_limit_.empty() || over_limit_.back() != batch.queue))
        over_limit_.push_back(batch.queue);
    return block_messages_max;
}

void QueueMachine::Rest::put_runs(Batch& batch, PutReader& reader) {
    const std::size_t all = reader.records();
    Queue& queue = book_[batch.queue];
    const QueueProperties& properties = queue.properties;
    const std::uint64_t message_max = message_bytes_max(properties);
    // With order=key each message has a lane of its own choosing.
    const bool has_runs = properties.order != Order::key && !batch.maybe_duplicate;
    while (reader.left() > 0 && !batch.refused) {
        const std::uint32_t most = has_runs ? room_in(batch, 1) : 0;
        if (batch.refused)
            break;
        if (has_runs) {
            LaneState& lane = lane_with_room(batch.queue, 0, 1, 1);
            // So that ids are positions, which is what a plain record says.
            if (!lane.writer.empty() && lane.writer_first + lane.writer.count() != queue.next)
                close_block(batch.queue, 0);
            PutReader::RunLimits limits;
            limits.records = std::min<std::size_t>(most, block_messages_max - lane.writer.count());
            limits.bytes = lane.writer.room();
            if (properties.overflow == Overflow::reject)
                limits.bytes =
                    std::min<std::uint64_t>(limits.bytes, properties.bytes_max - queue.bytes);
            limits.bytes =
                std::min<std::uint64_t>(limits.bytes, room_for(queue) - gathered_for(queue));
            limits.message_bytes = message_max;
            const PutRun run = reader.next_run(limits);
            if (run.count > 0) {
                begin_block(batch.queue, 0);
                lane.writer.add_raw(run.records, run.count);
                const MessageId first = queue.next;
                queue.next += run.count;
                lane.tail = queue.next;
                const std::uint64_t load = run.body_bytes + run.key_bytes;
                queue.ready += run.count;
                queue.bytes += load;
                queue.counters.accepted_total += run.count;
                queue.counters.accepted_bytes_total += load;
                gathered_for(queue) += run.records.size();
                PutOutcome& outcome = batch.outcome;
                if (outcome.accepted == 0)
                    outcome.first_id = first;
                outcome.accepted += run.count;
                outcome.sequence += run.count;
                continue;
            }
        }
        const auto index = static_cast<std::uint32_t>(all - reader.left());
        const auto put = reader.next();
        Message message;
        message.record.key = put->key;
        message.record.frames = put->frames;
        message.record.body = put->body;
        message.record.body_bytes = put->body_bytes;
        message.priority = put->priority;
        message.delay = put->delay;
        message.ttl = put->ttl;
        message.message_id = put->message_id;
        put_one(batch, message, index, Alone::no);
    }
}

void QueueMachine::Rest::put_one(Batch& batch, const Message& message, std::uint32_t index,
                                 Alone alone) {
    Queue& queue = book_[batch.queue];
    const QueueProperties& properties = queue.properties;
    PutOutcome& outcome = batch.outcome;
    const auto refuse_it = [&](ErrorCode code, std::string text) {
        ++queue.counters.refused_total;
        ++outcome.sequence;
        if (alone == Alone::yes)
            batch.refused = {code, std::move(text)};
        else
            outcome.exceptions.refused.push_back({index, code});
    };
    Record record = message.record;
    const std::uint64_t load = record.body_bytes + record.key.size();
    const std::uint64_t most = message_bytes_max(properties);
    if (load > most)
        return refuse_it(ErrorCode::too_large, "a message of " + std::to_string(load) +
                                                   " bytes; this queue takes " +
                                                   std::to_string(most));
    if (message.delay > life_max || message.ttl > life_max)
        return refuse_it(ErrorCode::bad_option, "delay_ms and ttl_ms are at most ten years");
    if (message.priority >= properties.priority_levels)
        return refuse_it(ErrorCode::bad_option,
                         "priority=" + std::to_string(message.priority) + "; queue '" + queue.name +
                             "' has priority_levels=" + std::to_string(properties.priority_levels) +
                             ", so 0 to " + std::to_string(properties.priority_levels - 1));
    const bool is_identified = !message.message_id.empty() && DuplicateWindow::is_on(properties);
    if (is_identified) {
        const auto before = duplicates_.find(turn_.snapshot(), queue.id, properties,
                                             message.message_id, turn_.wall_ms());
        if (!before)
            return turn_.break_off(before.error());
        if (*before) {
            ++queue.counters.duplicate_total;
            book_.mark(batch.queue);
            ++outcome.duplicates;
            ++outcome.sequence;
            if (alone == Alone::yes)
                outcome.first_id = **before;
            else
                outcome.exceptions.repeats.push_back({index, **before});
            return;
        }
    }
    if (room_in(batch, load) == 0)
        return;
    const MessageId id = queue.next;
    if (is_identified)
        duplicates_.add(queue.id, message.message_id, id, turn_.wall_ms());
    record.id = id;
    if (batch.maybe_duplicate)
        record.note = maybe_note;
    if (message.ttl > Duration::zero())
        record.expiry_ms = turn_.wall_ms() + whole_ms(message.ttl);
    const Lane lane = lane_for(queue, message.priority, record.key);
    if (message.delay > Duration::zero()) {
        if (record.expiry_ms == 0 && properties.ttl > Duration::zero())
            record.expiry_ms = turn_.wall_ms() + whole_ms(properties.ttl);
        ++queue.next;
        ++queue.delayed;
        const std::int64_t now = turn_.wall_ms();
        wheel_.add({queue.id, lane, turn_.due_ms(message.delay), now, record}, now);
    } else {
        append(batch.queue, lane, record);
        ++queue.ready;
    }
    gathered_for(queue) += record.body.size() + put_overhead_bytes;
    queue.bytes += load;
    ++queue.counters.accepted_total;
    queue.counters.accepted_bytes_total += load;
    if (outcome.accepted == 0)
        outcome.first_id = id;
    ++outcome.accepted;
    ++outcome.sequence;
}

} // namespace flotilla::queue
