// SPDX-License-Identifier: Apache-2.0
//
// Reader: the messages of a recording file, or of one that comes through a pipe ("-" is stdin).
//
// Reads ahead a little; waits only for the file or pipe itself. One thread.
#pragma once

#include <flotilla/base/result.hpp>

#include <cli/recording/scanner.hpp>

#include <optional>
#include <string>
#include <variant>

namespace flotilla::cli::recording {

class Reader {
public:
    // Reads the header. Errors, each naming the file: not_found, io; malformed (no recording),
    // unsupported (a later format version), damaged (its header).
    static Result<Reader> open(const std::string& path);
    Reader(Reader&& other) noexcept;
    Reader& operator=(Reader&& other) noexcept;
    ~Reader();

    const Header& header() const { return *scanner_.header(); }
    // The next message, or a damaged place (further calls go on behind it), or the end.
    // Errors: io.
    using Next = std::variant<Message, Scanner::Gap, Scanner::Finished>;
    Result<Next> next();
    // What is known so far: counts, and whether the recording ended in order.
    const Scanner& state() const noexcept { return scanner_; }
    const std::string& path() const noexcept { return path_; }
    // Bytes in the file when it was opened; 0 for a pipe. For progress.
    std::uint64_t file_bytes() const noexcept { return file_bytes_; }
    std::uint64_t read_bytes() const noexcept { return read_bytes_; }

private:
    Reader(std::string path, int descriptor) noexcept;
    Status read_more();

    std::string path_;
    int descriptor_;
    bool owned_;
    std::uint64_t file_bytes_ = 0;
    std::uint64_t read_bytes_ = 0;
    Scanner scanner_;
    std::optional<Next> ahead_; // what was found while the header was read
};

} // namespace flotilla::cli::recording
