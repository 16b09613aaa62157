// SPDX-License-Identifier: Apache-2.0
#include "host/settings_text.hpp"

#include <flotilla/net/curve.hpp>

#include <cstdio>
#include <filesystem>

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

std::string shown_path(const std::string& path) {
    constexpr std::size_t key_size = 40; // in Z85, which has '/' and '.' among its letters
    const std::string tail = path.size() > key_size ? path.substr(path.size() - key_size) : path;
    std::error_code failed;
    if (std::filesystem::exists(path, failed))
        return path;
    const std::string name = std::filesystem::path(path).filename().string();
    const bool looks_like_file = name.find('.') != std::string::npos;
    return net::CurveKey::parse(tail) || !looks_like_file ? "(hidden)" : path;
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

void refuse_access_tables(SettingsTable& root) {
    for (const char* key : {"rule", "address", "plain"})
        if (!root.tables(key).empty())
            root.refuse(key, "[[" + std::string(key) +
                                 "]] stands in a file of its own, which access = \"...\" names");
}

} // namespace flotilla::host
