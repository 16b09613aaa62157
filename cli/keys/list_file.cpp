// SPDX-License-Identifier: Apache-2.0
#include <cli/keys/list_file.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

namespace flotilla::cli::keys {

namespace fs = std::filesystem;

Status file_failure(const std::string& doing, int number) {
    return fail(number == ENOSPC || number == EDQUOT ? Errc::disk_full : Errc::io,
                "cannot " + doing + ": " + std::strerror(number));
}

Status replace_file(const std::string& file, const std::string& text) {
    struct stat about {};
    const mode_t mode = ::stat(file.c_str(), &about) == 0 ? about.st_mode & 0777 : 0644;
    std::string fresh = file + ".XXXXXX";
    const int descriptor = ::mkstemp(fresh.data());
    if (descriptor < 0)
        return file_failure("write beside " + file, errno);
    int error = 0;
    for (std::size_t at = 0; at < text.size() && error == 0;) {
        const ssize_t wrote = ::write(descriptor, text.data() + at, text.size() - at);
        if (wrote < 0 && errno != EINTR)
            error = errno;
        at += wrote > 0 ? static_cast<std::size_t>(wrote) : 0;
    }
    if (error == 0 && (::fchmod(descriptor, mode) != 0 || ::fsync(descriptor) != 0))
        error = errno;
    ::close(descriptor);
    if (error == 0 && ::rename(fresh.c_str(), file.c_str()) != 0)
        error = errno;
    if (error == 0)
        return {};
    ::unlink(fresh.c_str());
    return file_failure("replace " + file, error);
}

std::optional<net::CurveKey> key_of_line(const std::string& line, const fs::path& folder) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos)
        return std::nullopt;
    const std::size_t end = line.find_first_of(" \t\r", begin);
    if (auto key = net::CurveKey::parse(
            std::string_view(line).substr(begin, end == std::string::npos ? end : end - begin)))
        return *key;
    const std::size_t last = line.find_last_not_of(" \t\r");
    if (auto key = net::load_public_key((folder / line.substr(begin, last - begin + 1)).string()))
        return *key;
    return std::nullopt;
}

std::map<net::CurveKey, std::string> revoked_users(const std::string& list) {
    std::map<net::CurveKey, std::string> users;
    std::error_code ignored;
    if (fs::is_directory(list, ignored)) {
        for (fs::directory_iterator each(list, ignored), end; each != end; each.increment(ignored))
            if (each->path().extension() == revoked_ending)
                if (auto certificate = net::load_public_certificate(each->path().string()))
                    if (!certificate->user.name.empty())
                        users.emplace(certificate->key, certificate->user.name);
        return users;
    }
    std::ifstream in(list);
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string revoked;
        std::string text;
        std::string user;
        if (!(words >> revoked >> text >> user) || revoked != "revoked" || user.front() == '@')
            continue;
        if (auto key = net::CurveKey::parse(text))
            users.emplace(*key, user);
    }
    return users;
}

} // namespace flotilla::cli::keys
