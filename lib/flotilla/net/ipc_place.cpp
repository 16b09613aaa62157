// SPDX-License-Identifier: Apache-2.0
#include "ipc_place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string>

namespace flotilla::net::detail {
namespace {

constexpr int own_tries = 100;   // a millisecond apart
constexpr int lock_tries = 1000; // too

bool has_path(const Endpoint& endpoint) {
    return endpoint.transport() == Transport::ipc && !endpoint.is_wildcard() &&
           endpoint.address().front() != '@';
}

std::string folder_of(const Endpoint& endpoint) {
    const auto folder = std::filesystem::path(endpoint.address()).parent_path();
    return folder.empty() ? "." : folder.string();
}

void pause_a_millisecond() {
    const timespec pause{0, 1'000'000};
    ::nanosleep(&pause, nullptr);
}

enum class Whose { nobody, ours, others };

// Who listens there; errno when it cannot be told.
Whose try_connect(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0)
        return Whose::others;
    const int done = ::connect(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name);
    const int number = done == 0 ? 0 : errno;
    ucred owner{};
    socklen_t size = sizeof owner;
    const bool ours = done == 0 &&
                      ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &owner, &size) == 0 &&
                      owner.pid == ::getpid();
    ::close(socket);
    errno = number;
    if (number == ECONNREFUSED || number == ENOENT) // left behind by a program that is gone
        return Whose::nobody;
    return ours ? Whose::ours : Whose::others;
}

} // namespace

IpcPlace::IpcPlace(const Endpoint& endpoint) : endpoint_(endpoint) {
    if (!has_path(endpoint))
        return;
    const std::string folder = folder_of(endpoint);
    lock_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; lock_ >= 0 && i < lock_tries; ++i) {
        if (::flock(lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            return;
        pause_a_millisecond();
    }
}

IpcPlace::~IpcPlace() {
    if (lock_ >= 0)
        ::close(lock_);
}

Status IpcPlace::check() const {
    if (!has_path(endpoint_))
        return {};
    const Endpoint& endpoint = endpoint_;
    const std::string path{endpoint.address()};
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0) {
        const std::string folder = folder_of(endpoint);
        if (errno == ENOENT && ::lstat(folder.c_str(), &about) != 0 && errno == ENOENT)
            return fail(Errc::address_unavailable, "cannot bind " + endpoint.text() +
                                                       ": there is no folder " + folder +
                                                       "; make it, or bind elsewhere");
        return {}; // free, or the bind says why not
    }
    if (!S_ISSOCK(about.st_mode))
        return fail(Errc::address_in_use, "cannot bind " + endpoint.text() + ": " + path +
                                              " is there and is not a socket; remove it, or bind "
                                              "elsewhere");
    if (about.st_uid != ::geteuid())
        return fail(Errc::address_in_use, "cannot bind " + endpoint.text() + ": " + path +
                                              " belongs to another user; remove it, or bind "
                                              "elsewhere");
    Whose whose = try_connect(path);
    for (int i = 0; whose == Whose::ours && i < own_tries; ++i) {
        pause_a_millisecond();
        whose = try_connect(path);
    }
    const int number = errno;
    if (whose == Whose::nobody)
        return {};
    const std::string what = "cannot bind " + endpoint.text() + ": ";
    if (whose == Whose::others && (number == EMFILE || number == ENFILE))
        return fail(Errc::out_of_files, what + std::strerror(number));
    if (whose == Whose::others && (number == EACCES || number == EPERM))
        return fail(Errc::address_unavailable, what + std::strerror(number));
    return fail(Errc::address_in_use, what + "somebody listens there");
}

} // namespace flotilla::net::detail
