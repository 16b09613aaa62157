// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/batch.hpp>

namespace flotilla::wire {
namespace {

constexpr std::uint32_t with_lengths = 0xf1464201; // magic and version
constexpr std::uint32_t of_one_size = 0xf1464202;
constexpr std::size_t region_at = 8;

// Of one message the two versions are alike: it is of the one that more readers know.
void store_head(char* at, bool is_listed, std::uint32_t messages) {
    FLOTILLA_CHECK(messages > 0, "a batch has no messages");
    store_u32(at, is_listed || messages == 1 ? with_lengths : of_one_size);
    store_u32(at + 4, messages);
}

// Whether `region` is exactly `messages` times a length and as many bytes.
bool holds(ByteView region, std::uint32_t messages) noexcept {
    const char* at = region.data();
    std::size_t rest = region.size();
    for (; messages > 0; --messages) {
        if (rest < batch_item_overhead_bytes)
            return false;
        const std::size_t size = load_u32(at);
        rest -= batch_item_overhead_bytes;
        if (rest < size)
            return false;
        at += batch_item_overhead_bytes + size;
        rest -= size;
    }
    return rest == 0;
}

// The same, with `size` bytes each: no length has to be loaded to know where the next one stands.
bool holds_alike(ByteView region, std::uint32_t messages, std::uint32_t size) noexcept {
    const std::size_t step = batch_item_overhead_bytes + size;
    if (region.size() % step != 0 || region.size() / step != messages)
        return false;
    for (const char* at = region.data(); messages > 0; --messages, at += step)
        if (load_u32(at) != size)
            return false;
    return true;
}

// Whether it is one length and so many messages of it.
bool fills(ByteView region, std::uint32_t messages, std::uint32_t size) noexcept {
    return size > 0 && region.size() - batch_item_overhead_bytes == std::uint64_t{messages} * size;
}

} // namespace

BatchWriter::BatchWriter(char* memory, std::size_t bytes)
    : begin_(memory), at_(memory + batch_header_bytes), end_(memory + bytes) {
    FLOTILLA_CHECK(bytes >= batch_header_bytes, "a batch's memory has no room for its header");
    FLOTILLA_CHECK(bytes - batch_header_bytes <= batch_region_bytes_max,
                   "a batch's memory is over the largest batch");
}

// The first message, or one of another size than all before.
void BatchWriter::settle(std::size_t message_bytes) {
    if (count_ > 0)
        return list();
    is_listed_ = message_bytes == 0; // any number of those would fit in one length
    if (is_listed_)
        return;
    one_size_ = static_cast<std::uint32_t>(message_bytes);
    add_length(message_bytes);
}

// Gives each message its own length: from the last to the second, nothing is overwritten before it
// was moved.
void BatchWriter::list() {
    char* const first = begin_ + batch_header_bytes + batch_item_overhead_bytes;
    const std::size_t size = one_size_;
    for (std::size_t i = count_ - 1; i > 0; --i) {
        char* const to = first + i * (batch_item_overhead_bytes + size);
        std::memmove(to, first + i * size, size);
        store_u32(to - batch_item_overhead_bytes, one_size_);
    }
    at_ += (count_ - 1) * batch_item_overhead_bytes;
    is_listed_ = true;
}

ByteView BatchWriter::finish() {
    store_head(begin_, is_listed_, count_);
    begin_[region_at] = static_cast<char>(Compression::none);
    store_u32(begin_ + region_at + 1, static_cast<std::uint32_t>(bytes() - batch_header_bytes));
    return {begin_, bytes()};
}

ByteView BatchWriter::finish(Compressor& compressor, char* memory) {
    const ByteView region =
        compressor.region({begin_ + batch_header_bytes, bytes() - batch_header_bytes});
    FLOTILLA_CHECK(region_at + region.size() <= bytes(), "compression made a batch longer");
    store_head(memory, is_listed_, count_);
    std::memcpy(memory + region_at, region.data(), region.size());
    return {memory, region_at + region.size()};
}

Result<BatchReader> BatchReader::open(ByteView frame, Expander& expander,
                                      std::size_t region_limit) {
    Reader head(frame);
    const std::uint32_t magic = head.u32();
    const std::uint32_t messages = head.u32();
    if (!head.ok())
        return fail(Errc::malformed, "a batch ends within its header");
    if (magic != with_lengths && magic != of_one_size)
        return fail(Errc::malformed, "not a batch of version 1 or 2");
    const auto region = expander.bytes(head.rest(), std::min(region_limit, batch_region_bytes_max));
    if (!region)
        return fail(region.error());
    // The region is bounded, and every message has its length or at least a byte, which bounds the
    // count too.
    BatchReader reader;
    reader.at_ = region->data();
    if (messages > 0 && region->size() >= batch_item_overhead_bytes) {
        reader.size_ = load_u32(region->data());
        if (magic == of_one_size) {
            reader.lead_ = 0;
            reader.at_ += batch_item_overhead_bytes;
            reader.are_of_one_size_ = fills(*region, messages, reader.size_);
        } else {
            reader.are_of_one_size_ = holds_alike(*region, messages, reader.size_);
        }
    }
    const bool is_whole =
        reader.are_of_one_size_ || (magic == with_lengths && holds(*region, messages));
    if (messages == 0 || !is_whole)
        return fail(Errc::malformed, "a batch's messages do not fill its region exactly");
    reader.end_ = region->data() + region->size();
    reader.left_ = messages;
    return reader;
}

} // namespace flotilla::wire
