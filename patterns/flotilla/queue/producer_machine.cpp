// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/producer_machine.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {

namespace {

// Small puts under way in one lane; beyond them messages gather until a put is full.
constexpr std::size_t small_flights_max = 8;
constexpr std::size_t flights_max = 256;
// The lane lies in a correlation's upper bits.
constexpr unsigned lane_shift = 40;

Duration doubled(Duration first, std::uint32_t failures, Duration most) {
    return std::min(first * (std::int64_t{1} << std::min(failures, 20U)), most);
}

} // namespace

std::uint64_t lane_of(std::uint64_t correlation) noexcept {
    return correlation >> lane_shift;
}

ProducerMachine::ProducerMachine(ProducerLimits limits, std::size_t stores, std::uint64_t seed)
    : limits_(limits), stores_(stores), random_(seed), store_(stores - 1), strangers_(stores) {
    FLOTILLA_CHECK(stores > 0, "a producer needs a store");
}

ProducerLane ProducerMachine::add_lane() {
    lines_.emplace_back();
    return static_cast<ProducerLane>(lines_.size() - 1);
}

ProducerLane ProducerMachine::restore_lane(ProducerEpoch epoch, std::uint64_t settled,
                                           std::uint64_t appended, std::uint64_t bytes) {
    FLOTILLA_CHECK(settled <= appended && epoch.base <= settled, "an outbox counts backward");
    const ProducerLane lane = add_lane();
    Line& line = lines_[lane];
    line.epoch = std::move(epoch);
    line.settled = line.sent = settled;
    line.appended = appended;
    line.sent_ever = line.epoch.producer.empty() ? settled : appended;
    line.unsent_bytes = bytes;
    unsettled_ += appended - settled;
    return lane;
}

// ---- sending -----------------------------------------------------------------------------------

// Half a window: the store works on one half while the other is on its way.
std::uint64_t ProducerMachine::put_messages_max() const noexcept {
    return std::clamp<std::uint64_t>(limits_.window_messages / 2, 1, limits::packed_messages_max);
}

bool ProducerMachine::may_send(const Line& line, Leave leave, Instant now) const noexcept {
    const std::uint64_t waiting = line.appended - line.sent;
    if (waiting == 0 || state_ != State::ready)
        return false;
    const std::size_t flights = line.flights.size();
    // While the store has no room one put at a time asks whether there is some again.
    if (line.failures > 0 && (flights > 0 || line.retry_at > now))
        return false;
    if (window_used_ >= limits_.window_messages || window_bytes_used_ >= limits_.window_bytes ||
        flights >= flights_max)
        return false;
    const std::uint64_t room = limits_.window_messages - window_used_;
    const bool fills = waiting >= put_messages_max() || line.unsent_bytes >= limits_.put_bytes_max;
    // A put that the window cuts to little is worth waiting for.
    if (fills && flights > 1 && room * 2 < std::min(waiting, put_messages_max()))
        return false;
    return fills || flights == 0 || (leave == Leave::gathered && flights < small_flights_max);
}

// The first message from `number` on of whose acknowledgement is told.
std::deque<ProducerMachine::Awaited>::const_iterator
ProducerMachine::first_awaited(const Line& line, std::uint64_t number) {
    return std::lower_bound(
        line.told.begin(), line.told.end(), number,
        [](const Awaited& each, std::uint64_t first) { return each.number < first; });
}

std::optional<PutOrder> ProducerMachine::next(ProducerLane lane, Leave leave, Instant now,
                                              ProducerOutputs& out) {
    if (!may_send(lines_[lane], leave, now))
        return std::nullopt;
    if (lines_[lane].epoch.producer.empty() || lines_[lane].epoch.store != store_)
        begin_epoch(lane, out);
    const Line& line = lines_[lane];
    PutOrder order{lane, line.sent + 1, line.appended - line.sent, limits_.put_bytes_max};
    order.messages_max =
        std::min({order.messages_max, put_messages_max(), limits_.window_messages - window_used_});
    if (line.sent < line.doubtful) // a put is marked as a whole
        order.messages_max = std::min(order.messages_max, line.doubtful - line.sent);
    if (const auto told = first_awaited(line, order.first); told != line.told.end())
        order.messages_max =
            std::min(order.messages_max, std::max<std::uint64_t>(told->number - order.first, 1));
    return order;
}

