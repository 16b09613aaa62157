// SPDX-License-Identifier: Apache-2.0
#include "host/settings_text.hpp"

#include <cstdio>

namespace flotilla::host {

std::string toml_text(std::string_view text) {
    std::string all = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04X", byte);
            all += escaped;
            continue;
        }
        if (c == '"' || c == '\\')
            all += '\\';
        all += c;
    }
    return all + "\"";
}

void toml_line(std::string& out, std::string_view key, const std::string& value) {
    out += std::string(key) + " = " + value + "\n";
}

void toml_list(std::string& out, std::string_view key, const std::vector<std::string>& values) {
    std::string all;
    for (const std::string& each : values)
        all += (all.empty() ? "" : ", ") + toml_text(each);
    toml_line(out, key, "[" + all + "]");
}

} // namespace flotilla::host
