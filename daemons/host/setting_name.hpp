// SPDX-License-Identifier: Apache-2.0
//
// What a setting is called in a sentence about it: its flag and its key, so that it is found on the
// command line and in the file alike. Pure.
#pragma once

#include <flotilla/base/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace flotilla::host {

// "curve_key" is "--curve-key".
inline std::string flag_name(std::string key) {
    std::replace(key.begin(), key.end(), '_', '-');
    return "--" + key;
}

// "--curve-key (curve_key)"
inline std::string setting_name(const std::string& key) {
    return flag_name(key) + " (" + key + ")";
}

// The same error, with the setting in front whose value it is about.
inline Error about_setting(const std::string& key, Error error) {
    error.detail = setting_name(key) + ": " + error.detail;
    return error;
}

} // namespace flotilla::host
