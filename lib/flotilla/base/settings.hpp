// SPDX-License-Identifier: Apache-2.0
//
// Settings: typed reading of a TOML text. It parses; whoever owns the file reads it.
//
//     auto file = Settings::parse(text, "relay.toml");
//     for (SettingsTable& relay : file->tables("relay")) {
//         options.drain = relay.duration("drain").value_or(options.drain);
//     }
//     if (auto done = file->finish(); !done) ...
//
// Each getter takes a value once and answers nothing when the key is absent or wrong. What was
// wrong (type, range, unit) and what nobody asked for (an unknown key, with the nearest known one)
// is gathered and given by finish(), every entry as "FILE:LINE:COLUMN: what; what would be right".
// One thread.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla {

namespace detail {
struct SettingsTree;
} // namespace detail

// One table of the text. Valid while its Settings lives.
class SettingsTable {
public:
    std::optional<std::string> text(std::string_view key);
    // A text that must be one of `choices`.
    std::optional<std::string> choice(std::string_view key,
                                      const std::vector<std::string_view>& choices);
    // One text or a list of texts.
    std::optional<std::vector<std::string>> texts(std::string_view key);
    // A text, number or flag as a text, a list of them with commas: for values that somebody else
    // reads.
    std::optional<std::string> any(std::string_view key);
    std::optional<bool> flag(std::string_view key);
    std::optional<std::uint64_t> count(std::string_view key, std::uint64_t min, std::uint64_t max);
    std::optional<Duration> duration(std::string_view key);   // "250ms"
    std::optional<std::uint64_t> bytes(std::string_view key); // "64MiB"

    std::optional<SettingsTable> table(std::string_view key); // [key]
    std::vector<SettingsTable> tables(std::string_view key);  // every [[key]]

    // "FILE:LINE:COLUMN", of the table or of one of its keys, for errors found by the caller.
    std::string where() const;
    std::string where(std::string_view key) const;
    // Records an error found by the caller; finish() will report it at the key's place.
    void refuse(std::string_view key, std::string why);

private:
    friend class Settings;
    SettingsTable(detail::SettingsTree& tree, const void* table);
    detail::SettingsTree* tree_;
    const void* table_;
};

class Settings {
public:
    // `file` is only the name that errors carry. Errors: bad_setting (not TOML, with line and
    // column).
    static Result<Settings> parse(std::string_view text, std::string file);
    Settings(Settings&&) noexcept;
    Settings& operator=(Settings&&) noexcept;
    ~Settings();

    SettingsTable root();
    // Success when every value was right and every key was asked for. Errors: bad_setting, one line
    // an error.
    Status finish();

private:
    explicit Settings(std::unique_ptr<detail::SettingsTree> tree);
    std::unique_ptr<detail::SettingsTree> tree_;
};

// The candidate closest to `word` by edits, if one is close enough to be a likely misspelling.
std::optional<std::string> nearest_word(std::string_view word,
                                        const std::vector<std::string>& candidates);

} // namespace flotilla
