// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/batch.hpp>

#include <algorithm>

namespace flotilla::wire {
namespace {

constexpr std::uint32_t magic_and_version = 0xf1464201;
constexpr std::size_t region_at = 8;

void store_head(char* at, std::uint32_t messages) {
    FLOTILLA_CHECK(messages > 0, "a batch has no messages");
    store_u32(at, magic_and_version);
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

} // namespace

BatchWriter::BatchWriter(char* memory, std::size_t bytes)
    : begin_(memory), at_(memory + batch_header_bytes), end_(memory + bytes) {
    FLOTILLA_CHECK(bytes >= batch_header_bytes, "a batch's memory has no room for its header");
    FLOTILLA_CHECK(bytes - batch_header_bytes <= batch_region_bytes_max,
                   "a batch's memory is over the largest batch");
}

ByteView BatchWriter::finish() {
    store_head(begin_, count_);
    begin_[region_at] = static_cast<char>(Compression::none);
    store_u32(begin_ + region_at + 1, static_cast<std::uint32_t>(bytes() - batch_header_bytes));
    return {begin_, bytes()};
}

ByteView BatchWriter::finish(Compressor& compressor, char* memory) {
    const ByteView region =
        compressor.region({begin_ + batch_header_bytes, bytes() - batch_header_bytes});
    FLOTILLA_CHECK(region_at + region.size() <= bytes(), "compression made a batch longer");
    store_head(memory, count_);
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
    if (magic != magic_and_version)
        return fail(Errc::malformed, "not a batch of version 1");
    const auto region = expander.bytes(head.rest(), std::min(region_limit, batch_region_bytes_max));
    if (!region)
        return fail(region.error());
    // The region is bounded and every message has its length, which bounds the count too.
    BatchReader reader;
    if (messages > 0 && region->size() >= batch_item_overhead_bytes) {
        reader.size_ = load_u32(region->data());
        reader.are_of_one_size_ = holds_alike(*region, messages, reader.size_);
    }
    if (messages == 0 || !(reader.are_of_one_size_ || holds(*region, messages)))
        return fail(Errc::malformed, "a batch's messages do not fill its region exactly");
    reader.at_ = region->data();
    reader.end_ = region->data() + region->size();
    reader.left_ = messages;
    return reader;
}

} // namespace flotilla::wire
