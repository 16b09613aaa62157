// SPDX-License-Identifier: Apache-2.0
#include <flotilla/compose/titanic_desk.hpp>

#include <algorithm>

namespace flotilla::compose {

namespace {

constexpr std::size_t id_bytes = 32;
constexpr std::size_t request_frames_min = 2; // id, service
constexpr std::size_t reply_frames_min = 1;

wire::Frames rest_of(const wire::Frames& frames, std::size_t from) {
    wire::Frames rest;
    for (std::size_t i = from; i < frames.size(); ++i)
        rest.add(frames[i].share());
    return rest;
}

} // namespace

bool is_titanic_id(std::string_view text) noexcept {
    return text.size() == id_bytes && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string TitanicDesk::new_id() {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string id;
    for (const char byte : random_.bytes16()) {
        id += digits[static_cast<unsigned char>(byte) >> 4];
        id += digits[static_cast<unsigned char>(byte) & 15];
    }
    return id;
}

const TitanicDesk::Entry* TitanicDesk::find(std::string_view id) const {
    const auto found = calls_.find(std::string(id));
    return found == calls_.end() ? nullptr : &found->second;
}

void TitanicDesk::wait_until(Entry& entry, const std::string& id, Instant when) {
    if (entry.due != never) {
        const auto [begin, end] = due_.equal_range(entry.due);
        for (auto at = begin; at != end; ++at)
            if (at->second == id) {
                due_.erase(at);
                break;
            }
    }
    entry.due = when;
    if (when != never)
        due_.emplace(when, id);
}

void TitanicDesk::finish_request(Entry& entry, const std::string& id) {
    wait_until(entry, id, never);
    if (entry.request)
        done_requests_.push_back(std::move(*entry.request));
    entry.request.reset();
}

void TitanicDesk::asked(const std::string& id) {
    calls_[id].is_request_coming = true;
}

void TitanicDesk::given_up(const std::string& id) {
    close(id);
}

void TitanicDesk::not_asked(const std::string& id) {
    const auto found = calls_.find(id);
    if (found == calls_.end())
        return;
    found->second.is_request_coming = false;
    close(found);
}

bool TitanicDesk::add_request(queue::Message message, Instant now) {
    if (message.body.size() < request_frames_min || !is_titanic_id(message.body[0].view()))
        return false;
    const std::string id(message.body[0].view());
    Entry& entry = calls_[id];
    entry.is_request_coming = false;
    // Delivered again, it has another lease; the old one is not to be acknowledged.
    entry.request = std::move(message);
    if (entry.is_closed)
        close(id);
    else if (entry.reply || entry.is_reply_coming)
        finish_request(entry, id);
    else if (!entry.is_running && entry.due == never)
        wait_until(entry, id, now);
    return true;
}

bool TitanicDesk::add_reply(queue::Message message) {
    if (message.body.size() < reply_frames_min || !is_titanic_id(message.body[0].view()))
        return false;
    const std::string id(message.body[0].view());
    Entry& entry = calls_[id];
    if (entry.reply && entry.reply->id != message.id)
        return false; // the second answer to one call
    entry.is_reply_coming = false;
    entry.was_reply_here = true;
    kept_ += entry.reply ? 0 : 1;
    entry.reply = std::move(message);
    finish_request(entry, id);
    if (entry.is_closed)
        close(id);
    return true;
}

std::optional<TitanicDesk::Call> TitanicDesk::next(Instant now) {
    if (due_.empty() || due_.begin()->first > now)
        return std::nullopt;
    const std::string id = due_.begin()->second;
    Entry& entry = calls_[id];
    wait_until(entry, id, never);
    entry.is_running = true;
    const wire::Frames& body = entry.request->body;
    return Call{id, std::string(body[1].view()), rest_of(body, request_frames_min), entry.failures};
}

void TitanicDesk::tried(const std::string& id, Tried how, Instant now) {
    const auto found = calls_.find(id);
    if (found == calls_.end())
        return;
    Entry& entry = found->second;
    entry.is_running = false;
    if (how == Tried::answered) {
        entry.is_reply_coming = !entry.was_reply_here;
        finish_request(entry, id);
        if (entry.is_closed)
            close(found);
        return;
    }
    if (entry.is_closed || how == Tried::dropped)
        return close(id);
    const Duration pause =
        std::min(retry_.first * (std::int64_t{1} << std::min(entry.failures, 20U)), retry_.most);
    ++entry.failures;
    if (entry.request && !entry.reply)
        wait_until(entry, id, deadline_after(now, random_.jitter(pause, 0.25)));
}

TitanicDesk::State TitanicDesk::state(std::string_view id) const {
    const Entry* entry = find(id);
    if (!entry || entry->is_closed)
        return State::unknown;
    return entry->reply ? State::done : State::pending;
}

wire::Frames TitanicDesk::reply(std::string_view id) const {
    const Entry* entry = find(id);
    return entry && entry->reply ? rest_of(entry->reply->body, reply_frames_min) : wire::Frames{};
}

bool TitanicDesk::is_wanted(std::string_view id) const {
    const Entry* entry = find(id);
    return entry && !entry->is_closed;
}

void TitanicDesk::close(std::string_view id) {
    if (const auto found = calls_.find(std::string(id)); found != calls_.end())
        close(found);
}

void TitanicDesk::close(Calls::iterator call) {
    Entry& entry = call->second;
    entry.is_closed = true;
    finish_request(entry, call->first);
    if (entry.reply) {
        done_replies_.push_back(std::move(*entry.reply));
        entry.reply.reset();
        --kept_;
    }
    if (!entry.is_running && !entry.is_request_coming && !entry.is_reply_coming)
        calls_.erase(call);
}

} // namespace flotilla::compose
