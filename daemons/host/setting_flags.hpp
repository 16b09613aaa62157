// SPDX-License-Identifier: Apache-2.0
//
// Listed settings (setting_values.hpp) as flags and variables: SettingFlags is a visitor that
// declares each one that it visits.
#pragma once

#include "host/command_line.hpp"
#include "host/common_settings.hpp"
#include "host/setting_name.hpp"
#include "host/setting_values.hpp"

#include <string>
#include <utility>

namespace flotilla::host {

inline const char* type_name(const Counts&) {
    return "N";
}
inline const char* type_name(const Sizes&) {
    return "SIZE";
}
inline const char* type_name(const Times&) {
    return "TIME";
}
inline const char* type_name(const Words&) {
    return "WORD";
}
inline const char* type_name(const Paths& paths) {
    return paths.type;
}
inline const char* type_name(const SecretPaths&) {
    return "FILE";
}
inline const char* type_name(const Texts&) {
    return "TEXT";
}

template <class Settings>
class SettingFlags {
public:
    // `prefix` is that of the program's variables, "FLOTILLA_BROKER_".
    SettingFlags(Parser& parser, const char* group, Settings& settings, std::string prefix)
        : parser_(parser), group_(group), settings_(settings), prefix_(std::move(prefix)) {}

    template <class Field, class Values>
    void operator()(const char* key, Field field, const Values& values, const char* help) const {
        auto& target = settings_.*field;
        const auto take = [&target, values](const std::string& text) -> Status {
            auto value = parse_setting(text, values);
            if (!value)
                return fail(value.error());
            target = std::move(*value);
            return {};
        };
        finish(parser_.add_option(flag_name(key), take, help).type_name(type_name(values)));
    }
    template <class Field>
    void operator()(const char* key, Field field, const Flags&, const char* help) const {
        auto& target = settings_.*field;
        finish(parser_.add_switch(flag_name(key), target, help));
    }

private:
    void finish(Option option) const {
        option.group(group_);
        read_from_environment(option, prefix_);
    }

    Parser& parser_;
    const char* group_;
    Settings& settings_;
    std::string prefix_;
};

// The flags of CommonSettings, and --ready-json.
template <class Settings>
void add_common_settings(Parser& parser, Settings& settings, CommonFlags& flags,
                         const std::string& prefix) {
    const auto group = [&](const char* name) {
        return SettingFlags<Settings>(parser, name, settings, prefix);
    };
    for_each_security_setting<Settings>(group("Security"));
    for_each_admin_setting<Settings>(group("Administration"));
    for_each_daemon_setting<Settings>(group("Daemon"));
    for_each_log_setting<Settings>(group("Daemon"));
    add_common_flags(parser, flags, prefix);
}

} // namespace flotilla::host
