// SPDX-License-Identifier: Apache-2.0
#include "host/lifecycle.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace flotilla::host {
namespace {

constexpr std::size_t settings_bytes_max = 1 << 20;

auto io_error(const std::string& what) {
    return fail(Errc::io, what + ": " + std::strerror(errno));
}

} // namespace

Result<bool> notify_supervisor(std::string_view state) {
    const char* const given = std::getenv("NOTIFY_SOCKET");
    if (!given || !*given)
        return false;
    const std::string path = given;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if ((path[0] != '/' && path[0] != '@') || path.size() >= sizeof address.sun_path)
        return fail(Errc::io, "NOTIFY_SOCKET is '" + path + "'; it must be a path or @name");
    path.copy(address.sun_path, path.size());
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0)
        return io_error("cannot reach NOTIFY_SOCKET " + path);
    const ssize_t sent = ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                  reinterpret_cast<const sockaddr*>(&address), size);
    const int number = errno;
    ::close(socket);
    errno = number;
    if (sent < 0 && errno == EAGAIN)
        return fail(Errc::would_block, "nobody reads NOTIFY_SOCKET " + path);
    if (sent != static_cast<ssize_t>(state.size()))
        return io_error("cannot reach NOTIFY_SOCKET " + path);
    return true;
}

std::uint64_t raise_file_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

Result<std::string> read_settings_file(const std::string& path) {
    const bool is_input = path == "/dev/stdin";
    // Opening a pipe that nobody writes to would wait, for ever.
    const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (is_input ? 0 : O_NONBLOCK));
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
        opened < 0 ? nullptr : ::fdopen(opened, "rb"), &std::fclose);
    if (!file && errno == ENOENT)
        return fail(Errc::not_found, path + ": there is no such file");
    struct stat about {};
    if (!file || ::fstat(opened, &about) != 0)
        return io_error(path);
    if (!is_input && !S_ISREG(about.st_mode))
        return fail(Errc::io, path + ": not an ordinary file; settings come from one, or from "
                                     "/dev/stdin");
    std::string text;
    std::array<char, 16384> bytes;
    while (const std::size_t got = std::fread(bytes.data(), 1, bytes.size(), file.get())) {
        text.append(bytes.data(), got);
        if (text.size() > settings_bytes_max)
            return fail(Errc::too_large, path + ": a settings file has at most 1 MiB");
    }
    if (std::ferror(file.get()) != 0)
        return io_error(path);
    return text;
}

} // namespace flotilla::host
