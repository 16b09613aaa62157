// SPDX-License-Identifier: Apache-2.0
#include "oracle.hpp"

#include <algorithm>

namespace flotilla::sim {

using queue::leased::Redelivered;

void Oracle::plan(std::vector<Planned> messages) {
    for (Planned& message : messages) {
        const std::pair place{message.producer, message.number};
        by_body_.emplace(message.body, place);
        tracks_[place].planned = std::move(message);
    }
}

Oracle::Track* Oracle::find(const std::string& body) {
    const auto found = by_body_.find(body);
    return found == by_body_.end() ? nullptr : &tracks_.at(found->second);
}

void Oracle::broken(std::string what) {
    if (breaches_.size() < 20)
        breaches_.push_back(std::move(what));
}

// ---- puts --------------------------------------------------------------------------------------

void Oracle::put_arrives(const SentPut& put, WallTime wall) {
    told(wall);
    for (std::uint64_t number = put.first; number < put.first + put.count; ++number) {
        Track& track = tracks_.at({put.producer, number});
        if (!track.has_arrived || wall < track.first_arrival)
            track.first_arrival = wall; // of the clock, which may have been set back meanwhile
        if (!track.is_given)
            track.last_arrival = latest_wall_;
        track.has_arrived = true;
    }
}

// Which of the put's messages have which ids, as the answer says.
void Oracle::note_ids(const SentPut& put, const queue::PutOutcome& outcome) {
    const auto& refused = outcome.exceptions.refused;
    const auto& repeats = outcome.exceptions.repeats;
    if (outcome.accepted == 0)
        return;
    std::uint64_t index = outcome.duplicates - repeats.size();
    std::uint64_t id = outcome.first_id;
    for (; id < outcome.first_id + outcome.accepted && index < put.count; ++index) {
        const auto is_here = [&](const auto& exception) { return exception.index == index; };
        if (std::any_of(refused.begin(), refused.end(), is_here) ||
            std::any_of(repeats.begin(), repeats.end(), is_here))
            continue;
        const Track& track = tracks_.at({put.producer, put.first + index});
        if (const auto known = body_of_.emplace(id, track.planned.body);
            known.first->second != track.planned.body && promise_.is_durable &&
            !promise_.is_deleted)
            broken(track.planned.body + " has the id of " + known.first->second);
        ++id;
    }
    if (id != outcome.first_id + outcome.accepted)
        broken("an answer counts more messages than its put has");
}

void Oracle::put_answered(const SentPut& put, const queue::PutOutcome& outcome) {
    note_ids(put, outcome);
    const std::uint64_t settled = put.base + outcome.sequence;
    for (auto at = tracks_.lower_bound({put.producer, put.after + 1});
         at != tracks_.end() && at->first.first == put.producer && at->first.second <= settled;
         ++at) {
        Track& track = at->second;
        if (!track.has_arrived && put.after == put.base)
            broken(track.planned.body + " is settled and was never put");
        if (track.is_confirmed || track.planned.is_too_large || track.planned.is_repeat)
            continue;
        track.is_confirmed = true;
        track.confirmed_at = latest_wall_;
        ++confirmed_;
    }
}

// ---- deliveries --------------------------------------------------------------------------------

void Oracle::delivered(const Seen& seen, WallTime wall) {
    told(wall);
    ++deliveries_;
    Track* track = find(seen.body);
    if (!track)
        return broken("a message that nobody put: '" + seen.body + "'");
    const Planned& planned = track->planned;
    const std::string who = planned.body + " (id " + std::to_string(seen.id) + ", attempt " +
                            std::to_string(seen.attempt) + ")";
    if (!track->has_arrived)
        broken(who + " was never put");
    if (planned.is_too_large)
        broken(who + " was refused for good and is given out");
    if (planned.is_repeat)
        broken(who + " has a known message_id and is given out");
    if (track->is_ack_confirmed && promise_.is_durable && !promise_.may_double())
        broken(who + " is given out again after its acknowledgement was confirmed");
    const bool is_again = !given_out_.emplace(std::string(seen.queue), seen.id, seen.body).second;
    repeats_ += is_again ? 1 : 0;
    maybes_ += seen.redelivered == Redelivered::maybe ? 1 : 0;
    if (is_again && seen.redelivered == Redelivered::no)
        broken(who + " is given out again in silence");
    if (is_again && promise_.is_at_most_once)
        broken(who + " is given out twice by a queue that does so once at most");
    if (seen.attempt > promise_.attempts_max + stops_ && seen.queue == "work")
        broken(who + " is given out more often than attempts_max");
    if (seen.queue == "dead") {
        dead_ += track->is_dead_letter ? 0 : 1;
        track->is_dead_letter = true;
        return;
    }
    track->ids.insert(seen.id);
    if (track->ids.size() > 1 && !was_redriven_ && promise_.is_durable && !promise_.may_double())
        broken(who + " is in the queue twice");
    if (latest_wall_ < track->first_arrival + planned.delay)
        broken(who + " is given out before it is due");
    if (planned.ttl > 0ms && wall >= track->last_arrival + planned.ttl && !was_redriven_)
        broken(who + " is given out after it expired");
    if (!track->is_given && track->is_confirmed)
        worst_lateness_ =
            std::max(worst_lateness_, latest_wall_ - std::max(track->confirmed_at + planned.delay,
                                                              everybody_is_there_));
    body_of_[seen.id] = seen.body;
    if (promise_.order == Order::strict && !was_redriven_)
        check_strict(*track, seen.id);
    if (promise_.order == Order::key && !planned.key.empty() && !was_redriven_)
        check_key(*track);
    track->is_given = true;
    track->may_be_dead |= seen.attempt >= promise_.attempts_max;
}

void Oracle::check_strict(const Track& track, std::uint64_t id) {
    for (auto at = body_of_.upper_bound(last_id_); at != body_of_.end() && at->first < id; ++at)
        if (!find(at->second)->may_be_finished())
            broken(track.planned.body + " is given out before " + at->second);
    last_id_ = id;
}

void Oracle::check_key(const Track& track) {
    for (std::uint64_t before = 1; before < track.planned.number; ++before) {
        const Track& other = tracks_.at({track.planned.producer, before});
        if (other.planned.key == track.planned.key && !other.may_be_finished())
            broken(track.planned.body + " is given out before " + other.planned.body);
    }
}

void Oracle::ack_arrives(const std::string& body) {
    if (Track* track = find(body))
        track->is_ack_sent = true;
}

void Oracle::ack_confirmed(const std::string& body) {
    if (Track* track = find(body))
        track->is_ack_confirmed = true;
}

void Oracle::deleted() {
    for (auto& [place, track] : tracks_)
        track.may_be_deleted |= track.has_arrived;
    forgot(); // what is given out from now on may be of another queue
}

void Oracle::put_acked(const SentPut& put) {
    for (std::uint64_t number = put.first; number < put.first + put.count; ++number)
        if (const Track& track = tracks_.at({put.producer, number}); !track.may_be_finished())
            broken(track.planned.body + " is said to be acknowledged and is not");
}

void Oracle::finish(std::uint64_t dropped) {
    std::uint64_t missing = 0;
    std::string first;
    for (const auto& [place, track] : tracks_) {
        if (!track.is_confirmed || track.is_ack_sent || track.is_dead_letter ||
            track.may_be_deleted)
            continue;
        if (track.may_be_dead && !promise_.has_dead_letters) {
            ++dead_; // dropped, as the queue says
        } else if (track.planned.ttl > 0ms) {
            ++expired_;
        } else if (promise_.is_durable && !promise_.is_at_most_once) {
            first = missing++ == 0 ? track.planned.body : first;
        }
    }
    if (missing > (promise_.is_kept ? 0 : dropped))
        broken(first + " was confirmed and is lost, as are " + std::to_string(missing - 1) +
               " others; dropped: " + std::to_string(dropped));
}

} // namespace flotilla::sim
