// SPDX-License-Identifier: Apache-2.0
//
// Option text: "name=value\n" lines in one frame, for people who type their protocol. Names are
// lower-case letters, digits and underscores; a value is anything without a line feed. The last
// line feed may be missing. A name given twice is an error, an unknown one is ignored.
//
// A reader takes typed values out and asks status() once; the first thing wrong is kept.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace flotilla::wire {

class OptionTextReader {
public:
    static constexpr std::size_t options_max = 32;
    static constexpr std::size_t bytes_max = 4096;

    // Errors, given by status(): malformed, too_large, too_many. Views into `text` are given out.
    explicit OptionTextReader(ByteView text);

    bool has(std::string_view name) const noexcept;
    std::string_view text(std::string_view name, std::size_t text_bytes_max);
    // Decimal. The fallback when absent; bad_option when not a number in [min, max].
    std::uint64_t count(std::string_view name, std::uint64_t fallback, std::uint64_t min,
                        std::uint64_t max);
    // 1 to 16 hexadecimal digits; 0 when absent.
    std::uint64_t hex(std::string_view name);
    Duration milliseconds(std::string_view name, Duration max);
    bool flag(std::string_view name); // "yes" or "no"; absent: no
    // Records an error found by the caller.
    void refuse(Errc code, std::string why);
    // Errors: bad_option, when it is absent.
    void require(std::string_view name);

    const Status& status() const noexcept { return status_; }
    // All that is there, name and value, in the order given.
    std::span<const std::pair<std::string_view, std::string_view>> all() const noexcept {
        return {options_.data(), size_};
    }

private:
    void add(std::string_view line);
    std::optional<std::string_view> find(std::string_view name) const noexcept;

    std::array<std::pair<std::string_view, std::string_view>, options_max> options_;
    std::size_t size_ = 0;
    Status status_{};
};

class OptionTextWriter {
public:
    // Line feeds in a value become spaces.
    OptionTextWriter& text(std::string_view name, std::string_view value);
    OptionTextWriter& count(std::string_view name, std::uint64_t value);
    OptionTextWriter& hex(std::string_view name, std::uint64_t value); // 16 digits
    OptionTextWriter& milliseconds(std::string_view name, Duration value);
    ByteView view() const noexcept { return out_; }

private:
    std::string out_;
};

} // namespace flotilla::wire
