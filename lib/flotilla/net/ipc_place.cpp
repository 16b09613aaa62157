// SPDX-License-Identifier: Apache-2.0
#include "ipc_place.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace flotilla::net::detail {
namespace {

// errno of connecting there, 0 when somebody took it.
int try_connect(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0)
        return errno;
    const int done = ::connect(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name);
    const int number = done == 0 ? 0 : errno;
    ::close(socket);
    return number;
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
    switch (const int number = try_connect(path)) {
    case ECONNREFUSED: // left behind by a program that is gone
    case ENOENT:
        return {};
    case EMFILE:
    case ENFILE:
        return fail(Errc::out_of_files,
                    "cannot bind " + endpoint.text() + ": " + std::strerror(number));
    case EACCES:
    case EPERM:
        return fail(Errc::address_unavailable,
                    "cannot bind " + endpoint.text() + ": " + std::strerror(number));
    default:
        return fail(Errc::address_in_use,
                    "cannot bind " + endpoint.text() + ": somebody listens there");
    }
}

} // namespace flotilla::net::detail