std::optional<PutOrder> ProducerMachine::next(Instant now, ProducerOutputs& out) {
    for (std::size_t n = 0; n < lines_.size(); ++n) {
        turn_ = (turn_ + 1) % lines_.size();
        if (auto order = next(static_cast<ProducerLane>(turn_), Leave::gathered, now, out))
            return order;
    }
    return std::nullopt;
}

PutHead ProducerMachine::sent(const PutOrder& order, std::uint64_t messages, std::uint64_t bytes,
                              Instant now) {
    Line& line = lines_[order.lane];
    FLOTILLA_CHECK(messages > 0 && messages <= order.messages_max && order.first == line.sent + 1,
                   "a put is not what was ordered");
    const std::uint64_t correlation = std::uint64_t{order.lane} << lane_shift | ++puts_;
    PutHead head{
        correlation,
        {line.epoch.producer, order.first - line.epoch.base, order.first <= line.doubtful}};
    if (const auto told = first_awaited(line, order.first);
        told != line.told.end() && told->number == order.first && told->until > now) {
        head.tell_acked = true;
        head.acked_max = std::clamp<Duration>(time_left(now, told->until), 1ms, limits::watch_max);
    }
    line.flights.push_back({correlation, order.first, messages, bytes, now});
    line.sent += messages;
    line.unsent_bytes -= std::min(bytes, line.unsent_bytes);
    if (line.sent_ever >= order.first)
        resent_total_ += std::min(line.sent_ever, line.sent) - order.first + 1;
    if (head.from.maybe_duplicate)
        maybe_duplicate_total_ += messages;
    line.sent_ever = std::max(line.sent_ever, line.sent);
    window_used_ += messages;
    window_bytes_used_ += bytes;
    return head;
}

// ---- connections -------------------------------------------------------------------------------

void ProducerMachine::rewind(Line& line) {
    for (const Flight& flight : line.flights) {
        window_used_ -= flight.messages;
        window_bytes_used_ -= flight.bytes;
        line.unsent_bytes += flight.bytes;
    }
    line.flights.clear();
    line.sent = line.settled;
}

void ProducerMachine::rewind_all() {
    ++losses_;
    for (Line& line : lines_)
        rewind(line);
}

// Gives the connection up; the next try goes to the next store.
void ProducerMachine::leave(Instant now) {
    if (state_ == State::closed)
        return;
    rewind_all();
    state_ = State::closed;
    answer_by_ = never;
    const Duration pause = doubled(limits_.reconnect_min, connect_failures_, limits_.reconnect_max);
    ++connect_failures_;
    retry_at_ = deadline_after(now, random_.jitter(pause, 0.25));
}

void ProducerMachine::heard() {
    if (state_ == State::closed)
        return;
    state_ = State::ready;
    connect_failures_ = 0;
    answer_by_ = never;
    strangers_[store_].clear();
}

void ProducerMachine::wrong_peer(std::string_view text, Instant now) {
    if (state_ == State::closed)
        return;
    strangers_[store_] = text.empty() ? "no store is there" : text;
    leave(now);
}

bool ProducerMachine::has_only_strangers() const noexcept {
    return std::none_of(strangers_.begin(), strangers_.end(),
                        [](const std::string& each) { return each.empty(); });
}

void ProducerMachine::connection_made() {
    // Whatever was under way may have gone with the last connection.
    if (state_ != State::closed && std::exchange(has_connection_, true))
        rewind_all();
}

void ProducerMachine::connection_lost(Instant now) {
    if (has_connection_)
        leave(now);
}

void ProducerMachine::tick(Instant now, ProducerOutputs& out) {
    if (state_ == State::closed && retry_at_ <= now) {
        store_ = (store_ + 1) % stores_;
        out.connect = store_;
        out.ping = true;
        ++connects_total_;
        has_connection_ = false;
        state_ = State::greeting;
        answer_by_ = deadline_after(now, limits_.greet_max);
    } else if (state_ == State::greeting && answer_by_ <= now) {
        leave(now);
    } else if (state_ == State::ready) {
        for (const Line& line : lines_)
            if (!line.flights.empty() &&
                deadline_after(line.flights.front().sent_at, limits_.answer_max) <= now)
                return leave(now);
    }
}

