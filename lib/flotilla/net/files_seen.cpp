// SPDX-License-Identifier: Apache-2.0
#include "files_seen.hpp"

#include "text_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <system_error>

namespace flotilla::net::detail {
namespace {

constexpr std::size_t always_looked_at = 16; // the access file, the list, the folder
// Times of files tick: a second change within one tick leaves no trace. So coarse are the coarsest.
constexpr std::int64_t tick_ns = 2'000'000'000;

std::int64_t nanoseconds(const timespec& time) noexcept {
    return std::int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

} // namespace

FilesSeen::Stamps FilesSeen::look(const std::filesystem::path& path) noexcept {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0)
        return {};
    return {std::uint64_t(about.st_dev), std::uint64_t(about.st_ino), std::int64_t(about.st_size),
            nanoseconds(about.st_mtim), nanoseconds(about.st_ctim)};
}

// Before it is read: what changes behind that moves the stamps.
void FilesSeen::see(const std::filesystem::path& path) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const Stamps stamps = look(path);
    is_fresh_ = is_fresh_ || nanoseconds(now) - stamps.changed_ns < tick_ns;
    seen_.push_back({path, stamps});
    add(path.native());
}

void FilesSeen::add(std::string_view content) {
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15ULL;
    fingerprint_ = (fingerprint_ ^ std::hash<std::string_view>{}(content)) * odd;
    fingerprint_ ^= fingerprint_ >> 29;
}

Result<std::string> FilesSeen::noted(Result<std::string> text) {
    add(text ? *text : to_string(text.error()));
    return text;
}

Result<std::string> FilesSeen::read(const std::filesystem::path& file) {
    see(file);
    return noted(read_text_file(file.string()));
}

Result<std::string> FilesSeen::read_secret(const std::filesystem::path& file) {
    see(file);
    return noted(read_secret_file(file.string()));
}

Result<std::vector<std::filesystem::path>> FilesSeen::list(const std::filesystem::path& folder) {
    see(folder);
    std::vector<std::filesystem::path> files;
    std::error_code error;
    std::error_code gone; // one that goes meanwhile is none
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error))
        if (it->is_regular_file(gone))
            files.push_back(it->path());
    if (error)
        return fail(Errc::io, "cannot read the folder " + folder.string() + ": " + error.message());
    std::sort(files.begin(), files.end());
    return files;
}

bool FilesSeen::may_have_changed(std::size_t looks_max) {
    if (is_fresh_)
        return true;
    const auto moved = [](const Seen& each) { return look(each.path) != each.stamps; };
    const auto others = seen_.begin() + std::ptrdiff_t(std::min(always_looked_at, seen_.size()));
    if (std::any_of(seen_.begin(), others, moved))
        return true;
    const auto count = std::size_t(seen_.end() - others);
    for (std::size_t i = 0; i < std::min(looks_max, count); ++i) {
        next_ = (next_ + 1) % count;
        if (moved(others[std::ptrdiff_t(next_)]))
            return true;
    }
    return false;
}

} // namespace flotilla::net::detail
