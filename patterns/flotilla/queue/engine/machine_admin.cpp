// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: queues are made, changed, looked at and ended.
#include <flotilla/queue/engine/browse.hpp>
#include <flotilla/queue/engine/queue_machine_rest.hpp>
#include <flotilla/queue/engine/queue_round.hpp>
#include <flotilla/queue/engine/stat_text.hpp>
#include <flotilla/queue/properties.hpp>
#include <flotilla/wire/option_text.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {

using leased::ErrorCode;

// ---- by name -----------------------------------------------------------------------------------

Slot QueueMachine::Rest::find_or_create(std::string_view name, Creates creates, std::string& why) {
    if (name.empty()) {
        why =
            "option 'queue' is missing or empty: say which queue, queue=NAME (for takers that know "
            "no queues the store can have a default_queue)";
        return no_slot;
    }
    const Slot known = book_.find(name, turn_);
    if (known != no_slot || turn_.broken())
        return known;
    if (const std::string_view unreadable = book_.why_unreadable(name); !unreadable.empty()) {
        why = "queue '" + std::string(name) + "' cannot be read (" + std::string(unreadable) +
              "); see what flotilla-store verify says";
        return no_slot;
    }
    why = "there is no queue '" + std::string(name) + "'; create it first: zmq queue create NAME";
    if (creates == Creates::no || !is_queue_name(name))
        return no_slot;
    const QueueProperties* properties = nullptr;
    static const QueueProperties defaults{};
    for (const StoreLimits::AutoCreate& rule : limits_.auto_create)
        if (properties == nullptr && fits_pattern(rule.pattern, name))
            properties = &rule.properties;
    if (properties == nullptr && creates == Creates::always)
        properties = &defaults;
    if (properties == nullptr)
        return no_slot;
    if (book_.count() >= limits_.queues_max) {
        why = "the store has all the queues it may (" + std::to_string(limits_.queues_max) + ")";
        return no_slot;
    }
    return make(std::string(name), *properties);
}

Slot QueueMachine::Rest::make(std::string name, const QueueProperties& properties) {
    notice("queue_created", {}, name);
    needs_commit_ = true;
    meta_changed_ = true;
    return book_.create(std::move(name), properties, turn_);
}

Slot QueueMachine::Rest::queue_for(const Said& said, std::string_view name, Creates creates) {
    std::string why;
    const Slot slot = find_or_create(name, creates, why);
    if (slot == no_slot && !turn_.broken())
        refuse(said, name.empty() ? ErrorCode::bad_option : ErrorCode::no_queue, std::move(why));
    return slot;
}

void QueueMachine::Rest::handle(const Said& said, const Create& create) {
    if (!is_queue_name(create.queue))
        return refuse(said, ErrorCode::bad_option, no_queue_name(create.queue));
    if (const Status checked = check_properties(create.properties); !checked)
        return refuse(said, ErrorCode::bad_option, checked.error().detail);
    if (const Status checked = check_dead_letters(create.queue, create.properties); !checked)
        return refuse(said, ErrorCode::bad_option, checked.error().detail);
    const Slot known = book_.find(create.queue, turn_);
    if (turn_.broken())
        return;
    if (known != no_slot) {
        if (create.or_same && book_[known].properties == create.properties)
            return answer(said, Done{0});
        return refuse(said, ErrorCode::exists,
                      "there is a queue '" + create.queue + "'" +
                          (create.or_same ? " with other properties; change them with alter" : ""));
    }
    if (const std::string_view why = book_.why_unreadable(create.queue); !why.empty())
        return refuse(said, ErrorCode::exists,
                      "there is a queue '" + create.queue +
                          "' that cannot be read: " + std::string(why));
    if (book_.count() >= limits_.queues_max)
        return refuse(said, ErrorCode::too_many,
                      "the store has all the queues it may (" + std::to_string(limits_.queues_max) +
                          ")");
    make(create.queue, create.properties);
    note_change(said, "create", create.queue);
    answer(said, Done{1}, Needs::commit);
}

void QueueMachine::Rest::handle(const Said& said, const Alter& alter) {
    const Slot slot = queue_for(said, alter.queue, Creates::no);
    if (slot == no_slot)
        return;
    Queue& queue = book_[slot];
    auto properties = queue::changed(queue.properties, alter.changes);
    if (!properties)
        return refuse(said, ErrorCode::bad_option, properties.error().detail);
    if (properties->dead_letter_queue != queue.properties.dead_letter_queue)
        if (const Status checked = check_dead_letters(queue.name, *properties); !checked)
            return refuse(said, ErrorCode::bad_option, checked.error().detail);
    become(slot, std::move(*properties));
    sessions_.for_each([&](Slot session) {
        if (sessions_[session].queue == slot)
            sessions_[session].bucket.set_rate(queue.properties.consumer_rate_max, turn_.now);
    });
    needs_commit_ = true;
    note_change(said, "alter", alter.queue);
    answer(said, Done{1}, Needs::commit);
}

