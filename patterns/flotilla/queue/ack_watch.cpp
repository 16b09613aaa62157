// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/ack_watch.hpp>

namespace flotilla::queue {

void AckWatch::add(std::uint64_t ticket, Instant until) {
    entries_.emplace(ticket, Entry{deadlines_.emplace(until, ticket), {}});
}

void AckWatch::end(std::uint64_t ticket, Outcome outcome, Error error) {
    const auto found = entries_.find(ticket);
    if (found == entries_.end())
        return;
    deadlines_.erase(found->second.deadline);
    if (found->second.place)
        places_.erase(*found->second.place);
    entries_.erase(found);
    over_.push_back({ticket, outcome, std::move(error)});
}

void AckWatch::confirmed(const Confirm& confirm, std::uint32_t lane, Store store) {
    const auto found = entries_.find(confirm.ticket);
    if (found == entries_.end())
        return;
    switch (confirm.outcome) {
    case Confirm::Outcome::refused:
        return end(confirm.ticket, Outcome::refused, confirm.error);
    case Confirm::Outcome::duplicate:
        return end(confirm.ticket, Outcome::unknown,
                   {Errc::exists, "it had been put before, and this one is not in the queue"});
    case Confirm::Outcome::stored:
        break;
    }
    const Place place{lane, confirm.id};
    if (confirm.id == 0)
        return end(confirm.ticket, Outcome::unknown,
                   {Errc::peer_gone, "an earlier try was stored, whose answer was lost"});
    if (store == Store::is_full)
        return end(confirm.ticket, Outcome::unknown,
                   {Errc::too_many, "it is stored, but the store watches too many others to tell "
                                    "what becomes of it"});
    found->second.place = place;
    places_[place] = confirm.ticket;
}

void AckWatch::told(std::uint32_t lane, MessageId id, Acked acked) {
    const auto found = places_.find({lane, id});
    if (found == places_.end())
        return;
    if (acked == Acked::yes)
        end(found->second, Outcome::acknowledged, {});
    else if (acked == Acked::no)
        end(found->second, Outcome::dead,
            {Errc::refused, "it expired, was dropped, or is a dead letter"});
    else if (acked == Acked::unknown)
        end(found->second, Outcome::unknown,
            {Errc::timeout, "the store watches none for longer; somebody may acknowledge it yet"});
}

void AckWatch::lose(const Error& why) {
    while (!places_.empty())
        end(places_.begin()->second, Outcome::unknown, why);
}

void AckWatch::lose_all(const Error& why) {
    while (!entries_.empty())
        end(entries_.begin()->first, Outcome::unknown, why);
}

void AckWatch::tick(Instant now) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now)
        end(deadlines_.begin()->second, Outcome::unknown,
            {Errc::timeout, "nobody acknowledged it in time; somebody may yet"});
}

} // namespace flotilla::queue