Instant ProducerMachine::next_deadline() const noexcept {
    if (state_ == State::closed)
        return retry_at_;
    if (state_ == State::greeting)
        return answer_by_;
    Instant first = never;
    for (const Line& line : lines_) {
        if (!line.flights.empty())
            first =
                std::min(first, deadline_after(line.flights.front().sent_at, limits_.answer_max));
        else if (line.failures > 0 && line.appended > line.sent)
            first = std::min(first, line.retry_at);
    }
    return first;
}

// ---- answers -----------------------------------------------------------------------------------

void ProducerMachine::begin_epoch(ProducerLane lane, ProducerOutputs& out) {
    Line& line = lines_[lane];
    rewind(line);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string producer;
    for (const char byte : random_.bytes16()) {
        producer += digits[static_cast<unsigned char>(byte) >> 4];
        producer += digits[static_cast<unsigned char>(byte) & 15];
    }
    line.epoch = {std::move(producer), line.settled, store_};
    line.doubtful = std::max(line.sent_ever, line.settled);
    out.epochs.push_back(lane);
}

ProducerMachine::Flight ProducerMachine::take_front(Line& line) {
    const Flight flight = line.flights.front();
    line.flights.pop_front();
    window_used_ -= flight.messages;
    window_bytes_used_ -= flight.bytes;
    return flight;
}

void ProducerMachine::settle_run(ProducerLane lane, Settled run, ProducerOutputs& out) {
    if (run.count == 0)
        return;
    Line& line = lines_[lane];
    FLOTILLA_CHECK(run.first == line.settled + 1, "messages are settled out of order");
    line.settled += run.count;
    while (!line.told.empty() && line.told.front().number <= line.settled)
        line.told.pop_front();
    unsettled_ -= run.count;
    run.lane = lane;
    out.settled.push_back(std::move(run));
}

// The messages of `flight` up to number `up_to`, as the store tells them apart.
void ProducerMachine::settle(ProducerLane lane, const Flight& flight, const PutOutcome& outcome,
                             std::uint64_t up_to, ProducerOutputs& out) {
    using Outcome = Settled::Outcome;
    const PutExceptions& but = outcome.exceptions;
    const std::uint64_t end = std::min(up_to, flight.first + flight.messages - 1) + 1;
    std::uint64_t at = flight.first;
    const std::uint64_t known =
        outcome.duplicates - std::min<std::uint64_t>(outcome.duplicates, but.repeats.size());
    const std::uint64_t again = std::min(known, end - at);
    settle_run(lane, {lane, at, again, Outcome::stored, 0, {}, {}}, out);
    at += again;
    MessageId id = outcome.first_id;
    auto repeat = but.repeats.begin();
    auto refused = but.refused.begin();
    const auto number = [&](std::uint32_t index) { return flight.first + index; };
    while (at < end) {
        while (repeat != but.repeats.end() && number(repeat->index) < at)
            ++repeat;
        while (refused != but.refused.end() && number(refused->index) < at)
            ++refused;
        const std::uint64_t next_repeat = repeat != but.repeats.end() ? number(repeat->index) : end;
        const std::uint64_t next_refused =
            refused != but.refused.end() ? number(refused->index) : end;
        if (next_refused == at) {
            settle_run(lane, {lane, at++, 1, Outcome::refused, 0, refused->code, {}}, out);
        } else if (next_repeat == at) {
            settle_run(lane, {lane, at++, 1, Outcome::duplicate, repeat->id, {}, {}}, out);
        } else {
            const std::uint64_t run = std::min({next_repeat, next_refused, end}) - at;
            // Who is told of is alone in its put.
            const bool is_watched = outcome.told.value_or(1) > 0;
            settle_run(lane, {lane, at, run, Outcome::stored, id, {}, {}, is_watched}, out);
            at += run;
            id = id == 0 ? 0 : id + run;
        }
    }
}

void ProducerMachine::handle_ok(ProducerLane lane, const PutOutcome& outcome, Instant now,
                                ProducerOutputs& out) {
    Line& line = lines_[lane];
    const Flight flight = take_front(line);
    settle(lane, flight, outcome, flight.first + flight.messages - 1, out);
    if (line.failures > 0) {
        line.failures = 0;
        line.retry_at = now;
        trouble_.clear();
    }
}