// What a crash leaves in doubt is finished where it is delivered at most once. That must not befall
// what was accepted on other terms, or what only lies below a horizon that was raised on those.
void QueueMachine::Rest::become(Slot slot, QueueProperties properties) {
    Queue& queue = book_[slot];
    const auto is_automatic = [](const QueueProperties& each) {
        return each.acknowledge == Acknowledge::automatic;
    };
    if (is_automatic(properties) && !is_automatic(queue.properties)) {
        queue.automatic_from = queue.next;
        for (LaneState& lane : queue.lanes)
            lane.horizon = std::max(lane.cursor, lane.maybe_below);
        book_.mark(slot);
    }
    queue.properties = std::move(properties);
    book_.write_definition(slot, turn_);
}

void QueueMachine::Rest::handle(const Said& said, const Delete& erase) {
    const Slot slot = queue_for(said, erase.queue, Creates::no);
    if (slot == no_slot)
        return;
    if (erase.if_empty && book_[slot].unfinished() > 0)
        return refuse(said, ErrorCode::not_empty,
                      "queue '" + erase.queue + "' has " +
                          std::to_string(book_[slot].unfinished()) + " messages");
    end_queue(slot);
    note_change(said, "delete", erase.queue);
    answer(said, Done{1}, Needs::commit);
}

void QueueMachine::Rest::end_queue(Slot slot) {
    const QueueId id = book_[slot].id;
    while (leases_.first_of_queue(slot) != no_slot) {
        const Grant of = leases_.grant(leases_.first_of_queue(slot));
        leases_.for_each(of.first, of.count, [&](std::uint64_t number, Lease& lease) {
            if (lease.state == Lease::State::held) {
                free_window(lease);
                waited_leases_.erase(number);
            }
            leases_.forget(number);
        });
    }
    touched_sessions_.clear();
    for (LaneState& lane : book_[slot].lanes) {
        for (const auto& [position, returned] : lane.returned)
            if (returned.lease != 0 && leases_.find(returned.lease) != nullptr)
                leases_.forget(returned.lease);
        for (const auto& [until, entry] : lane.resting)
            if (entry.second.lease != 0 && leases_.find(entry.second.lease) != nullptr)
                leases_.forget(entry.second.lease);
    }
    sessions_.for_each([&](Slot at) {
        Session& session = sessions_[at];
        if (session.queue != slot)
            return update(at);
        leased::ErrorReply gone{ErrorCode::no_queue, "the queue was deleted", 0, 0, 0};
        if (session.take)
            end_take(session, gone);
        if (session.greeted) {
            held_.push_back({{session.peer, {session.delimited, {}}, gone}, Needs::commit});
            end_session(at);
        } else {
            session.queue = no_slot;
            update(at);
        }
    });
    while (const auto waited = acked_waits_.first_of(id))
        answer_waits(id, *waited, Acked::no);
    if (applied_block_ != no_slot && uses_[applied_block_].queue == slot)
        applied_block_ = no_slot;
    if (kept_.block != no_slot && uses_[kept_.block].queue == slot)
        kept_.block = no_slot;
    uses_.free_queue(slot);
    resting_.erase(slot);
    const auto is_its = [&](const LaneRef& at) { return at.queue == slot; };
    std::erase_if(open_lanes_, is_its);
    std::erase_if(tails_, is_its);
    std::erase(over_limit_, slot);
    std::erase(waiting_, slot);
    std::erase(starved_, slot);
    jobs_.queue_gone(id);
    book_.erase(slot, turn_);
    jobs_.sweep(turn_.changes(), id);
    needs_commit_ = true;
    meta_changed_ = true;
}

// ---- looking -----------------------------------------------------------------------------------

void QueueMachine::Rest::handle(const Said& said, const Stat& stat) {
    if (stat.queue.empty())
        return answer(said, StatReply{store_text()});
    const Slot slot = queue_for(said, stat.queue, Creates::no);
    if (slot == no_slot)
        return;
    book_[slot].rate(turn_.now);
    answer(said, StatReply{to_text(book_[slot].stat(turn_.now, turn_.wall_ms()))});
}

std::string QueueMachine::Rest::store_text() const {
    wire::OptionTextWriter out;
    std::uint64_t ready = 0;
    std::uint64_t delayed = 0;
    book_.for_each([&](Slot slot) {
        ready += book_[slot].ready;
        delayed += book_[slot].delayed;
    });
    out.count("queues", book_.count())
        .count("sessions", sessions_.size())
        .count("leased", leases_.held())
        .count("takes", takes_)
        .count("ready_in_use", ready)
        .count("delayed_in_use", delayed)
        .count("room_bytes", room_.disk)
        .text("draining", draining_ ? "yes" : "no")
        .hex("epoch", epoch_);
    return std::string(out.view());
}

