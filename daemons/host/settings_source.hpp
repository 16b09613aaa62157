// SPDX-License-Identifier: Apache-2.0
//
// SettingsSource: where a daemon's settings came from, so that they can be read again: flags and
// variables, which stay what they were, over a file, which may have changed.
#pragma once

#include "host/lifecycle.hpp"

#include <flotilla/base/result.hpp>

#include <string>
#include <utility>

namespace flotilla::host {

template <class Settings>
struct SettingsSource {
    Settings flags{};   // and variables
    std::string file{}; // empty: none
};

// `parse(text, file)` and `lay_over(flags, file)` are the daemon's. Errors: bad_setting (the file
// cannot be read, or what is in it), and those of laying one over the other.
template <class Settings, class Parse, class LayOver>
Result<Settings> read_settings(const SettingsSource<Settings>& source, Parse&& parse,
                               LayOver&& lay_over) {
    if (source.file.empty())
        return lay_over(source.flags, Settings{});
    const auto text = read_settings_file(source.file);
    if (!text)
        return fail(Errc::bad_setting, text.error().detail);
    auto file = parse(*text, source.file);
    if (!file)
        return file;
    return lay_over(source.flags, std::move(*file));
}

} // namespace flotilla::host
