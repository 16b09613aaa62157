// SPDX-License-Identifier: Apache-2.0
//
// Writer: messages into a recording, so that at any moment what reached the file is readable.
//
// Whole records are gathered and written together. When a write fails (disk full, file size limit)
// the file is cut back to its last whole record, the end marker is put there if it fits, and every
// later call gives the same error. One thread.
#pragma once

#include <flotilla/base/result.hpp>

#include <cli/recording/format.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::cli::recording {

// Where the bytes go; a file, or a test's.
class Sink {
public:
    virtual ~Sink() = default;
    // Appends some of them, at least one, and says how many. Errors: disk_full, io.
    virtual Result<std::size_t> write(ByteView bytes) = 0;
    // Cuts back to so many bytes; where that is impossible (a pipe), an error.
    virtual Status truncate(std::uint64_t bytes) = 0;
    // Returns when what was written will survive a power cut.
    virtual Status sync() = 0;
};

class Writer {
public:
    static constexpr std::size_t gathered_bytes_max = 256 * 1024;

    // A new recording; writes its header. Errors: too_large, disk_full, io.
    static Result<Writer> begin(std::unique_ptr<Sink> sink, Header header);
    // Goes on behind the records of an old one, which `sink` is positioned after: `offset` and
    // `messages` are where it stopped.
    struct Resume {
        std::uint64_t bytes = 0;
        std::uint64_t messages = 0;
        Duration offset{0};
        WallTime time{};
    };
    static Result<Writer> resume(std::unique_ptr<Sink> sink, Resume from);

    // `message.offset` counts from the beginning of this session. Errors: too_large (this message
    // only); disk_full, io (for good: what was added and flushed before is readable).
    Status add(const Message& message);
    // Hands what is gathered to the sink; call it when nothing arrives. Errors: disk_full, io.
    Status flush();
    // End marker, flush, sync. Errors: disk_full, io.
    Status finish();

    std::uint64_t messages_total() const noexcept { return messages_; }
    std::uint64_t written_bytes() const noexcept { return written_; }
    // Messages that are in the file for certain after an error.
    std::uint64_t messages_kept() const noexcept { return messages_kept_; }

private:
    explicit Writer(std::unique_ptr<Sink> sink) noexcept : sink_(std::move(sink)) {}
    Status gather(std::string record);
    tl::unexpected<Error> give_up(Error error, std::size_t done);

    std::unique_ptr<Sink> sink_;
    // Where a gathered record ends, and how many messages there are up to there.
    struct Mark {
        std::size_t end;
        std::uint64_t messages;
    };
    std::string gathered_;
    std::vector<Mark> marks_;
    std::uint64_t written_ = 0;  // bytes that are in the sink
    std::uint64_t messages_ = 0; // added, those of earlier sessions included
    std::uint64_t messages_kept_ = 0;
    Duration base_{0}; // added to offsets
    Duration last_{0};
    std::optional<Error> broken_;
};

enum class Existing : std::uint8_t { refuse, overwrite, append };

struct FileOptions {
    Existing existing = Existing::refuse;
    Header header{}; // of a new recording
};
// Whether open_recording would refuse `path` because something is there; for who wants to know
// before anything else is begun. Errors: exists.
Status check_not_there(const std::string& path);

// A recording in the file `path`, "-" being stdout. append reads the old one through and goes on
// behind it; a damaged one is refused as damaged, and `zmq replay --repair` is named. Errors:
// exists, damaged, malformed, unsupported, io, disk_full.
Result<Writer> open_recording(const std::string& path, FileOptions options);

// The error of a Writer, for people: with how much is there all the same.
Error with_what_is_kept(Error error, const Writer& writer);

} // namespace flotilla::cli::recording
