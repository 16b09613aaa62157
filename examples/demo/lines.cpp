// SPDX-License-Identifier: Apache-2.0
#include "lines.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/wire/pack.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace demo {

using namespace flotilla;

Result<Lines> Lines::read(const std::string& path, std::uint64_t rounds) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail(Errc::not_found, path + ": " + std::strerror(errno));
    Lines lines;
    lines.rounds_ = rounds;
    lines.text_.assign(std::istreambuf_iterator<char>(file), {});
    if (file.bad())
        return fail(Errc::io, path + ": cannot be read to its end");
    if (!lines.text_.empty() && lines.text_.back() != '\n')
        lines.text_ += '\n';
    for (std::size_t at = 0; (at = lines.text_.find('\n', at)) != std::string::npos; ++at)
        lines.ends_.push_back(at);
    if (lines.ends_.empty())
        return fail(Errc::malformed, path + ": has no lines");
    return lines;
}

ByteView Lines::operator[](std::uint64_t number) const {
    const std::size_t line = number % ends_.size();
    const std::size_t begin = line == 0 ? 0 : ends_[line - 1] + 1;
    return ByteView{text_}.substr(begin, ends_[line] - begin);
}

void write_message(std::string& message, std::uint64_t number, ByteView line) {
    message.resize(8);
    wire::store_u64(message.data(), number);
    message += line;
}

// Eight bytes a step: the demo measures messages, not checksums.
std::uint64_t checksum(ByteView bytes) {
    constexpr std::uint64_t factor = 0x9e3779b97f4a7c15ULL;
    std::uint64_t sum = bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
        sum = (sum ^ word) * factor;
        sum ^= sum >> 29;
    }
    return sum;
}

Journal::Journal(const std::string& path) : file_(std::fopen(path.c_str(), "wb")) {
    FLOTILLA_CHECK(file_, "the journal cannot be made");
}

Journal::~Journal() {
    std::fclose(file_);
}

void Journal::add(ByteView message, bool is_redelivered) {
    Entry entry;
    if (message.size() >= 8) {
        entry = {wire::load_u64(message.data()), checksum(message.substr(8)), 0};
    } else {
        entry.number = UINT64_MAX; // none of ours; the tally counts it as damaged
    }
    entry.redelivered = is_redelivered ? 1 : 0;
    const std::size_t written = std::fwrite(&entry, sizeof entry, 1, file_);
    FLOTILLA_CHECK(written == 1, "the journal cannot be written");
    ++size_;
}

void Journal::flush() {
    const int failed = std::fflush(file_);
    FLOTILLA_CHECK(failed == 0, "the journal cannot be written");
}

Tally tally(const Lines& lines, const std::vector<std::string>& journals) {
    Tally all;
    struct Seen {
        std::uint32_t times = 0;
        std::uint32_t marked = 0;
    };
    std::vector<Seen> seen(lines.size());
    for (const std::string& path : journals) {
        std::ifstream file(path, std::ios::binary);
        std::uint64_t next = 0;
        for (Entry entry; file.read(reinterpret_cast<char*>(&entry), sizeof entry);) {
            ++all.received;
            if (entry.number >= lines.size() || checksum(lines[entry.number]) != entry.checksum) {
                ++all.damaged;
                continue;
            }
            all.in_order = all.in_order && entry.number >= next;
            next = entry.number + 1;
            ++seen[entry.number].times;
            seen[entry.number].marked += entry.redelivered != 0 ? 1U : 0U;
        }
    }
    for (const Seen& line : seen) {
        if (line.times == 0) {
            ++all.lost;
            continue;
        }
        all.duplicated += line.times - 1;
        if (line.times - 1 > line.marked)
            all.unmarked += line.times - 1 - line.marked;
    }
    return all;
}

} // namespace demo
