// SPDX-License-Identifier: Apache-2.0
#include "admin/token.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace flotilla::admin {
namespace {

struct File {
    explicit File(const std::string& path)
        : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor >= 0)
            ::close(descriptor);
    }
    int descriptor;
};

} // namespace

Result<Token> Token::load(const std::string& path) {
    const File file(path);
    if (file.descriptor < 0)
        return fail(errno == ENOENT ? Errc::not_found : Errc::io,
                    path + ": " + std::strerror(errno));
    struct stat about {};
    if (::fstat(file.descriptor, &about) != 0 || !S_ISREG(about.st_mode))
        return fail(Errc::io, path + " is not a file");
    if ((about.st_mode & 077U) != 0)
        return fail(Errc::unsafe_file, path + " may be read by others; chmod 600 " + path);
    std::array<char, bytes_max + 2> bytes{};
    const ssize_t count = ::read(file.descriptor, bytes.data(), bytes.size());
    if (count < 0)
        return fail(Errc::io, path + ": " + std::strerror(errno));
    const std::string_view text(bytes.data(), static_cast<std::size_t>(count));
    const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
    const bool is_visible =
        std::all_of(line.begin(), line.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (line.size() < bytes_min || line.size() > bytes_max || !is_visible)
        return fail(Errc::bad_option, path + " needs a first line of 16 to 512 letters, digits and "
                                             "signs without blanks");
    Token token;
    token.text_ = line;
    return token;
}

bool Token::fits(std::string_view given) const noexcept {
    if (text_.empty())
        return false;
    unsigned different = given.size() == text_.size() ? 0U : 1U;
    for (std::size_t i = 0; i < given.size() && i < bytes_max; ++i)
        different |= static_cast<unsigned char>(given[i]) ^
                     static_cast<unsigned char>(text_[i % text_.size()]);
    return different == 0;
}

} // namespace flotilla::admin
