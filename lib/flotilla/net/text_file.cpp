// SPDX-License-Identifier: Apache-2.0
#include "text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace flotilla::net::detail {
namespace {

// A descriptor that is closed on every way out.
struct Descriptor {
    int number;
    explicit Descriptor(int n) noexcept : number(n) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number >= 0)
            ::close(number);
    }
};

tl::unexpected<Error> file_failure(int number, const std::string& doing) {
    Errc code = Errc::io;
    if (number == ENOENT)
        code = Errc::not_found;
    if (number == EEXIST)
        code = Errc::exists;
    if (number == ENOSPC || number == EDQUOT)
        code = Errc::disk_full;
    return fail(code, "cannot " + doing + ": " + std::strerror(number));
}

} // namespace

namespace {

enum class Secrecy : std::uint8_t { none, owner_only };

// What the supervisor hands over lies in a folder that only this service sees; its own modes look
// wider than they are.
bool is_handed_over(const std::string& path) {
    const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (!folder || *folder == '\0')
        return false;
    const std::string beneath = std::string(folder) + "/";
    return path.compare(0, beneath.size(), beneath) == 0 && path.find("..") == std::string::npos;
}

Result<std::string> read_file(const std::string& path, Secrecy secrecy) {
    // Opening a pipe that nobody writes to would wait, for ever.
    const bool is_input = path == "/dev/stdin";
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | (is_input ? 0 : O_NONBLOCK))};
    struct stat about {};
    if (file.number < 0 || ::fstat(file.number, &about) != 0)
        return file_failure(errno, "open " + path);
    if (!is_input && !S_ISREG(about.st_mode))
        return fail(Errc::io, "cannot read " + path + ": not an ordinary file");
    if (secrecy == Secrecy::owner_only && (about.st_mode & 077) != 0 && !is_handed_over(path))
        return fail(Errc::unsafe_file, path +
                                           " holds a secret that others may read or change; "
                                           "run: chmod 600 " +
                                           path);
    std::string text;
    char buffer[8192];
    for (;;) {
        const ssize_t got = ::read(file.number, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_failure(errno, "read " + path);
        if (got == 0)
            return text;
        text.append(buffer, static_cast<std::size_t>(got));
        if (text.size() > text_file_bytes_max)
            return fail(Errc::too_large,
                        path + " is larger than " + std::to_string(text_file_bytes_max) + " bytes");
    }
}

} // namespace

Result<std::string> read_text_file(const std::string& path) {
    return read_file(path, Secrecy::none);
}

Result<std::string> read_secret_file(const std::string& path) {
    return read_file(path, Secrecy::owner_only);
}

Status create_text_file(const std::string& path, std::string_view text, unsigned mode) {
    const Descriptor file{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))};
    if (file.number < 0)
        return file_failure(errno, "create " + path);
    if (::fchmod(file.number, mode_t(mode)) != 0)
        return file_failure(errno, "set the mode of " + path);
    while (!text.empty()) {
        const ssize_t put = ::write(file.number, text.data(), text.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return file_failure(errno, "write " + path);
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(file.number) != 0)
        return file_failure(errno, "sync " + path);
    return {};
}

std::string_view next_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

} // namespace flotilla::net::detail
