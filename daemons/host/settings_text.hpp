// SPDX-License-Identifier: Apache-2.0
//
// Settings written as TOML, for --print-config: what Settings::parse reads back. Pure.
#pragma once

#include <flotilla/base/settings.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace flotilla::host {

// In quotes, with what TOML wants escaped.
std::string toml_text(std::string_view text);
inline const char* toml_flag(bool value) {
    return value ? "true" : "false";
}
// The path of a secret as --print-config shows it: "(hidden)" when it may be the secret itself,
// written where its file's path belongs.
std::string shown_path(const std::string& path);
// Appends "key = value\n"; `value` is TOML already.
void toml_line(std::string& out, std::string_view key, const std::string& value);
// Appends "key = ["...", "..."]\n".
void toml_list(std::string& out, std::string_view key, const std::vector<std::string>& values);

// A daemon's own file has no rules: they stand in the file of `access`.
void refuse_access_tables(SettingsTable& root);

} // namespace flotilla::host
