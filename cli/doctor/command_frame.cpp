// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/pack.hpp>

#include <cli/doctor/command_frame.hpp>

#include <algorithm>
#include <cctype>

namespace flotilla::cli::doctor {
namespace {

constexpr std::uint8_t long_flag = 0x02;
constexpr std::uint8_t command_flag = 0x04;

bool same_letters(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

} // namespace

CommandOutcome decode_command(ByteView bytes) {
    wire::Reader in(bytes);
    const std::uint8_t flags = in.u8();
    if (!in.ok())
        return NeedsMore{};
    if ((flags & ~long_flag) != command_flag)
        return NotACommand{};
    const std::uint64_t size = (flags & long_flag) != 0 ? in.u64() : in.u8();
    if (!in.ok())
        return NeedsMore{};
    if (size > command_bytes_max)
        return NotACommand{};
    const std::size_t head = bytes.size() - in.left();
    const ByteView body = in.bytes(static_cast<std::size_t>(size));
    if (!in.ok())
        return NeedsMore{};
    wire::Reader content(body);
    const ByteView name = content.short_bytes();
    if (!content.ok() || name.empty())
        return NotACommand{};
    return CommandFrame{std::string(name), std::string(content.rest()), head + body.size()};
}

std::optional<Properties> decode_properties(ByteView data) {
    wire::Reader in(data);
    Properties all;
    while (in.ok() && in.left() > 0) {
        const ByteView name = in.short_bytes();
        const ByteView value = in.long_bytes();
        all.emplace_back(std::string(name), std::string(value));
    }
    if (!in.ok())
        return std::nullopt;
    return all;
}

std::optional<std::string> property(const Properties& properties, std::string_view name) {
    for (const auto& [key, value] : properties)
        if (same_letters(key, name))
            return value;
    return std::nullopt;
}

std::string decode_reason(ByteView data) {
    wire::Reader in(data);
    const ByteView reason = in.short_bytes();
    return in.ok() ? std::string(reason) : std::string{};
}

} // namespace flotilla::cli::doctor