void ProducerMachine::back_off(Line& line, std::string why, Instant now) {
    rewind(line);
    const Duration pause = doubled(limits_.full_min, line.failures, limits_.full_max);
    ++line.failures;
    line.retry_at = deadline_after(now, random_.jitter(pause, 0.25));
    trouble_ = std::move(why);
}

void ProducerMachine::handle_refused(ProducerLane lane, const PutRefused& refused, Instant now,
                                     ProducerOutputs& out) {
    using Code = leased::ErrorCode;
    Line& line = lines_[lane];
    const std::uint64_t up_to = line.epoch.base + refused.sequence;
    if (up_to > line.sent) // more than was ever sent: another producer with our id
        return begin_epoch(lane, out);
    if (!is_passing(refused.code))
        return refuse_front(lane, refused, up_to, out);
    const std::uint64_t first = line.flights.front().first;
    if (refused.code == Code::unknown_producer || up_to + 1 < first)
        return begin_epoch(lane, out);
    const bool moved = up_to >= first;
    if (moved) {
        const Flight flight = take_front(line);
        line.unsent_bytes += flight.bytes; // about: what is settled of it is in it too
        settle(lane, flight, refused, up_to, out);
    }
    if (refused.code == Code::draining)
        return leave(now);
    if (refused.code == Code::out_of_order && moved)
        return rewind(line);
    if (refused.code == Code::full)
        ++full_total_;
    back_off(line, std::string(leased::name(refused.code)) + ": " + refused.text, now);
}

// The whole put was refused for good. Only when its numbers are used up, they go on.
void ProducerMachine::refuse_front(ProducerLane lane, const PutRefused& refused,
                                   std::uint64_t up_to, ProducerOutputs& out) {
    const Flight flight = take_front(lines_[lane]);
    settle_run(lane,
               {lane, flight.first, flight.messages, Settled::Outcome::refused, 0, refused.code,
                refused.text},
               out);
    if (up_to < flight.first + flight.messages - 1)
        begin_epoch(lane, out);
}

// Refused as a whole. Whether its numbers are used up was not said, so they start over.
void ProducerMachine::handle_error(ProducerLane lane, const leased::ErrorReply& error, Instant now,
                                   ProducerOutputs& out) {
    Line& line = lines_[lane];
    if (error.code == leased::ErrorCode::draining)
        return leave(now);
    if (is_passing(error.code))
        return back_off(line, std::string(leased::name(error.code)) + ": " + error.text, now);
    refuse_front(lane, {{}, error.code, error.text}, 0, out);
}

void ProducerMachine::receive(std::uint64_t correlation, const Event& answer, Instant now,
                              ProducerOutputs& out) {
    if (state_ != State::ready)
        return;
    const std::uint64_t lane = lane_of(correlation);
    if (lane >= lines_.size() || lines_[lane].flights.empty() ||
        lines_[lane].flights.front().correlation != correlation)
        return; // of something that was given up since
    const ProducerLane of = static_cast<ProducerLane>(lane);
    if (const auto* ok = std::get_if<PutOk>(&answer))
        return handle_ok(of, *ok, now, out);
    if (const auto* refused = std::get_if<PutRefused>(&answer))
        return handle_refused(of, *refused, now, out);
    if (const auto* plain = std::get_if<leased::Event>(&answer))
        if (const auto* error = std::get_if<leased::ErrorReply>(plain))
            return handle_error(of, *error, now, out);
}

void ProducerMachine::check() const {
    std::uint64_t unsettled = 0;
    std::uint64_t under_way = 0;
    for (const Line& line : lines_) {
        FLOTILLA_CHECK(line.settled <= line.sent && line.sent <= line.appended &&
                           line.sent <= line.sent_ever && line.epoch.base <= line.settled,
                       "a lane's numbers are out of order");
        std::uint64_t next = line.settled + 1;
        for (const Flight& flight : line.flights) {
            FLOTILLA_CHECK(flight.first == next, "there is a gap in what is under way");
            next += flight.messages;
            under_way += flight.messages;
        }
        FLOTILLA_CHECK(next == line.sent + 1, "what is under way is not what was sent");
        unsettled += line.appended - line.settled;
    }
    FLOTILLA_CHECK(unsettled == unsettled_ && under_way == window_used_ &&
                       window_used_ <= limits_.window_messages,
                   "the window does not add up");
}

} // namespace flotilla::queue
