// SPDX-License-Identifier: Apache-2.0
//
// DoorIn: a PULL or SUB socket whose messages are put into a queue, in packed puts with sequences,
// one under way at a time. What was not accepted is said again, word for word, so that nothing is
// stored twice. Private to the pattern.
//
// A PULL door does not read while its queue refuses, so that whoever pushes feels it. A SUB door
// goes on reading, since a publisher feels nothing: what the queue refuses is dropped and counted.
#pragma once

#include "door.hpp"
#include "door_feed.hpp"

#include <flotilla/queue/put_pack.hpp>
#include <flotilla/wire/batch.hpp>
#include <flotilla/wire/compress.hpp>

#include <optional>
#include <string>

namespace flotilla::queue {

class DoorIn final : public OpenDoor {
public:
    explicit DoorIn(Opened opened);

    void speak(QueueEngine& engine, Times times) override;
    void hear(leased::Envelope&& envelope, Event&& event, Times times) override;
    void reloaded() override { is_said_ = false; }
    void drain() override { is_draining_ = true; }
    void close(QueueEngine&, Times) override {}
    void watch(net::Poller& poller) override;
    bool has_input() const noexcept override;
    Instant next_deadline() const noexcept override { return records_ > 0 ? again_ : never; }
    bool is_idle() const noexcept override { return records_ == 0 && !holds(); }
    DoorStat stat() const override;

private:
    bool reads() const noexcept { return records_ == 0 && !is_draining_; }
    bool holds() const noexcept { return next_ || batch_.left() > 0; } // read, and in no put yet
    std::optional<wire::Frames> receive();
    std::optional<wire::Frames> receive_from_socket();
    bool open_batch(wire::Frames&& message);
    void gather();
    void settle(std::uint64_t sequence);
    void refuse(leased::ErrorCode code, std::uint64_t settled, Times times);
    void pause(Times times);
    std::string next_producer();

    PutWriter writer_{};
    wire::Compressor plain_{wire::Compression::none};
    std::string producer_{};
    std::uint64_t starts_ = 0;   // of producer names
    std::uint64_t sequence_ = 1; // of the first message in hand
    std::uint64_t records_ = 0;  // in hand: read, not yet settled
    Blob packed_{};              // these,
    wire::Frames large_{};       // or the only one, when it is too large to be packed
    std::optional<wire::Frames> next_{};
    wire::Frames batch_frame_{}; // what batch_ is in, unless expanded
    wire::Expander expander_{};
    wire::BatchReader batch_{};
    bool is_said_ = false;         // an answer is to come
    bool maybe_duplicate_ = false; // said before under another producer name
    bool is_draining_ = false;
    Instant again_{}; // not before this
    Duration pause_{0};
    std::uint64_t messages_total_ = 0;
    std::uint64_t refused_total_ = 0;
    std::optional<DoorFeed> feed_{}; // sub with metadata
};

} // namespace flotilla::queue
