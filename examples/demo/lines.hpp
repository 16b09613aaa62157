// SPDX-License-Identifier: Apache-2.0
//
// The demo's messages, and the proof: a message is a line of a file with its number in front, every
// receiver writes down what it got (number and checksum), and the tally compares all of that with
// the file.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace demo {

using flotilla::ByteView;
using flotilla::Result;

// The lines of a file, `rounds` times over.
class Lines {
public:
    // Errors: not_found, io; malformed (no lines).
    static Result<Lines> read(const std::string& path, std::uint64_t rounds = 1);

    std::uint64_t size() const { return ends_.size() * rounds_; }
    std::uint64_t bytes() const { return text_.size() * rounds_; }
    ByteView operator[](std::uint64_t number) const;

private:
    std::string text_;
    std::vector<std::size_t> ends_;
    std::uint64_t rounds_ = 1;
};

// Number and line; what one message's frame holds.
void write_message(std::string& message, std::uint64_t number, ByteView line);
std::uint64_t checksum(ByteView bytes);

// What one receiver got, in the order in which it got it.
struct Entry {
    std::uint64_t number = 0;
    std::uint64_t checksum = 0; // of the line
    std::uint64_t redelivered = 0;
};

// A file of entries. What was written survives the death of its process.
class Journal {
public:
    // Aborts the program when the file cannot be made.
    explicit Journal(const std::string& path);
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal();

    // Number and checksum of a message. Gathered; flush() hands them to the system.
    void add(ByteView message, bool is_redelivered = false);
    void flush();
    std::uint64_t size() const { return size_; }

private:
    std::FILE* file_;
    std::uint64_t size_ = 0;
};

struct Tally {
    std::uint64_t received = 0;
    std::uint64_t lost = 0;       // lines that nobody got
    std::uint64_t duplicated = 0; // received more than once
    std::uint64_t unmarked = 0;   // of these, beyond the first, without the mark of a redelivery
    std::uint64_t damaged = 0;    // checksum differs, or no such line
    bool in_order = true;         // in every journal the numbers grow
};
// Of all journals together.
Tally tally(const Lines& lines, const std::vector<std::string>& journals);

} // namespace demo