void QueueMachine::Rest::handle(const Said& said, const List& list) {
    Read read{{std::string(said.peer.id), said.envelope}, list, std::nullopt};
    if (is_judged(said.peer))
        read.viewer = said.peer.user_id;
    reads_.push_back(std::move(read));
}

void QueueMachine::Rest::handle(const Said& said, const Peek& peek) {
    if (queue_for(said, peek.queue, Creates::no) != no_slot)
        reads_.push_back({{std::string(said.peer.id), said.envelope}, peek, std::nullopt});
}

// Pages are read from the commit of the turn in which they were asked for.
void QueueMachine::Rest::answer_reads(Round& round) {
    if (reads_.empty())
        return;
    turn_.look_at(&round.snapshot);
    for (Read& read : std::exchange(reads_, {})) {
        Event event;
        const auto failed = [&](const Error& error) {
            event = leased::ErrorReply{leased::error_code(error.code), error.detail, 0, 0, 0};
        };
        if (const auto* list = std::get_if<List>(&read.what)) {
            auto page = list_names(round.snapshot, *list);
            if (page)
                event = list_reply(*page, read.viewer);
            else
                failed(page.error());
        } else {
            const Peek& peek = std::get<Peek>(read.what);
            const Slot slot = book_.find(peek.queue, turn_);
            auto page = slot == no_slot
                            ? Result<PeekReply>{fail(Errc::not_found, "the queue was deleted")}
                        : peek.delayed ? peek_delayed(round.snapshot, book_[slot].id, peek)
                                       : peek_ready(round.snapshot, *this, book_[slot].id,
                                                    book_[slot].lanes.size(), peek);
            if (page)
                event = std::move(*page);
            else
                failed(page.error());
        }
        round.out.sends.push_back(
            {std::move(read.asker.peer), std::move(read.asker.envelope), std::move(event)});
    }
    turn_.look_at(nullptr);
}

// A page may be short, even empty, while `next` is not: what the viewer may not see is left out.
ListReply QueueMachine::Rest::list_reply(const NamesPage& page,
                                         const std::optional<std::string>& viewer) {
    ListReply reply;
    for (const auto& [name, id] : page.queues) {
        if (viewer && !may_see(*viewer, name))
            continue;
        const Slot slot = book_.find(id, turn_);
        wire::OptionTextWriter row;
        row.text("name", name);
        if (slot != no_slot) {
            const Queue& queue = book_[slot];
            row.count("ready", queue.ready)
                .count("delayed", queue.delayed)
                .count("leased", queue.leased)
                .count("bytes", queue.bytes)
                .count("consumers", queue.consumers);
        }
        reply.rows.emplace_back(row.view());
    }
    reply.next = page.next;
    return reply;
}

// ---- jobs --------------------------------------------------------------------------------------

void QueueMachine::Rest::await(const Said& said, JobNumber job) {
    if (said.envelope.wants_answer())
        job_askers_[job] = {std::string(said.peer.id), said.envelope};
}

bool QueueMachine::Rest::has_room_for_job(const Said& said) {
    if (!jobs_.has_room())
        refuse(said, ErrorCode::busy,
               "too many purges and redrives are under way; ask again later");
    return jobs_.has_room();
}

void QueueMachine::Rest::handle(const Said& said, const Purge& purge) {
    const Slot slot = queue_for(said, purge.queue, Creates::no);
    if (slot == no_slot || !has_room_for_job(said))
        return;
    const Queue& queue = book_[slot];
    note_change(said, "purge", purge.queue);
    await(said, jobs_.purge(queue.id, queue.lanes.size(), queue.next));
}

void QueueMachine::Rest::handle(const Said& said, const Kick& kick) {
    const Slot slot = queue_for(said, kick.queue, Creates::no);
    if (slot == no_slot || !has_room_for_job(said))
        return;
    const Queue& queue = book_[slot];
    note_change(said, "kick", kick.queue);
    await(said, jobs_.kick(queue.id, queue.lanes.size(), queue.next, kick.id));
}

void QueueMachine::Rest::handle(const Said& said, const Redrive& redrive) {
    const Slot slot = queue_for(said, redrive.queue, Creates::no);
    if (slot == no_slot || !has_room_for_job(said))
        return;
    const Queue& queue = book_[slot];
    note_change(said, "redrive", redrive.queue);
    await(said, jobs_.redrive(queue.id, queue.lanes.size(), queue.next, redrive.messages));
}

} // namespace flotilla::queue
