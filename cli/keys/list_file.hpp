// SPDX-License-Identifier: Apache-2.0
//
// The files of an allow-list: their lines, their change as a whole, and whom they say was revoked.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/curve.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace flotilla::cli::keys {

inline constexpr std::string_view revoked_ending = ".revoked"; // of a certificate in a folder

// "cannot DOING: " and what errno says. Errors: io; disk_full.
Status file_failure(const std::string& doing, int number);

// Puts a new content in the place of a file, so that nobody sees half of it. Errors: io; disk_full.
Status replace_file(const std::string& file, const std::string& text);

// The key that a line allows, if it does: by itself, or as a certificate's file beside the list.
std::optional<net::CurveKey> key_of_line(const std::string& line,
                                         const std::filesystem::path& folder);

// The users of revoked keys, of those that have one.
std::map<net::CurveKey, std::string> revoked_users(const std::string& list);

} // namespace flotilla::cli::keys
