// SPDX-License-Identifier: Apache-2.0
//
// Batch: one frame that holds many small messages, each of one frame. docs/protocol/batch.md
//
//     offset  bytes  what
//     0       3      magic F1 46 42
//     3       1      version, 1 or 2
//     4       4      messages, at least 1
//     8       ...    a region (wire/compress): version 1, for each message, a u32 length and that
//                    many bytes; version 2, one u32 length, not 0, and so many bytes for each
//
// A flood is mostly of one size, and of short messages: then lengths are much of what is carried.
// A BatchWriter so begins with version 2, and goes over to version 1 with the first message of
// another size.
//
// A BatchWriter writes into memory of its caller and a BatchReader gives views into the frame, so
// no message is copied twice. Every structural rule is checked before the first message is given:
// a malformed batch yields nothing. Integers are big-endian.
#pragma once

#include <flotilla/base/check.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstdint>
#include <cstring>

namespace flotilla::wire {

// Magic, version, count and the region's algorithm and size.
inline constexpr std::size_t batch_header_bytes = 8 + region_overhead_bytes;
// A length. The most that a message costs in a batch beside its own bytes.
inline constexpr std::size_t batch_item_overhead_bytes = 4;
// The largest region of a batch, once expanded. A reader may ask for less.
inline constexpr std::size_t batch_region_bytes_max = std::size_t{16} << 20;

// The three magic bytes are there; the version may be another, the rest anything.
inline bool has_batch_magic(ByteView frame) noexcept {
    return frame.size() >= 3 && std::memcmp(frame.data(), "\xf1\x46\x42", 3) == 0;
}

// A batch says that it holds one message, as it is: so travels a message that looks like a batch
// itself, and which may be as large as any.
inline bool says_one_message(ByteView frame) noexcept {
    return frame.size() > 8 && load_u32(frame.data() + 4) == 1 &&
           frame[8] == static_cast<char>(Compression::none);
}

// Writes one batch, uncompressed, into memory of the caller that must outlive it.
class BatchWriter {
public:
    BatchWriter() = default; // nothing fits
    // `bytes` from batch_header_bytes to batch_header_bytes + batch_region_bytes_max.
    BatchWriter(char* memory, std::size_t bytes);

    bool fits(std::size_t message_bytes) const noexcept {
        const auto room = std::size_t(end_ - at_);
        const std::size_t lengths = lengths_for(message_bytes) * batch_item_overhead_bytes;
        return room >= lengths && room - lengths >= message_bytes;
    }
    // It must fit.
    void add(ByteView message) {
        FLOTILLA_CHECK(fits(message.size()), "a message does not fit its batch");
        if (!is_listed_ && message.size() != one_size_)
            settle(message.size());
        if (is_listed_)
            add_length(message.size());
        if (!message.empty())
            std::memcpy(at_, message.data(), message.size());
        at_ += message.size();
        ++count_;
    }
    // The short way of add(): takes a message of at most copy_short_bytes_max bytes if finish()
    // then gives at most `bytes_max` bytes, which may not be more than there is room for.
    [[gnu::always_inline]] bool add_short(ByteView message, std::size_t bytes_max) noexcept {
        char* const at = at_; // as a char* it might point at itself, for all a compiler knows
        const std::size_t size = message.size();
        const std::size_t lead = is_listed_ ? batch_item_overhead_bytes : 0;
        if (size > copy_short_bytes_max || (lead == 0 && size != one_size_) ||
            std::size_t(at - begin_) + lead + size > bytes_max)
            return false;
        if (lead > 0)
            store_u32(at, static_cast<std::uint32_t>(size));
        copy_short(at + lead, message);
        at_ = at + lead + size;
        ++count_;
        return true;
    }

    // Completes the header. More may be added afterwards, and finish() called again. At least one
    // message must have been added.
    ByteView finish();
    // The same batch compressed into `memory`, which has room for it uncompressed.
    ByteView finish(Compressor& compressor, char* memory);

    std::uint32_t count() const noexcept { return count_; }
    // What finish() would give now.
    std::size_t bytes() const noexcept { return std::size_t(at_ - begin_); }
    // The bytes of the messages alone.
    std::size_t message_bytes() const noexcept {
        if (count_ == 0)
            return 0;
        const std::size_t lengths = is_listed_ ? count_ : 1;
        return bytes() - batch_header_bytes - lengths * batch_item_overhead_bytes;
    }

private:
    // How many lengths have to be written to add one of so many bytes.
    std::size_t lengths_for(std::size_t message_bytes) const noexcept {
        if (is_listed_ || count_ == 0)
            return 1;
        return message_bytes == one_size_ ? 0 : count_;
    }
    void add_length(std::size_t message_bytes) {
        store_u32(at_, static_cast<std::uint32_t>(message_bytes));
        at_ += batch_item_overhead_bytes;
    }
    void settle(std::size_t message_bytes);
    void list();

    char* begin_ = nullptr;
    char* at_ = nullptr;
    char* end_ = nullptr;
    std::uint32_t count_ = 0;
    // Version 1: each message has its length. Else all so far have `one_size_` bytes.
    bool is_listed_ = false;
    static constexpr std::uint32_t no_size = UINT32_MAX; // before the first
    std::uint32_t one_size_ = no_size;
};

// The messages of one batch, in order, as views.
class BatchReader {
public:
    BatchReader() = default; // nothing left
    // `frame` must outlive the views, and so must what `expander` holds when the batch is
    // compressed (that is, until its next call). `region_limit` bytes: a batch that expands to more
    // is refused before anything is allocated.
    // Errors: malformed; too_large; unsupported (this build lacks the compression).
    static Result<BatchReader> open(ByteView frame, Expander& expander,
                                    std::size_t region_limit = batch_region_bytes_max);

    // How many next() will still give.
    std::uint32_t left() const noexcept { return left_; }
    // The bytes of those messages, together.
    std::size_t bytes_left() const noexcept { return std::size_t(end_ - at_) - left_ * lead_; }
    // The next message; left() must not be 0.
    ByteView next() {
        FLOTILLA_CHECK(left_ > 0, "the batch has no more messages");
        --left_;
        const std::size_t size = are_of_one_size_ ? size_ : load_u32(at_);
        const ByteView message{at_ + lead_, size};
        at_ = message.data() + size;
        return message;
    }

private:
    const char* at_ = nullptr; // in a checked region: next() cannot leave it
    const char* end_ = nullptr;
    std::uint32_t left_ = 0;
    std::uint32_t lead_ = batch_item_overhead_bytes; // in front of each; version 2: 0
    // Floods are: then where a message stands is known before the length in front of it is loaded.
    bool are_of_one_size_ = false;
    std::uint32_t size_ = 0;
};

} // namespace flotilla::wire
