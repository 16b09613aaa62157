// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/request/freelance_machine.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::request {

namespace {

constexpr std::size_t control_bytes = 8;

// How often a server that nothing connects to is tried: connections are made by the transport, this
// is only to notice.
constexpr Duration retry_unreachable = 100ms;

constexpr std::uint64_t bit(std::size_t server) {
    return std::uint64_t{1} << server;
}

} // namespace

std::string FreelanceMachine::control(std::uint64_t call) {
    std::string bytes(control_bytes, '\0');
    for (std::size_t i = 0; i < control_bytes; ++i)
        bytes[i] = static_cast<char>(call >> (8 * (control_bytes - 1 - i)) & 0xFF);
    return bytes;
}

std::optional<std::uint64_t> FreelanceMachine::call_of(std::string_view control) noexcept {
    if (control.size() != control_bytes)
        return std::nullopt;
    std::uint64_t call = 0;
    for (const char byte : control)
        call = call << 8 | static_cast<unsigned char>(byte);
    return call;
}

// ---- servers -----------------------------------------------------------------------------------

std::optional<std::size_t> FreelanceMachine::find(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < servers_.size(); ++i)
        if (!name.empty() && servers_[i].name == name)
            return i;
    return std::nullopt;
}

Result<std::size_t> FreelanceMachine::add_server(std::string name, Instant now) {
    FLOTILLA_CHECK(!name.empty(), "a server has a name");
    if (find(name))
        return fail(Errc::exists, "'" + name + "' is one of the servers already");
    const auto place = std::find_if(servers_.begin(), servers_.end(),
                                    [](const Server& each) { return each.name.empty(); });
    const auto server = static_cast<std::size_t>(place - servers_.begin());
    if (server == servers_max)
        return fail(Errc::too_many, "a freelance client has at most 64 servers");
    if (place == servers_.end())
        servers_.emplace_back();
    servers_[server] = {std::move(name), false, now, never};
    return server;
}

Result<std::size_t> FreelanceMachine::remove_server(std::string_view name, Instant now,
                                                    FreelanceOutputs& out) {
    const auto server = find(name);
    if (!server)
        return fail(Errc::not_found, "'" + std::string(name) + "' is none of the servers");
    servers_[*server].name.clear();
    down(*server, now, out);
    return *server;
}

std::size_t FreelanceMachine::servers_up() const noexcept {
    return static_cast<std::size_t>(std::count_if(servers_.begin(), servers_.end(),
                                                  [](const Server& each) { return each.up; }));
}

// The one that is asked, if it is up, else the next that is.
std::optional<std::size_t> FreelanceMachine::favourite() {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        const std::size_t server = (favourite_ + i) % servers_.size();
        if (!servers_[server].up)
            continue;
        if (i > 0)
            ++counters_.failovers_total;
        favourite_ = server;
        return server;
    }
    return std::nullopt;
}

void FreelanceMachine::heard(std::size_t server, Instant now, FreelanceOutputs& out) {
    Server& from = servers_[server];
    from.silent_at = deadline_after(now, limits_.ping * limits_.liveness);
    if (std::exchange(from.up, true))
        return;
    // Those who wait for somebody to ask.
    for (auto& [number, call] : calls_) {
        if (call.asked == 0)
            give_out(number, call, now, out);
        else if (limits_.mode == FreelanceMode::first_answer && (call.asked & bit(server)) == 0)
            ask(number, call, server, out);
    }
}

void FreelanceMachine::down(std::size_t server, Instant now, FreelanceOutputs& out) {
    Server& gone = servers_[server];
    gone.silent_at = never;
    if (!std::exchange(gone.up, false))
        return;
    ++counters_.down_total;
    for (auto& [number, call] : calls_) {
        if ((call.asked & bit(server)) == 0)
            continue;
        call.asked &= ~bit(server);
        if (call.asked == 0)
            give_out(number, call, now, out);
    }
}

void FreelanceMachine::unreachable(std::size_t server, Instant now, FreelanceOutputs& out) {
    if (servers_[server].name.empty())
        return;
    servers_[server].ping_at = deadline_after(now, std::min(limits_.ping, retry_unreachable));
    down(server, now, out);
}

void FreelanceMachine::connection_lost(std::string_view server, Instant now,
                                       FreelanceOutputs& out) {
    if (const auto found = find(server))
        unreachable(*found, now, out);
    else
        look_around(now, out);
}

void FreelanceMachine::look_around(Instant now, FreelanceOutputs& out) {
    for (Server& each : servers_)
        each.ping_at = now;
    tick(now, out);
}

// ---- calls -------------------------------------------------------------------------------------

