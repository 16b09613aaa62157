// SPDX-License-Identifier: Apache-2.0
// Faults for tests of the LMDB store: descriptors whose writes fail, other processes, and what the
// system says of this one.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

namespace flotilla::test {

// Runs `work` in a child process. 0 when it said yes, 1 when no, 128 + signal when it died.
inline int in_child(const std::function<bool()>& work) {
    const pid_t child = ::fork();
    if (child < 0)
        throw std::runtime_error("cannot fork");
    if (child == 0)
        ::_exit(work() ? 0 : 1);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Pages of files that count as this process's memory.
inline std::uint64_t resident_file_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("RssFile:"))
            return std::stoull(line.substr(8)) * 1024;
    return 0;
}

// LMDB has the data file open twice: for pages, and (each write synced) for its head. While this
// lives, writes to one of them fail as on a full disk.
class FullDescriptor {
public:
    enum class Which { pages, head };
    FullDescriptor(const std::filesystem::path& file, Which which) {
        for (int descriptor = 3; descriptor < 256; ++descriptor) {
            std::error_code error;
            const auto target =
                std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error);
            const int flags = ::fcntl(descriptor, F_GETFL);
            const bool is_head = (flags & O_ACCMODE) == O_WRONLY;
            if (error || target != file || is_head != (which == Which::head))
                continue;
            descriptor_ = descriptor;
            kept_ = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 256);
            const int full = ::open("/dev/full", O_RDWR | O_CLOEXEC);
            ::dup3(full, descriptor, O_CLOEXEC);
            ::close(full);
            return;
        }
        throw std::runtime_error("LMDB does not have the file open");
    }
    FullDescriptor(const FullDescriptor&) = delete;
    FullDescriptor& operator=(const FullDescriptor&) = delete;
    ~FullDescriptor() { ::close(kept_); }
    // The store may have closed it meanwhile; then there is nothing to give back.
    void heal() { ::dup3(kept_, descriptor_, O_CLOEXEC); }

private:
    int descriptor_ = -1;
    int kept_ = -1;
};

} // namespace flotilla::test
