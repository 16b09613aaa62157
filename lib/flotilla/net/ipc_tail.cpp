// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/ipc_tail.hpp>
#include <flotilla/net/system.hpp>

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace flotilla::net {
namespace {

using AddressOf = int (*)(int, sockaddr*, socklen_t*);

// The unix address as libzmq writes it: a path, or '@' and an abstract name. Empty when there is
// none.
std::string address(int descriptor, AddressOf address_of) {
    sockaddr_un name{};
    socklen_t size = sizeof name;
    if (address_of(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0 ||
        name.sun_family != AF_UNIX || size <= offsetof(sockaddr_un, sun_path))
        return {};
    const std::size_t bytes = size - offsetof(sockaddr_un, sun_path);
    if (name.sun_path[0] == '\0')
        return "@" + std::string(name.sun_path + 1, bytes - 1);
    return {name.sun_path, ::strnlen(name.sun_path, bytes)};
}

// The first line of a file in /proc; empty when it cannot be read.
std::string line_of(const std::filesystem::path& file) {
    std::string line;
    std::ifstream stream(file);
    std::getline(stream, line);
    return line;
}

// Whether every thread that reads and writes for libzmq in this process waits for something to do.
// One that has messages to write and room in the kernel for them does not, even when it gets no
// processor. False when no such thread is found.
bool io_threads_sleep() {
    bool found = false;
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
        if (line_of(task.path() / "comm").find("ZMQbg/IO") == std::string::npos)
            continue;
        const std::string stat = line_of(task.path() / "stat"); // TID (NAME) STATE ...
        const std::size_t name_end = stat.rfind(')');
        if (name_end == std::string::npos || stat.substr(name_end, 4) != ") S ")
            return false;
        found = true;
    }
    return found;
}

} // namespace

std::uint64_t ipc_unread_bytes(const Attachment& at) {
    if (at.endpoint.transport() != Transport::ipc)
        return 0;
    const AddressOf address_of = at.how == Attach::bind ? &::getsockname : &::getpeername;
    std::uint64_t unread = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const std::string text = entry.path().filename().string();
        int descriptor = -1;
        std::from_chars(text.data(), text.data() + text.size(), descriptor);
        int bytes = 0;
        if (address(descriptor, address_of) == at.endpoint.address() &&
            ::ioctl(descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0)
            unread += static_cast<std::uint64_t>(bytes);
    }
    return unread;
}

void IpcTail::add(const Attachment& at) {
    if (at.endpoint.transport() == Transport::ipc)
        attachments_.push_back(at);
}

bool IpcTail::is_read() {
    std::uint64_t unread = 0;
    for (const Attachment& each : attachments_)
        unread += ipc_unread_bytes(each);
    empty_ = unread == 0 ? empty_ + 1 : 0;
    quiet_ = unread == 0 && io_threads_sleep() ? quiet_ + 1 : 0;
    return quiet_ >= 2 || empty_ >= empty_looks || attachments_.empty();
}

bool IpcTail::wait_read(Instant deadline) {
    while (!is_read()) {
        if (now() >= deadline)
            return false;
        ::poll(nullptr, 0, 1);
    }
    return true;
}

} // namespace flotilla::net
