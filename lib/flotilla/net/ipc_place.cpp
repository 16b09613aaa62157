// SPDX-License-Identifier: Apache-2.0
#include "ipc_place.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

namespace flotilla::net::detail {
namespace {

constexpr int own_tries = 100; // a millisecond apart

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

Status check_ipc_place(const Endpoint& endpoint) {
    const std::string path{endpoint.address()};
    if (endpoint.transport() != Transport::ipc || endpoint.is_wildcard() || path[0] == '@')
        return {};
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0)
        return {}; // free, or the bind says why not
    if (!S_ISSOCK(about.st_mode))
        return fail(Errc::address_in_use, "cannot bind " + endpoint.text() + ": " + path +
                                              " is there and is not a socket; remove it, or bind "
                                              "elsewhere");
    Whose whose = try_connect(path);
    for (int i = 0; whose == Whose::ours && i < own_tries; ++i) {
        const timespec pause{0, 1'000'000};
        ::nanosleep(&pause, nullptr);
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
