// SPDX-License-Identifier: Apache-2.0
//
// WorkerMachine, the half that faces handlers: what they made of a request.
#include <flotilla/base/check.hpp>
#include <flotilla/request/worker_machine.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::request {

WorkerMachine::Slot* WorkerMachine::slot_of(std::uint64_t number) {
    const std::uint32_t index = place(number);
    return index < slots_.size() && slots_[index].number == number ? &slots_[index] : nullptr;
}

void WorkerMachine::free(Slot& slot, Instant now) {
    free_.push_back(place(slot.number));
    slot.number = 0;
    slot.address = Blob{};
    if (slot.cancelled)
        --cancelled_;
    --held_;
    // Where a busy worker is not sent heartbeats the broker's silence begins now.
    if (dialect_ != Dialect::flotilla && held_ == 0)
        last_heard_ = std::max(last_heard_, now);
}

void WorkerMachine::finish(Slot& slot, Message reply, Instant now, WorkerOutputs& out) {
    reply.address = std::move(slot.address);
    free(slot, now);
    if (state_ == State::draining && dialect_ != Dialect::flotilla)
        kept_back_.push_back(std::move(reply));
    else
        send_reply(std::move(reply), now, out);
    go_if_idle(now, out);
}

void WorkerMachine::send_reply(Message reply, Instant now, WorkerOutputs& out) {
    counters_.answered_total += reply.verb == Verb::final ? 1 : 0;
    send(std::move(reply), now, out);
}

bool WorkerMachine::answer(std::uint64_t number, wire::Frames&& body, Instant now,
                           WorkerOutputs& out) {
    Slot* const slot = slot_of(number);
    if (!slot) {
        ++counters_.dropped_total;
        return false;
    }
    Message reply = message(slot->cancelled ? Verb::error : Verb::final);
    if (slot->cancelled) {
        // The broker must know that there is room again, but not what nobody wants to read.
        ++counters_.dropped_total;
        reply.code = ErrorCode::worker_failed;
        reply.text = "cancelled";
        finish(*slot, std::move(reply), now, out);
        return false;
    }
    reply.body = std::move(body);
    if (reply.body.empty())
        reply.body.add(ByteView{});
    finish(*slot, std::move(reply), now, out);
    return true;
}

bool WorkerMachine::fail(std::uint64_t number, ErrorCode code, std::string_view text, Instant now,
                         WorkerOutputs& out) {
    FLOTILLA_CHECK(code == ErrorCode::retry || code == ErrorCode::worker_failed,
                   "a worker fails with retry or worker_failed");
    Slot* const slot = slot_of(number);
    if (!slot) {
        ++counters_.dropped_total;
        return false;
    }
    ++(code == ErrorCode::retry ? counters_.retry_total : counters_.failed_total);
    if (dialect_ == Dialect::flotilla) {
        Message reply = message(Verb::error);
        reply.code = code;
        reply.text = std::string(text.substr(0, limits::text_bytes_max));
        finish(*slot, std::move(reply), now, out);
        return true;
    }
    // To this broker we seem busy for as long as the connection lasts.
    ++counters_.unsaid_total;
    free(*slot, now);
    if (state_ == State::ready) {
        state_ = State::draining;
        after_ = After::reconnect;
    }
    go_if_idle(now, out);
    return true;
}

bool WorkerMachine::partial(std::uint64_t number, wire::Frames&& body, Instant now,
                            WorkerOutputs& out) {
    Slot* const slot = slot_of(number);
    if (!slot || slot->cancelled)
        return false;
    FLOTILLA_CHECK(dialect_ != Dialect::mdp_01, "this dialect has no partial replies");
    ++counters_.partials_total;
    Message piece = message(Verb::partial);
    piece.address = slot->address.share();
    piece.part = slot->parts++;
    piece.body = std::move(body);
    if (piece.body.empty())
        piece.body.add(ByteView{});
    send(std::move(piece), now, out);
    return true;
}

} // namespace flotilla::request
