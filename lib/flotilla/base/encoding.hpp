// SPDX-License-Identifier: Apache-2.0
//
// Encodings of bytes as text: hex, base64 (RFC 4648), Z85 (32/Z85), C-like quoting and its reverse.
// Pure; every decoder refuses what its encoder cannot have written.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace flotilla {

void append_hex(std::string& out, ByteView bytes);
void append_base64(std::string& out, ByteView bytes);
// Z85 is defined for multiples of four bytes only; false, and nothing appended, for others.
[[nodiscard]] bool append_z85(std::string& out, ByteView bytes);
// Quotes, backslashes, control bytes and bytes that are not UTF-8 become \" \\ \n \r \t \0 \xHH.
void append_escaped(std::string& out, ByteView bytes);
// Text of others for a terminal, which could be driven with it: as it is, but lines that are not
// printable escaped.
void append_shown(std::string& out, std::string_view text);

std::optional<std::string> decode_hex(std::string_view text);
std::optional<std::string> decode_base64(std::string_view text);

// "\n", "\t", "\r", "\0", "\\", "\xHH" in an argument become the bytes they name.
// Errors: bad_option, naming the escape.
Result<std::string> unescape(std::string_view text);

bool is_utf8(ByteView bytes) noexcept;
// Valid UTF-8 without control characters.
bool is_printable(ByteView bytes) noexcept;

} // namespace flotilla
