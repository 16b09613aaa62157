// SPDX-License-Identifier: Apache-2.0
//
// Output: stdout, which carries data and nothing else.
//
// Writes are gathered and leave when flush() is called, when a person watches (stdout is a
// terminal), or when 64 KiB are waiting. A reader that went away (`zmq sub ... | head -1`) is not
// an error: closed() turns true, later writes do nothing, and the verb ends with success.
// Not thread-safe.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/exit_code.hpp>
#include <flotilla/base/result.hpp>

#include <cstdint>
#include <string>

namespace flotilla::cli {

class Output {
public:
    Output(); // standard output
    explicit Output(int descriptor);
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    // Errors: io, disk_full. Waits as long as the reader does not read.
    Status write(ByteView bytes);
    Status flush();
    bool closed() const noexcept { return closed_; }
    // What write() was given so far, and how much of it the reader's pipe, or the file, has taken.
    std::uint64_t given_bytes() const noexcept { return given_bytes_; }
    std::uint64_t written_bytes() const noexcept { return written_bytes_; }
    bool is_terminal() const noexcept { return terminal_; }

    // Flushes and turns what was written into the end of a verb: success, or the error.
    Result<ExitCode> finish(Status written, ExitCode code = ExitCode::ok);

private:
    int descriptor_;
    bool terminal_;
    bool closed_ = false;
    std::uint64_t given_bytes_ = 0;
    std::uint64_t written_bytes_ = 0;
    std::string waiting_;
};

} // namespace flotilla::cli
