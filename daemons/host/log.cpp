// SPDX-License-Identifier: Apache-2.0
#include "host/log.hpp"

#include "host/log_output.hpp"

#include <flotilla/base/encoding.hpp>

#include <nlohmann/json.hpp>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <array>
#include <mutex>

namespace flotilla::host {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> format_names{"text", "json"};

template <class Value, std::size_t count>
std::optional<Value> named(const std::array<std::string_view, count>& names,
                           std::string_view name) noexcept {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
        return std::nullopt;
    return static_cast<Value>(found - names.begin());
}

spdlog::level::level_enum native(LogLevel level) noexcept {
    constexpr std::array levels{spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                spdlog::level::err};
    return levels[static_cast<std::size_t>(level)];
}

// JSON lets DEL and the controls beyond ASCII stand as they are; terminals obey some of them.
std::string json_text(std::string_view value) {
    const std::string text =
        nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_pair = text[i] == '\xc2' && i + 1 < text.size() && text[i + 1] < '\xa0';
        if (!is_pair && text[i] != '\x7f') {
            out += text[i];
            continue;
        }
        out += "\\u00";
        append_hex(out, ByteView{text}.substr(is_pair ? ++i : i, 1));
    }
    return out;
}

bool is_plain(std::string_view value) {
    return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return c > ' ' && c != '"' && c != '=' && c != '\x7f';
    });
}

class Sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    using Format = std::shared_ptr<std::atomic<LogFormat>>;
    Sink(Format format, int descriptor) : format_(std::move(format)), output_(descriptor) {}

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (dropped_ > 0 && tell_dropped(message.time))
            dropped_ = 0;
        if (!write(message))
            ++dropped_;
    }
    void flush_() override {}

    bool write(const spdlog::details::log_msg& message) {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        return output_.write({line.data(), line.size()});
    }
    bool tell_dropped(spdlog::log_clock::time_point time) {
        const Fields fields{{"lines", dropped_}};
        const std::string line = *format_ == LogFormat::json ? format_json("log_left_out", fields)
                                                             : format_text("log_left_out", fields);
        return write({time, {}, "flotilla", spdlog::level::warn, line});
    }

    Format format_;
    LogOutput output_;
    std::uint64_t dropped_ = 0; // lines
};

} // namespace

std::string_view name(LogLevel level) noexcept {
    return level_names[static_cast<std::size_t>(level)];
}

std::string_view name(LogFormat format) noexcept {
    return format_names[static_cast<std::size_t>(format)];
}

std::optional<LogLevel> log_level_named(std::string_view name) noexcept {
    return named<LogLevel>(level_names, name);
}

std::optional<LogFormat> log_format_named(std::string_view name) noexcept {
    return named<LogFormat>(format_names, name);
}

std::string format_text(std::string_view event, const Fields& fields) {
    std::string line{event};
    for (const Field& each : fields)
        line += " " + each.name + "=" + (is_plain(each.value) ? each.value : json_text(each.value));
    return line;
}

std::string format_json(std::string_view event, const Fields& fields) {
    std::string line = "\"event\":" + json_text(event);
    for (const Field& each : fields)
        line += "," + json_text(each.name) + ":" +
                (each.kind == Field::Kind::number ? each.value : json_text(each.value));
    return line;
}

Log::Log(LogLevel level, LogFormat format, int descriptor)
    : format_(std::make_shared<std::atomic<LogFormat>>(format)),
      logger_(std::make_shared<spdlog::logger>("flotilla",
                                               std::make_shared<Sink>(format_, descriptor))) {
    set(level, format);
}

void Log::set(LogLevel level, LogFormat format) {
    *format_ = format;
    const char* const pattern = format == LogFormat::json
                                    ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                    : "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
    logger_->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
    logger_->set_level(native(level));
}

void Log::write(LogLevel level, std::string_view event, const Fields& fields) const {
    if (!logger_->should_log(native(level)))
        return;
    const std::string line =
        *format_ == LogFormat::json ? format_json(event, fields) : format_text(event, fields);
    logger_->log(native(level), spdlog::string_view_t{line.data(), line.size()});
}

} // namespace flotilla::host
