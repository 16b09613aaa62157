// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/wire/pack.hpp>

namespace flotilla::wire {
namespace {

void store(char* at, std::uint64_t value, std::size_t width) noexcept {
    for (std::size_t i = 0; i < width; ++i)
        at[i] = static_cast<char>(value >> (8 * (width - 1 - i)));
}

std::uint64_t load(const char* at, std::size_t width) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i)
        value = value << 8 | static_cast<unsigned char>(at[i]);
    return value;
}

} // namespace

void store_u64(char* at, std::uint64_t value) noexcept {
    store(at, value, 8);
}
std::uint64_t load_u64(const char* at) noexcept {
    return load(at, 8);
}

std::uint64_t Reader::integer(std::size_t width) noexcept {
    const ByteView read = bytes(width);
    return read.empty() ? 0 : load(read.data(), width);
}

ByteView Reader::bytes(std::size_t size) noexcept {
    if (!ok_ || size > rest_.size()) {
        ok_ = false;
        rest_ = {};
        return {};
    }
    const ByteView read = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return read;
}

Writer& Writer::integer(std::uint64_t value, std::size_t width) {
    char bytes[8];
    store(bytes, value, width);
    out_.append(bytes, width);
    return *this;
}

Writer& Writer::bytes(ByteView bytes) {
    out_.append(bytes);
    return *this;
}

Writer& Writer::short_bytes(ByteView bytes_in) {
    FLOTILLA_CHECK(bytes_in.size() <= 0xff, "a short field is over 255 bytes");
    return u8(static_cast<std::uint8_t>(bytes_in.size())).bytes(bytes_in);
}

Writer& Writer::medium_bytes(ByteView bytes_in) {
    FLOTILLA_CHECK(bytes_in.size() <= 0xffff, "a medium field is over 65535 bytes");
    return u16(static_cast<std::uint16_t>(bytes_in.size())).bytes(bytes_in);
}

Writer& Writer::long_bytes(ByteView bytes_in) {
    FLOTILLA_CHECK(bytes_in.size() <= 0xffffffff, "a long field is over 4 GiB");
    return u32(static_cast<std::uint32_t>(bytes_in.size())).bytes(bytes_in);
}

} // namespace flotilla::wire
