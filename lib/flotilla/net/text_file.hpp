// SPDX-License-Identifier: Apache-2.0
// Small text files: keys and lists of keys. Private to net.
#pragma once

#include <flotilla/base/result.hpp>

#include <string>
#include <string_view>

namespace flotilla::net::detail {

inline constexpr std::size_t text_file_bytes_max = 16U << 20;

// Errors: not_found, io, too_large.
Result<std::string> read_text_file(const std::string& path);
// The same of a file that nobody but its owner may read or change. Errors: unsafe_file too, with
// how to mend it.
Result<std::string> read_secret_file(const std::string& path);
// Creates a file that must not exist, with exactly `mode`. Errors: exists, io, disk_full.
Status create_text_file(const std::string& path, std::string_view text, unsigned mode);

// Takes the next line off `rest`, without its end.
std::string_view next_line(std::string_view& rest);
std::string_view trimmed(std::string_view text);

} // namespace flotilla::net::detail