Result<std::uint64_t> FreelanceMachine::call(wire::Frames& body, Duration deadline, Instant now,
                                             FreelanceOutputs& out) {
    FLOTILLA_CHECK(!body.empty(), "a request has a frame at least");
    const std::uint64_t bytes = body.held_bytes();
    if (calls_.size() >= limits_.calls_max)
        return fail(Errc::too_many, "calls_max calls are under way");
    if (bytes_ + bytes > limits_.calls_bytes_max)
        return fail(Errc::too_large, "the bodies of what is under way fill calls_bytes_max");
    const std::uint64_t number = ++serial_;
    Call& call = calls_[number];
    call.body = std::move(body);
    body.clear();
    call.bytes = bytes;
    call.deadline = deadline_after(now, deadline);
    bytes_ += bytes;
    calls_due_ = std::min(calls_due_, call.deadline);
    ++counters_.calls_total;
    give_out(number, call, now, out);
    return number;
}

FreelanceMachine::Calls::iterator FreelanceMachine::finish(Calls::iterator at) {
    bytes_ -= at->second.bytes;
    return calls_.erase(at);
}

Status FreelanceMachine::cancel(std::uint64_t call) {
    const auto found = calls_.find(call);
    if (found == calls_.end())
        return fail(Errc::not_found, "the call is finished");
    ++counters_.cancelled_total;
    finish(found);
    return {};
}

void FreelanceMachine::ask(std::uint64_t number, Call& call, std::size_t server,
                           FreelanceOutputs& out) {
    call.asked |= bit(server);
    ++counters_.asked_total;
    out.sends.push_back({server, number, call.body.share()});
}

void FreelanceMachine::give_out(std::uint64_t number, Call& call, Instant now,
                                FreelanceOutputs& out) {
    call.asked = 0;
    call.again_at = never;
    if (call.attempts >= limits_.attempts_max)
        return;
    if (limits_.mode == FreelanceMode::sticky) {
        if (const auto server = favourite())
            ask(number, call, *server, out);
    } else {
        for (std::size_t i = 0; i < servers_.size(); ++i)
            if (servers_[i].up)
                ask(number, call, i, out);
    }
    if (call.asked == 0)
        return;
    if (++call.attempts > 1)
        ++counters_.retries_total;
    call.again_at = deadline_after(now, limits_.attempt_max);
    calls_due_ = std::min(calls_due_, call.again_at);
}

void FreelanceMachine::receive(std::string_view server, wire::Frames&& frames, Instant now,
                               FreelanceOutputs& out) {
    const auto from = find(server);
    if (!from) {
        ++counters_.unexpected_total;
        return;
    }
    if (frames.size() == 1 && frames[0] == ByteView{"PONG"})
        return heard(*from, now, out);
    const auto number = frames.size() > 1 ? call_of(frames[0]) : std::nullopt;
    if (!number || *number > serial_) {
        ++counters_.malformed_total;
        return;
    }
    if (const auto found = calls_.find(*number); found != calls_.end()) {
        FreelanceReply reply;
        for (std::size_t i = 1; i < frames.size(); ++i)
            reply.body.add(std::move(frames[i]));
        reply.server = servers_[*from].name;
        reply.attempts = found->second.attempts;
        ++counters_.answered_total;
        finish(found);
        out.finished.push_back({*number, std::move(reply)});
    } else {
        ++counters_.duplicates_total;
    }
    heard(*from, now, out);
}

// ---- time --------------------------------------------------------------------------------------

void FreelanceMachine::look_at_calls(Instant now, FreelanceOutputs& out) {
    calls_due_ = never;
    // Once for all calls that the favourite left unanswered.
    bool left = false;
    for (auto at = calls_.begin(); at != calls_.end();) {
        auto& [number, call] = *at;
        if (call.deadline <= now) {
            ++counters_.timeout_total;
            out.finished.push_back(
                {number, fail(Errc::timeout, call.attempts == 0 ? "no server could be reached"
                                                                : "no server answered in time")});
            at = finish(at);
            continue;
        }
        if (call.again_at <= now) {
            const bool asked_favourite =
                favourite_ < servers_.size() && (call.asked & bit(favourite_)) != 0;
            if (limits_.mode == FreelanceMode::sticky && asked_favourite &&
                !std::exchange(left, true) && servers_up() > 1) {
                favourite_ = (favourite_ + 1) % servers_.size();
                ++counters_.failovers_total;
            }
            give_out(number, call, now, out);
        }
        calls_due_ = std::min({calls_due_, call.deadline, call.again_at});
        ++at;
    }
}

void FreelanceMachine::tick(Instant now, FreelanceOutputs& out) {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        Server& each = servers_[i];
        if (each.name.empty())
            continue;
        if (each.silent_at <= now)
            down(i, now, out);
        if (each.ping_at > now)
            continue;
        each.ping_at = deadline_after(now, limits_.ping);
        out.sends.push_back({i, std::nullopt, {}});
    }
    if (calls_due_ <= now)
        look_at_calls(now, out);
}

Instant FreelanceMachine::next_deadline() const noexcept {
    Instant next = calls_due_;
    for (const Server& each : servers_)
        if (!each.name.empty())
            next = std::min({next, each.ping_at, each.silent_at});
    return next;
}

} // namespace flotilla::request
