// SPDX-License-Identifier: Apache-2.0
//
// Packs: several messages of FLR1 in one, for workers of a large capacity. What a message costs the
// transport is its frames, and a pack has six however many messages are in it.
//
//     FLR1 | pack | | | | entries
//     entries = 1*entry
//     entry   = frames(u16) *( size(u32) bytes )  ; of a message, from its verb on
//
// A broker reads packs of anybody, and sends them to workers whose READY said `packs=yes`. What is
// in one means what it would mean sent alone, in this order.
//
// Pure; one thread at a time. Kept from time to time for its memory.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/request/message.hpp>
#include <flotilla/wire/frames.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace flotilla::request {

class PackWriter {
public:
    static constexpr std::size_t messages_max = 256;
    static constexpr std::size_t bytes_max = 32 << 10;
    // Of a body: copying a larger one costs more than its own frames would.
    static constexpr std::size_t body_bytes_max = 2 << 10;

    // What may be in a pack at all: small, of the flotilla dialect, without a delimiter.
    static bool takes(const Message& message);

    // Whether there is room for one more that takes() likes.
    bool has_room() const noexcept { return count_ < messages_max && entries_.size() < bytes_max; }
    void add(const Message& message);
    // The same of one that is written already: its frames from the verb on, each behind its size.
    void add(ByteView frames, std::size_t frame_count);
    std::size_t count() const noexcept { return count_; }
    // Appends the frames of the pack to `frames`, which may hold a routing id, and starts over.
    void finish(wire::Frames& frames);

private:
    wire::Writer entries_{};
    std::size_t count_ = 0;
};

class PackReader {
public:
    // As whoever writes packs holds to: what one message can ask of its reader is bounded.
    static constexpr std::size_t messages_max = PackWriter::messages_max;
    enum class At : std::uint8_t { broker, worker };

    static bool is_pack(const wire::Frames& frames) noexcept;

    // Of a message that is_pack().
    PackReader(wire::Frames&& pack, At at);
    PackReader(const PackReader&) = delete;
    PackReader& operator=(const PackReader&) = delete;
    // Nothing: that was all. An error is that of one message, and others may follow; where the
    // entries themselves are broken, or too many, nothing does. Errors: those of read_at_broker();
    // too_many.
    std::optional<Result<Message>> next();
    // Of the last message, where it was an error: read_origin_at_broker(). Of one that has no
    // frames, a client's without an id.
    Message origin() const;

private:
    static_assert(messages_max == 256, "its text says so");
    Status too_many();
    Status take_entry();

    Blob entries_;
    wire::Reader rest_;
    At at_;
    std::size_t count_ = 0;
    wire::Frames frames_{};
};

} // namespace flotilla::request
