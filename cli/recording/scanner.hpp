// SPDX-License-Identifier: Apache-2.0
//
// Scanner: reads a recording from bytes in any pieces, and goes on behind what is damaged. Pure.
//
//     Scanner scanner;
//     scanner.feed(bytes); ... scanner.end_of_input();
//     while (true) switch (scanner.next()) ...
//
// At a damaged place it looks for the next whole record and reports the bytes between; so one bad
// sector costs the messages in it. The search is bounded: a file made of false records is given up.
// It holds at most one record (body_bytes_max) and what was fed beyond it.
#pragma once

#include <cli/recording/format.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace flotilla::cli::recording {

class Scanner {
public:
    // Needs more input: at least so many further bytes, or end_of_input().
    struct Hungry {
        std::size_t bytes;
    };
    // Bytes that are no good, reported once each time; scanning goes on behind them.
    struct Gap {
        std::uint64_t offset; // of the first bad byte
        std::uint64_t bytes;
        std::string what;
        std::uint64_t messages_before; // good ones
        bool is_tail;                  // nothing good follows: cut short, or damaged to its end
    };
    // No further message: the end marker was read, or the input ended at a record's end.
    struct Finished {};
    // Header cannot be read: nothing else can.
    using Step = std::variant<Message, Hungry, Gap, Finished, Error>;

    void feed(ByteView bytes);
    void end_of_input() noexcept { input_ended_ = true; }
    Step next();

    // Known as soon as next() has given anything but Hungry or an Error.
    const std::optional<Header>& header() const noexcept { return header_; }
    // The recorder's own end marker was read, and its count agrees.
    bool ended_in_order() const noexcept { return end_.has_value(); }
    std::uint64_t messages_total() const noexcept { return messages_; }
    std::uint64_t damaged_bytes_total() const noexcept { return damaged_bytes_; }
    std::uint64_t sessions_total() const noexcept { return sessions_; }
    Duration last_offset() const noexcept { return last_offset_; }
    // Where the good records before the end marker stop: an appending writer goes on here.
    std::uint64_t records_end() const noexcept { return records_end_; }

private:
    ByteView rest() const noexcept { return ByteView(buffer_).substr(at_); }
    std::uint64_t offset() const noexcept { return dropped_ + at_; }
    std::optional<Step> read_header();
    std::optional<Step> take(Record& record, std::size_t bytes);
    Step begin_gap(std::string what);
    Step search();
    enum class Tail : std::uint8_t { no, yes };
    Step close_gap(Tail tail);

    std::string buffer_;
    std::size_t at_ = 0;        // into buffer_
    std::uint64_t dropped_ = 0; // bytes of the input that buffer_ no longer holds
    bool input_ended_ = false;
    std::optional<Header> header_;
    std::optional<End> end_;
    struct OpenGap {
        std::string what;
        std::uint64_t offset;
        bool at_candidate; // what lies at at_ was not judged yet
    };
    std::optional<OpenGap> gap_;
    std::uint64_t tried_bytes_ = 0; // hashed in searches
    std::uint64_t messages_ = 0;
    std::uint64_t damaged_bytes_ = 0;
    std::uint64_t sessions_ = 1;
    std::uint64_t records_end_ = 0;
    Duration last_offset_{};
};

// "damaged at byte 4096: the record's checksum does not match; 57 bytes lost, 12 messages before
// are good"
std::string describe(const Scanner::Gap& gap);

} // namespace flotilla::cli::recording
