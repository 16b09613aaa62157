// SPDX-License-Identifier: Apache-2.0
//
// DataDirectory: a directory that one store of one process has for itself while it is open. The
// lock is flock(2), which goes with the process however that ends, on the directory itself and on
// the file `lock` in it, which says who has it.
#pragma once

#include <flotilla/base/result.hpp>

#include <filesystem>
#include <string>

namespace flotilla::queue {

// A descriptor that is closed with its owner.
class FileHandle {
public:
    FileHandle() = default;
    explicit FileHandle(int descriptor) noexcept : descriptor_(descriptor) {}
    FileHandle(FileHandle&& other) noexcept;
    FileHandle& operator=(FileHandle&& other) noexcept;
    ~FileHandle();
    int get() const noexcept { return descriptor_; }
    bool is_open() const noexcept { return descriptor_ >= 0; }

private:
    int descriptor_ = -1;
};

// Whether an open file has no name any more: it goes when it is closed.
bool is_deleted(int descriptor) noexcept;

class DataDirectory {
public:
    // Makes the directory (0700) if it is missing; its parent must exist. Errors: address_in_use;
    // unsafe_file (others may write to it); not_found (no parent); io.
    static Result<DataDirectory> claim(const std::filesystem::path& path);
    // Makes the directory, which must not be there or be empty. Errors: exists, not_found, io.
    static Status make_empty(const std::filesystem::path& path);
    // Whether this process has it open.
    static bool is_ours(const std::filesystem::path& path);

    const std::filesystem::path& path() const noexcept { return path_; }
    // Names of files in it are on disk.
    Status sync() const { return sync(path_); }
    static Status sync(const std::filesystem::path& path);

private:
    DataDirectory(std::filesystem::path path, FileHandle directory, FileHandle lock)
        : path_(std::move(path)), directory_(std::move(directory)), lock_(std::move(lock)) {}
    std::filesystem::path path_;
    FileHandle directory_; // locked too: a file can be deleted
    FileHandle lock_;
};

// errno as an Error: disk_full, out_of_files, not_found, exists, io. "cannot DOING PATH: why".
Error system_error(int code, std::string_view doing, const std::filesystem::path& path);

} // namespace flotilla::queue
