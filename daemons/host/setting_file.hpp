// SPDX-License-Identifier: Apache-2.0
//
// Listed settings (setting_values.hpp) in a TOML file: visitors that read a table into a struct of
// settings, and write it back for --print-config. Pure.
#pragma once

#include "host/setting_values.hpp"
#include "host/settings_text.hpp"

#include <flotilla/base/settings.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace flotilla::host {

// Reads one table, key by key; relative paths are taken from `folder`.
class SettingReader {
public:
    SettingReader(SettingsTable& table, std::filesystem::path folder)
        : table_(table), folder_(std::move(folder)) {}

    std::optional<std::uint64_t> read(const char* key, const Counts& values) {
        return table_.count(key, values.min, values.max);
    }
    std::optional<std::uint64_t> read(const char* key, const Sizes& values) {
        return within(key, table_.bytes(key), values, format_bytes);
    }
    std::optional<Duration> read(const char* key, const Times& values) {
        return within(key, table_.duration(key), values, format_duration);
    }
    std::optional<std::string> read(const char* key, const Words& values) {
        return table_.choice(key, values.choices);
    }
    std::optional<bool> read(const char* key, const Flags&) { return table_.flag(key); }
    std::optional<std::string> read(const char* key, const Paths&) {
        const auto text = read(key, Texts{});
        return text ? std::optional{(folder_ / *text).string()} : std::nullopt;
    }
    std::optional<std::string> read(const char* key, const SecretPaths&) {
        return read(key, Paths{});
    }
    std::optional<std::string> read(const char* key, const Texts& values) {
        const auto text = table_.text(key);
        if (!text)
            return text;
        if (const auto right = parse_setting(*text, values); !right) {
            table_.refuse(key, "'" + std::string(key) + "': " + right.error().detail);
            return std::nullopt;
        }
        return text;
    }

private:
    template <class Value, class Values, class Format>
    std::optional<Value> within(const char* key, std::optional<Value> value, const Values& values,
                                Format&& format) {
        if (!value)
            return value;
        if (const Status right = in_range(values, *value, format); !right) {
            table_.refuse(key, "'" + std::string(key) + "': " + right.error().detail);
            return std::nullopt;
        }
        return value;
    }

    SettingsTable& table_;
    std::filesystem::path folder_;
};

template <class Settings>
auto reading(SettingReader& in, Settings& settings) {
    return [&in, &settings](const char* key, auto field, const auto& values, const char*) {
        settings.*field = in.read(key, values);
    };
}

inline std::string setting_toml(std::uint64_t value, const Counts&) {
    return std::to_string(value);
}
inline std::string setting_toml(std::uint64_t value, const Sizes&) {
    return toml_text(format_bytes(value));
}
inline std::string setting_toml(Duration value, const Times&) {
    return toml_text(format_duration(value));
}
inline std::string setting_toml(const std::string& value, const Words&) {
    return toml_text(value);
}
inline std::string setting_toml(const std::string& value, const Paths&) {
    return toml_text(value);
}
inline std::string setting_toml(const std::string& value, const SecretPaths&) {
    return toml_text(shown_path(value));
}
inline std::string setting_toml(const std::string& value, const Texts&) {
    return toml_text(value);
}
inline std::string setting_toml(bool value, const Flags&) {
    return toml_flag(value);
}

template <class Settings>
auto writing(std::string& out, const Settings& settings) {
    return [&out, &settings](const char* key, auto field, const auto& values, const char*) {
        if (settings.*field)
            toml_line(out, key, setting_toml(*(settings.*field), values));
    };
}

} // namespace flotilla::host
