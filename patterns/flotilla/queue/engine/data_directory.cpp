// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/data_directory.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace flotilla::queue {
namespace {

namespace fs = std::filesystem;

constexpr const char* lock_name = "lock";

FileHandle open_file(const fs::path& path, int flags) {
    for (;;) {
        const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
        if (descriptor >= 0 || errno != EINTR)
            return FileHandle(descriptor);
    }
}

std::string holder_in(const FileHandle& lock) {
    char text[32];
    const ssize_t size = ::pread(lock.get(), text, sizeof text, 0);
    std::string holder(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!holder.empty() && holder.back() == '\n')
        holder.pop_back();
    return holder.empty() ? "another process" : "process " + holder;
}

Status make(const fs::path& path) {
    if (::mkdir(path.c_str(), 0700) != 0) {
        if (errno == EEXIST)
            return {};
        return fail(system_error(errno, "make the directory", path));
    }
    const fs::path parent = path.parent_path();
    return DataDirectory::sync(parent.empty() ? fs::path(".") : parent);
}

} // namespace

Error system_error(int code, std::string_view doing, const fs::path& path) {
    const Errc errc = code == ENOSPC || code == EDQUOT || code == EFBIG ? Errc::disk_full
                      : code == EMFILE || code == ENFILE                ? Errc::out_of_files
                      : code == ENOENT                                  ? Errc::not_found
                      : code == EEXIST                                  ? Errc::exists
                                                                        : Errc::io;
    return {errc, "cannot " + std::string(doing) + " " + path.string() + ": " +
                      std::generic_category().message(code)};
}

FileHandle::FileHandle(FileHandle&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}
FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}
FileHandle::~FileHandle() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

// Not fstat(): who asks for the times of a file makes each write behind it note its own
// (Linux 6.13, multigrain timestamps), and a synced write of one block then takes half as long
// again.
bool is_deleted(int descriptor) noexcept {
    struct statx found {};
    return ::statx(descriptor, "", AT_EMPTY_PATH, STATX_NLINK, &found) == 0 && found.stx_nlink == 0;
}

Status DataDirectory::sync(const fs::path& path) {
    const FileHandle directory = open_file(path, O_RDONLY | O_DIRECTORY);
    if (!directory.is_open() || ::fsync(directory.get()) != 0)
        return fail(system_error(errno, "sync the directory", path));
    return {};
}

Status DataDirectory::make_empty(const fs::path& path) {
    if (const Status made = make(path); !made)
        return made;
    std::error_code error;
    const fs::directory_iterator first(path, error);
    if (error)
        return fail(system_error(error.value(), "read the directory", path));
    if (first != fs::directory_iterator{})
        return fail(Errc::exists, path.string() + " is not empty");
    return {};
}

Result<DataDirectory> DataDirectory::claim(const fs::path& path) {
    if (const Status made = make(path); !made)
        return fail(made.error());
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0)
        return fail(system_error(errno, "look at", path));
    if (!S_ISDIR(found.st_mode))
        return fail(Errc::io, path.string() + " is not a directory");
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(Errc::unsafe_file, path.string() +
                                           " may be written to by others; take that away with "
                                           "chmod go-w");
    FileHandle directory = open_file(path, O_RDONLY | O_DIRECTORY);
    if (!directory.is_open())
        return fail(system_error(errno, "open", path));
    FileHandle lock = open_file(path / lock_name, O_RDWR | O_CREAT);
    if (!lock.is_open())
        return fail(system_error(errno, "open", path / lock_name));
    for (const FileHandle* each : {&directory, &lock})
        if (::flock(each->get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK)
                return fail(Errc::address_in_use,
                            path.string() + " is in use by " + holder_in(lock));
            return fail(system_error(errno, "lock", path / lock_name));
        }
    const std::string holder = std::to_string(::getpid()) + "\n";
    // For people only, so a disk that is full does not matter.
    if (::ftruncate(lock.get(), 0) == 0) [[maybe_unused]]
        const ssize_t written = ::pwrite(lock.get(), holder.data(), holder.size(), 0);
    return DataDirectory(path, std::move(directory), std::move(lock));
}

bool DataDirectory::is_ours(const fs::path& path) {
    const FileHandle lock = open_file(path / lock_name, O_RDONLY);
    if (!lock.is_open())
        return false;
    if (::flock(lock.get(), LOCK_SH | LOCK_NB) == 0)
        return false;
    return holder_in(lock) == "process " + std::to_string(::getpid());
}

} // namespace flotilla::queue
