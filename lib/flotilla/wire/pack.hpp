// SPDX-License-Identifier: Apache-2.0
//
// Reader and Writer: fixed-width integers and length-prefixed bytes, in network byte order.
//
// A Reader never reads beyond its bytes: the first read that would do so answers 0 or empty and
// marks the Reader bad, and every later read does the same. So a decoder reads all its fields and
// asks ok() once; what it read from a bad Reader is not to be used.
#pragma once

#include <flotilla/base/blob.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

namespace flotilla::wire {

class Reader {
public:
    explicit Reader(ByteView bytes) noexcept : rest_(bytes) {}

    std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(integer(1)); }
    std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(integer(2)); }
    std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(integer(4)); }
    std::uint64_t u64() noexcept { return integer(8); }
    // The next `size` bytes; they live as long as the bytes that are read.
    ByteView bytes(std::size_t size) noexcept;
    ByteView short_bytes() noexcept { return bytes(u8()); }   // u8 length, bytes
    ByteView medium_bytes() noexcept { return bytes(u16()); } // u16 length, bytes
    ByteView long_bytes() noexcept { return bytes(u32()); }   // u32 length, bytes

    bool ok() const noexcept { return ok_; }
    // Everything was read, and nothing beyond it.
    bool ok_at_end() const noexcept { return ok_ && rest_.empty(); }
    std::size_t left() const noexcept { return rest_.size(); }
    ByteView rest() const noexcept { return rest_; }

private:
    std::uint64_t integer(std::size_t width) noexcept;

    ByteView rest_;
    bool ok_ = true;
};

// Appends to a string that it owns. Lengths that do not fit their prefix are a broken invariant:
// the caller checks its limits first.
class Writer {
public:
    Writer& u8(std::uint8_t value) { return integer(value, 1); }
    Writer& u16(std::uint16_t value) { return integer(value, 2); }
    Writer& u32(std::uint32_t value) { return integer(value, 4); }
    Writer& u64(std::uint64_t value) { return integer(value, 8); }
    Writer& bytes(ByteView bytes);
    Writer& short_bytes(ByteView bytes);
    Writer& medium_bytes(ByteView bytes);
    Writer& long_bytes(ByteView bytes);

    ByteView view() const noexcept { return out_; }
    std::size_t size() const noexcept { return out_.size(); }
    std::string take() { return std::move(out_); }
    void clear() noexcept { out_.clear(); }

private:
    Writer& integer(std::uint64_t value, std::size_t width);

    std::string out_;
};

// The same encoding at a place that the caller has made room for.
inline void store_u32(char* at, std::uint32_t value) noexcept {
    const char bytes[4] = {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                           static_cast<char>(value >> 8), static_cast<char>(value)};
    std::memcpy(at, bytes, sizeof bytes); // one swapped store: batches write one a message
}
inline std::uint32_t load_u32(const char* at) noexcept {
    unsigned char bytes[4];
    std::memcpy(bytes, at, sizeof bytes);
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
           std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

// Copies at most copy_short_bytes_max bytes without a call: for where one shows.
inline constexpr std::size_t copy_short_bytes_max = 128;
[[gnu::always_inline]] inline void copy_short(char* to, ByteView from) noexcept {
    const std::size_t size = from.size();
    const char* const at = from.data();
    const auto ends = [&](auto width) { // the first and the last so many bytes: they may overlap
        std::memcpy(to, at, width);
        std::memcpy(to + size - width, at + size - width, width);
    };
    if (size >= 64)
        ends(std::integral_constant<std::size_t, 64>{});
    else if (size >= 32)
        ends(std::integral_constant<std::size_t, 32>{});
    else if (size >= 16)
        ends(std::integral_constant<std::size_t, 16>{});
    else if (size >= 8)
        ends(std::integral_constant<std::size_t, 8>{});
    else if (size >= 4)
        ends(std::integral_constant<std::size_t, 4>{});
    else
        for (std::size_t i = 0; i < size; ++i)
            to[i] = at[i];
}

void store_u64(char* at, std::uint64_t value) noexcept;
std::uint64_t load_u64(const char* at) noexcept;

} // namespace flotilla::wire
