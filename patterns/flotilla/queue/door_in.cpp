// SPDX-License-Identifier: Apache-2.0
#include "door_in.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace flotilla::queue {
namespace {

constexpr std::size_t gather_messages_max = 4096;
constexpr std::size_t gather_bytes_max = std::size_t{1} << 20; // larger messages go alone
constexpr Duration pause_min = 5ms;                            // after a refusal; doubles, up to
constexpr Duration pause_max = 500ms;

} // namespace

DoorIn::DoorIn(Opened opened) : OpenDoor(std::move(opened)), producer_(next_producer()) {
    if (plan_.door.kind == Door::Kind::sub && plan_.door.metadata)
        feed_.emplace(plan_.door.topics);
}

// Fresh at every start of the server, and whenever the engine has forgotten the last.
std::string DoorIn::next_producer() {
    static constexpr char digits[] = "0123456789abcdef";
    std::string seed;
    for (int shift = 60; shift >= 0; shift -= 4)
        seed += digits[plan_.seed >> shift & 15];
    return "door-" + std::to_string(plan_.number) + "-" + seed + "-" + std::to_string(++starts_);
}

// ---- input -------------------------------------------------------------------------------------

// The next message; nothing when there is none.
std::optional<wire::Frames> DoorIn::receive() {
    if (next_)
        return std::exchange(next_, std::nullopt);
    while (batch_.left() == 0) {
        auto message = is_draining_ ? std::nullopt : receive_from_socket();
        const bool is_batch = message && plan_.door.unpack && message->size() == 1 &&
                              wire::has_batch_magic((*message)[0].view());
        if (!is_batch)
            return message;
        if (!open_batch(std::move(*message)))
            ++refused_total_;
    }
    wire::Frames one;
    one.add(batch_.next());
    if (batch_.left() == 0)
        batch_frame_.clear(); // a pusher in this process waits for its memory
    return one;
}

bool DoorIn::open_batch(wire::Frames&& message) {
    batch_frame_ = std::move(message);
    const ByteView frame = batch_frame_[0].view();
    const std::uint64_t bytes_max = wire::says_one_message(frame)
                                        ? plan_.message_bytes_max + wire::batch_item_overhead_bytes
                                        : wire::batch_region_bytes_max;
    auto opened = wire::BatchReader::open(frame, expander_, bytes_max);
    if (opened)
        batch_ = *opened;
    return opened.has_value();
}

// As it came.
std::optional<wire::Frames> DoorIn::receive_from_socket() {
    for (;;) {
        auto message = socket_.receive(Duration::zero());
        if (!message) {
            const Errc code = message.error().code;
            if (code != Errc::too_large && code != Errc::too_many)
                return std::nullopt;
            ++refused_total_;
            continue;
        }
        if (!feed_ || feed_->take(*message))
            return std::move(*message);
    }
}

// As many as one put carries; a large message is put alone.
void DoorIn::gather() {
    writer_.clear();
    std::size_t bytes = 0;
    while (records_ < gather_messages_max && bytes < gather_bytes_max) {
        auto message = receive();
        if (!message)
            break;
        const bool is_large = message->bytes() > gather_bytes_max;
        if (is_large && records_ > 0) {
            next_ = std::move(message);
            break;
        }
        ++records_;
        if (is_large) {
            large_ = std::move(*message);
            return;
        }
        bytes += message->bytes();
        writer_.begin({}, message->size());
        for (std::size_t i = 0; i < message->size(); ++i)
            writer_.add_frame((*message)[i].view());
    }
    if (records_ > 0)
        packed_ = Blob::copy(writer_.finish(plain_));
}

void DoorIn::speak(QueueEngine& engine, Times times) {
    if (!reads())
        (void)socket_.readable(); // asked in every turn, or its descriptor never falls silent
    if (is_said_ || (records_ > 0 && times.now < again_))
        return;
    if (records_ == 0)
        gather();
    if (records_ == 0)
        return;
    ProducerSequence from{producer_, sequence_, maybe_duplicate_};
    is_said_ = true;
    if (large_.empty())
        return say(engine, "put", PutPacked{plan_.door.queue, std::move(from), packed_.share()},
                   times);
    Put put;
    put.queue = plan_.door.queue;
    put.from = std::move(from);
    put.body = large_.share();
    say(engine, "put", std::move(put), times);
}

// ---- answers -----------------------------------------------------------------------------------

// Nothing is in hand any more; numbers up to `sequence` are used up.
void DoorIn::settle(std::uint64_t sequence) {
    sequence_ = std::max(sequence_, sequence + 1);
    records_ = 0;
    packed_ = Blob{};
    large_.clear();
    maybe_duplicate_ = false;
    pause_ = Duration::zero();
    again_ = Instant{};
}

void DoorIn::hear(leased::Envelope&&, Event&& event, Times times) {
    is_said_ = false;
    if (const auto* ok = std::get_if<PutOk>(&event)) {
        messages_total_ += ok->accepted;
        refused_total_ += ok->exceptions.refused.size();
        settle(sequence_ + records_ - 1);
    } else if (const auto* why = std::get_if<PutRefused>(&event)) {
        messages_total_ += why->accepted;
        refused_total_ += why->exceptions.refused.size();
        refuse(why->code, why->sequence, times);
    } else if (const auto* reply = std::get_if<leased::Event>(&event)) {
        if (const auto* error = std::get_if<leased::ErrorReply>(reply))
            refuse(error->code, sequence_ - 1, times);
    }
}

// Everything up to `settled` is. What is behind it is said again later, unless it is the message's
// own fault; and a feed does not wait.
void DoorIn::refuse(leased::ErrorCode code, std::uint64_t settled, Times times) {
    using Code = leased::ErrorCode;
    if (code == Code::unknown_producer || code == Code::out_of_order) {
        // Under a new name: whether it was stored before, nobody knows any more.
        producer_ = next_producer();
        sequence_ = 1;
        maybe_duplicate_ = true;
        return pause(times);
    }
    const bool is_final = code == Code::too_large || code == Code::too_many ||
                          code == Code::bad_option || code == Code::malformed;
    if (plan_.door.kind == Door::Kind::pull && !is_final)
        return pause(times);
    const std::uint64_t before = sequence_ - 1;
    const std::uint64_t counted = settled > before ? settled - before : 0;
    refused_total_ += records_ - std::min(records_, counted);
    if (is_final && !large_.empty() && counted == records_)
        ++refused_total_; // it has used its number up, and is the only one
    settle(std::max(settled, before));
}

void DoorIn::pause(Times times) {
    pause_ = pause_ == Duration::zero() ? pause_min : std::min(pause_ * 2, pause_max);
    again_ = times.now + pause_;
}

// ---- the loop ----------------------------------------------------------------------------------

void DoorIn::watch(net::Poller& poller) {
    if (reads())
        poller.on_readable(socket_, [] {});
    else
        poller.forget(socket_);
}

bool DoorIn::has_input() const noexcept {
    return records_ == 0 && (holds() || (reads() && socket_.readable()));
}

DoorStat DoorIn::stat() const {
    DoorStat all = counted(messages_total_, refused_total_);
    if (feed_) {
        const feed::LossReport losses = feed_->report();
        all.lost_total = losses.lost;
        all.is_loss_unknown = losses.unknown;
    }
    all.is_paused = records_ > 0;
    return all;
}

} // namespace flotilla::queue
