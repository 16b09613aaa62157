// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>

#include <array>
#include <cstdint>

namespace flotilla {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view z85_digits =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

int hex_value(char digit) noexcept {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

std::uint8_t byte_at(ByteView bytes, std::size_t i) noexcept {
    return static_cast<std::uint8_t>(bytes[i]);
}

// The length of the valid UTF-8 sequence at `i`, or 0 (RFC 3629: no overlong forms, no surrogates,
// nothing above U+10FFFF).
std::size_t utf8_length(ByteView bytes, std::size_t i) noexcept {
    const std::uint8_t first = byte_at(bytes, i);
    if (first < 0x80)
        return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || i + length > bytes.size())
        return 0;
    for (std::size_t k = 1; k < length; ++k)
        if ((byte_at(bytes, i + k) & 0xC0) != 0x80)
            return 0;
    const std::uint8_t second = byte_at(bytes, i + 1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
    return overlong || beyond ? 0 : length;
}

// Control characters: C0, DEL, and C1, which begins with 0xC2 in UTF-8.
bool is_control(ByteView bytes, std::size_t i, std::size_t length) noexcept {
    const std::uint8_t first = byte_at(bytes, i);
    return length == 1 ? first < 0x20 || first == 0x7F
                       : first == 0xC2 && byte_at(bytes, i + 1) < 0xA0;
}

void append_escape(std::string& out, char byte) {
    switch (byte) {
    case '\n':
        out += "\\n";
        return;
    case '\r':
        out += "\\r";
        return;
    case '\t':
        out += "\\t";
        return;
    default:
        out += "\\x";
        append_hex(out, ByteView{&byte, 1});
    }
}

} // namespace

void append_hex(std::string& out, ByteView bytes) {
    for (const char c : bytes) {
        const auto byte = static_cast<std::uint8_t>(c);
        out += hex_digits[byte >> 4];
        out += hex_digits[byte & 15];
    }
}

void append_base64(std::string& out, ByteView bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t have = bytes.size() - i < 3 ? bytes.size() - i : 3;
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < have ? byte_at(bytes, i + k) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= have ? base64_digits[group >> (18 - 6 * k) & 63] : '=';
    }
}

bool append_z85(std::string& out, ByteView bytes) {
    if (bytes.size() % 4 != 0)
        return false;
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 4; ++k)
            group = group << 8 | byte_at(bytes, i + k);
        std::array<char, 5> digits{};
        for (std::size_t k = 5; k-- > 0; group /= 85)
            digits[k] = z85_digits[group % 85];
        out.append(digits.data(), digits.size());
    }
    return true;
}

void append_escaped(std::string& out, ByteView bytes) {
    for (std::size_t i = 0; i < bytes.size();) {
        const std::size_t length = utf8_length(bytes, i);
        if (bytes[i] == '"' || bytes[i] == '\\') {
            out += '\\';
            out += bytes[i];
        } else if (length == 0 || is_control(bytes, i, length)) {
            for (std::size_t k = 0; k < (length == 0 ? 1 : length); ++k)
                append_escape(out, bytes[i + k]);
        } else {
            out.append(bytes.substr(i, length));
        }
        i += length == 0 ? 1 : length;
    }
}

void append_shown(std::string& out, std::string_view text) {
    for (;;) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (is_printable(line))
            out.append(line);
        else
            append_escaped(out, line);
        if (line.size() == text.size())
            return;
        out.push_back('\n');
        text.remove_prefix(line.size() + 1);
    }
}

std::optional<std::string> decode_hex(std::string_view text) {
    if (text.size() % 2 != 0)
        return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0)
        return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const bool last = i + 4 == text.size();
        std::size_t padding = 0;
        if (last && text[i + 3] == '=')
            padding = text[i + 2] == '=' ? 2 : 1;
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const std::size_t digit = k >= 4 - padding ? 0 : base64_digits.find(text[i + k]);
            if (digit == std::string_view::npos)
                return std::nullopt;
            group = group << 6 | static_cast<std::uint32_t>(digit);
        }
        // Bits that no byte needs must be zero: one text for each value.
        if ((padding == 1 && (group & 0xFF) != 0) || (padding == 2 && (group & 0xFFFF) != 0))
            return std::nullopt;
        for (std::size_t k = 0; k < 3 - padding; ++k)
            bytes += static_cast<char>(group >> (16 - 8 * k) & 0xFF);
    }
    return bytes;
}

Result<std::string> unescape(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            bytes += text[i];
            continue;
        }
        const char kind = ++i < text.size() ? text[i] : '\0';
        if (kind == 'n')
            bytes += '\n';
        else if (kind == 't')
            bytes += '\t';
        else if (kind == 'r')
            bytes += '\r';
        else if (kind == '0')
            bytes += '\0';
        else if (kind == '\\')
            bytes += '\\';
        else if (kind == 'x' && i + 2 < text.size() && decode_hex(text.substr(i + 1, 2))) {
            bytes += *decode_hex(text.substr(i + 1, 2));
            i += 2;
        } else
            return fail(Errc::bad_option, "'" + std::string(text) +
                                              "' has an unknown escape; there are \\n \\t \\r \\0 "
                                              "\\\\ and \\xHH");
    }
    return bytes;
}

bool is_utf8(ByteView bytes) noexcept {
    for (std::size_t i = 0; i < bytes.size();) {
        const std::size_t length = utf8_length(bytes, i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

bool is_printable(ByteView bytes) noexcept {
    for (std::size_t i = 0; i < bytes.size();) {
        const std::size_t length = utf8_length(bytes, i);
        if (length == 0 || is_control(bytes, i, length))
            return false;
        i += length;
    }
    return true;
}

} // namespace flotilla
