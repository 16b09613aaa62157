// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/wire/hop.hpp>

#include <algorithm>
#include <charconv>

namespace flotilla::wire {
namespace {

// As envelope.cpp reads them.
constexpr std::uint8_t envelope_version = 1;
constexpr std::uint8_t header_tag = 8;
constexpr std::size_t magic_bytes = 3;
constexpr std::size_t length_at = 4; // magic, version
constexpr std::size_t envelope_head_bytes = 8;

constexpr std::size_t digits = 16;
constexpr std::uint64_t microseconds_max = 9'999'999'999'999'999; // in the year 2286
constexpr std::size_t value_at = 4 + Hop::header_name.size();     // in the field: tag, size, name
constexpr std::size_t left_at = value_at + digits + 1;

void write_time(char* at, WallTime time) noexcept {
    const auto count =
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    std::uint64_t rest = count > 0 ? static_cast<std::uint64_t>(count) : 0;
    rest = std::min(rest, microseconds_max);
    for (std::size_t i = digits; i-- > 0; rest /= 10)
        at[i] = static_cast<char>('0' + rest % 10);
}

std::optional<WallTime> read_time(ByteView text) {
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (text.size() != digits || error != std::errc{} || end != text.data() + digits)
        return std::nullopt;
    // Nanoseconds reach to the year 2262 only.
    constexpr auto representable = static_cast<std::uint64_t>(Duration::max().count() / 1'000);
    return WallTime{std::chrono::microseconds{std::min(count, representable)}};
}

bool is_word(ByteView text, std::size_t bytes_max) noexcept {
    return !text.empty() && text.size() <= bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string word(std::string_view text, std::size_t bytes_max) {
    std::string word{text.substr(0, bytes_max)};
    std::replace_if(
        word.begin(), word.end(), [](char c) { return c <= ' ' || c > '~'; }, '_');
    return word.empty() ? "_" : word;
}

struct Counted {
    std::size_t fields = 0;
    std::size_t headers = 0;
    std::size_t hops = 0;
};

// Walks the fields without reading them. Nothing: these are no fields of an envelope.
std::optional<Counted> count_fields(ByteView frame) noexcept {
    Reader in(frame.substr(magic_bytes));
    if (in.u8() != envelope_version || in.u32() != frame.size() || !in.ok())
        return std::nullopt;
    Counted counted;
    while (in.left() > 0) {
        const std::uint8_t tag = in.u8();
        const ByteView value = in.medium_bytes();
        if (!in.ok() || ++counted.fields > Envelope::fields_max)
            return std::nullopt;
        if (tag != header_tag)
            continue;
        ++counted.headers;
        counted.hops += Reader(value).short_bytes() == Hop::header_name ? 1 : 0;
    }
    return counted;
}

} // namespace

std::optional<Hop> parse_hop(ByteView value) {
    const auto next = [&value] {
        const ByteView part = value.substr(0, value.find(' '));
        value.remove_prefix(std::min(part.size() + 1, value.size()));
        return part;
    };
    const auto came = read_time(next());
    const auto left = read_time(next());
    const ByteView kind = next();
    if (!came || !left || !is_word(kind, Hop::kind_bytes_max) ||
        !is_word(value, Hop::instance_bytes_max))
        return std::nullopt;
    return Hop{*came, *left, std::string{kind}, std::string{value}};
}

std::vector<Hop> hops_of(const Envelope& envelope) {
    std::vector<Hop> hops;
    for (const Header& header : envelope.headers)
        if (header.name == Hop::header_name)
            if (auto hop = parse_hop(header.value))
                hops.push_back(std::move(*hop));
    return hops;
}

HopStamp::HopStamp(std::string_view kind, std::string_view instance) {
    const std::string zeros(digits, '0');
    const std::string value = zeros + ' ' + zeros + ' ' + word(kind, Hop::kind_bytes_max) + ' ' +
                              word(instance, Hop::instance_bytes_max);
    Writer out;
    out.u8(header_tag)
        .u16(static_cast<std::uint16_t>(1 + Hop::header_name.size() + value.size()))
        .short_bytes(Hop::header_name)
        .bytes(value);
    field_ = out.take();
}

HopStamp::Edit HopStamp::stamp(ByteView frame, WallTime came, WallTime left,
                               std::string& out) const {
    if (!has_envelope_magic(frame) || frame.size() > Envelope::frame_bytes_max)
        return Edit::no_envelope;
    const auto counted = count_fields(frame);
    if (!counted)
        return Edit::no_envelope;
    if (counted->hops >= Hop::hops_max || counted->headers >= Envelope::headers_max ||
        counted->fields >= Envelope::fields_max ||
        frame.size() + field_.size() > Envelope::frame_bytes_max)
        return Edit::no_room;
    out.clear();
    out.reserve(frame.size() + field_.size());
    out.append(frame).append(field_);
    store_u32(out.data() + length_at, static_cast<std::uint32_t>(out.size()));
    write_time(out.data() + frame.size() + value_at, came);
    write_time(out.data() + frame.size() + left_at, left);
    return Edit::stamped;
}

bool HopStamp::is_last_of(ByteView frame) const noexcept {
    if (frame.size() < envelope_head_bytes + field_.size() || !has_envelope_magic(frame))
        return false;
    const ByteView last = frame.substr(frame.size() - field_.size());
    const std::size_t kind_at = left_at + digits;
    return last.substr(0, value_at) == ByteView{field_}.substr(0, value_at) &&
           last.substr(kind_at) == ByteView{field_}.substr(kind_at);
}

void HopStamp::set_left(char* frame, std::size_t size, WallTime left) const noexcept {
    FLOTILLA_CHECK(is_last_of({frame, size}), "the frame does not end with this instance's hop");
    write_time(frame + size - field_.size() + left_at, left);
}

} // namespace flotilla::wire
