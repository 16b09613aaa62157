// SPDX-License-Identifier: Apache-2.0
//
// Log: one line an event on standard error: time, level, a stable event name, then fields.
//
//     2026-01-31T12:00:00.000Z info relay_ready name=prices frontend=tcp://127.0.0.1:5555
//     {"time":"2026-01-31T12:00:00.000Z","level":"info","event":"relay_ready","name":"prices"}
//
// Event names and field names are part of the interface: they are added to, not changed. Nobody
// waits for a reader: lines that do not fit are dropped, and `log_left_out lines=N` says how many
// when there is room again. Safe from every thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace spdlog {
class logger;
}

namespace flotilla::host {

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

std::string_view name(LogLevel level) noexcept; // "info"
std::string_view name(LogFormat format) noexcept;
std::optional<LogLevel> log_level_named(std::string_view name) noexcept;
std::optional<LogFormat> log_format_named(std::string_view name) noexcept;

// A text or a whole number; in JSON lines numbers are numbers, and a text of digits stays a text.
struct Field {
    enum class Kind : std::uint8_t { text, number };

    Field(std::string its_name, std::string text)
        : name(std::move(its_name)), value(std::move(text)) {}
    template <class Number>
    requires std::is_integral_v<Number> Field(std::string its_name, Number number)
        : name(std::move(its_name)), value(std::to_string(number)), kind(Kind::number) {}
    friend bool operator==(const Field&, const Field&) = default;

    std::string name;
    std::string value;
    Kind kind = Kind::text;
};
using Fields = std::vector<Field>;

// Everything of a line behind time and level. In text a value with blanks, quotes, '=' or control
// characters, or an empty one, is written as a JSON string.
std::string format_text(std::string_view event, const Fields& fields);
// The members of the JSON object behind time and level: "\"event\":...".
std::string format_json(std::string_view event, const Fields& fields);

class Log {
public:
    // `descriptor` (standard error) must stay open.
    Log(LogLevel level, LogFormat format, int descriptor = 2);

    // From the next line on.
    void set(LogLevel level, LogFormat format);

    void debug(std::string_view event, const Fields& fields = {}) const {
        write(LogLevel::debug, event, fields);
    }
    void info(std::string_view event, const Fields& fields = {}) const {
        write(LogLevel::info, event, fields);
    }
    void warning(std::string_view event, const Fields& fields = {}) const {
        write(LogLevel::warning, event, fields);
    }
    void error(std::string_view event, const Fields& fields = {}) const {
        write(LogLevel::error, event, fields);
    }
    void write(LogLevel level, std::string_view event, const Fields& fields) const;

private:
    std::shared_ptr<std::atomic<LogFormat>> format_; // the sink's too
    std::shared_ptr<spdlog::logger> logger_;
};

} // namespace flotilla::host
