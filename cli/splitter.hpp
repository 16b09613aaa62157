// SPDX-License-Identifier: Apache-2.0
//
// Splitter: a stream of bytes into records.
//
// Pure: it is fed bytes as they come and asked for records. It holds at most one unfinished record
// of up to record_bytes_max bytes, plus what the last feed() brought.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace flotilla::cli {

struct SplitterOptions {
    enum class Framing : std::uint8_t {
        delimiter, // records end with `delimiter`; the last one may lack it
        u32,       // a length of four bytes, big-endian, then the record
        u32le,     // the same, little-endian
        whole,     // everything is one record
    } framing = Framing::delimiter;
    std::string delimiter = "\n"; // at least one byte
    std::uint64_t record_bytes_max = 64ULL << 20;
};

class Splitter {
public:
    explicit Splitter(SplitterOptions options);

    void feed(ByteView bytes);
    void end() noexcept { ended_ = true; } // nothing follows
    bool ended() const noexcept { return ended_; }

    // The next record, which lives until the next feed() or next(); nothing when it is not complete
    // yet, or, after end(), when there is none. Errors, final: too_large; malformed (the input
    // ended inside a record with a length).
    Result<std::optional<ByteView>> next();

private:
    ByteView rest() const noexcept { return ByteView{buffer_}.substr(begin_); }
    std::size_t begun_delimiter() const noexcept;
    ByteView take(std::size_t bytes, std::size_t skip) noexcept;
    Result<std::optional<ByteView>> next_delimited();
    Result<std::optional<ByteView>> next_prefixed();
    Result<std::optional<ByteView>> next_whole();
    tl::unexpected<Error> too_large(std::uint64_t bytes) const;

    SplitterOptions options_;
    std::string buffer_;
    std::size_t begin_ = 0;    // records before it were given out
    std::size_t searched_ = 0; // from begin_ on, this much holds no delimiter
    bool ended_ = false;
};

} // namespace flotilla::cli
