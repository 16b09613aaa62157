// SPDX-License-Identifier: Apache-2.0
#include <cli/keys/list_lock.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

namespace flotilla::cli::keys {
namespace {

constexpr long pause_ms = 20;
constexpr long wait_ms = 10'000;

std::string folder_of(const std::string& list) {
    std::error_code ignored;
    if (std::filesystem::is_directory(list, ignored))
        return list;
    const std::string parent = std::filesystem::path(list).parent_path().string();
    return parent.empty() ? "." : parent;
}

} // namespace

Result<ListLock> ListLock::take(const std::string& list) {
    ListLock lock(::open(folder_of(list).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (long waited = 0; lock.descriptor_ >= 0; waited += pause_ms) {
        if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            break;
        if (waited >= wait_ms)
            return fail(Errc::timeout, "somebody else is changing " + list);
        const timespec pause{0, pause_ms * 1'000'000};
        ::nanosleep(&pause, nullptr);
    }
    return lock;
}

ListLock::ListLock(ListLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

ListLock::~ListLock() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

} // namespace flotilla::cli::keys
