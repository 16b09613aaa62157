// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/option_text.hpp>

#include <algorithm>
#include <charconv>

namespace flotilla::wire {
namespace {

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

std::optional<std::uint64_t> parse(std::string_view text, int base) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    if (text.empty() || error != std::errc{} || stop != end)
        return std::nullopt;
    return value;
}

} // namespace

OptionTextReader::OptionTextReader(ByteView text) {
    if (text.size() > bytes_max) {
        refuse(Errc::too_large, "options are " + std::to_string(text.size()) +
                                    " bytes; the limit is " + std::to_string(bytes_max));
        return;
    }
    while (status_ && !text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        add(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void OptionTextReader::add(std::string_view line) {
    const std::size_t equals = line.find('=');
    const std::string_view name = line.substr(0, equals);
    if (equals == line.npos || !is_name(name))
        refuse(Errc::malformed, "an option line is not 'name=value'");
    else if (find(name))
        refuse(Errc::malformed, "option '" + std::string(name) + "' is given twice");
    else if (size_ == options_max)
        refuse(Errc::too_many, "there are more than " + std::to_string(options_max) + " options");
    else
        options_[size_++] = {name, line.substr(equals + 1)};
}

std::optional<std::string_view> OptionTextReader::find(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < size_; ++i)
        if (options_[i].first == name)
            return options_[i].second;
    return std::nullopt;
}

bool OptionTextReader::has(std::string_view name) const noexcept {
    return find(name).has_value();
}

std::string_view OptionTextReader::text(std::string_view name, std::size_t text_bytes_max) {
    const std::string_view value = find(name).value_or(std::string_view{});
    if (value.size() <= text_bytes_max)
        return value;
    refuse(Errc::too_large, "option '" + std::string(name) + "' is " +
                                std::to_string(value.size()) + " bytes; the limit is " +
                                std::to_string(text_bytes_max));
    return {};
}

std::uint64_t OptionTextReader::count(std::string_view name, std::uint64_t fallback,
                                      std::uint64_t min, std::uint64_t max) {
    const auto value = find(name);
    if (!value)
        return fallback;
    const auto number = parse(*value, 10);
    if (number && *number >= min && *number <= max)
        return *number;
    refuse(Errc::bad_option, "option '" + std::string(name) + "' must be a number from " +
                                 std::to_string(min) + " to " + std::to_string(max));
    return fallback;
}

std::uint64_t OptionTextReader::hex(std::string_view name) {
    const auto value = find(name);
    if (!value)
        return 0;
    const auto number = value->size() <= 16 ? parse(*value, 16) : std::nullopt;
    if (!number)
        refuse(Errc::bad_option,
               "option '" + std::string(name) + "' must be 1 to 16 hexadecimal digits");
    return number.value_or(0);
}

Duration OptionTextReader::milliseconds(std::string_view name, Duration max) {
    using std::chrono::milliseconds;
    const auto limit = std::chrono::duration_cast<milliseconds>(max).count();
    return milliseconds{
        static_cast<std::int64_t>(count(name, 0, 0, static_cast<std::uint64_t>(limit)))};
}

bool OptionTextReader::flag(std::string_view name) {
    const auto value = find(name);
    if (value && *value != "yes" && *value != "no")
        refuse(Errc::bad_option, "option '" + std::string(name) + "' must be yes or no");
    return value == "yes";
}

void OptionTextReader::refuse(Errc code, std::string why) {
    if (status_)
        status_ = fail(code, std::move(why));
}

void OptionTextReader::require(std::string_view name) {
    if (!has(name))
        refuse(Errc::bad_option, "option '" + std::string(name) + "' is missing");
}

OptionTextWriter& OptionTextWriter::text(std::string_view name, std::string_view value) {
    out_.append(name).push_back('=');
    const std::size_t from = out_.size();
    out_.append(value);
    std::replace(out_.begin() + static_cast<std::ptrdiff_t>(from), out_.end(), '\n', ' ');
    out_.push_back('\n');
    return *this;
}

OptionTextWriter& OptionTextWriter::count(std::string_view name, std::uint64_t value) {
    return text(name, std::to_string(value));
}

OptionTextWriter& OptionTextWriter::hex(std::string_view name, std::uint64_t value) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out(16, '0');
    for (std::size_t i = 0; i < 16; ++i)
        out[i] = digits[value >> (60 - 4 * i) & 15];
    return text(name, out);
}

OptionTextWriter& OptionTextWriter::milliseconds(std::string_view name, Duration value) {
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(value).count();
    return count(name, static_cast<std::uint64_t>(std::max<std::int64_t>(rounded, 0)));
}

} // namespace flotilla::wire
