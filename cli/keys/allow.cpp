// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>

#include <cli/keys/allow.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace flotilla::cli::keys {
namespace {

tl::unexpected<Error> failure(const std::string& list, int number) {
    return fail(number == ENOSPC || number == EDQUOT ? Errc::disk_full : Errc::io,
                list + ": " + std::strerror(number));
}

// A file that somebody wrote by hand may lack its last line end.
Result<std::string> line_break_needed(int descriptor, const std::string& list) {
    const off_t size = ::lseek(descriptor, 0, SEEK_END);
    char last = '\n';
    if (size > 0 && ::pread(descriptor, &last, 1, size - 1) != 1)
        return failure(list, errno);
    return std::string(last == '\n' ? "" : "\n");
}

Status append_line(const std::string& list, const std::string& line) {
    const int descriptor = ::open(list.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor < 0)
        return failure(list, errno);
    const off_t size = ::lseek(descriptor, 0, SEEK_END);
    Status done;
    auto start = line_break_needed(descriptor, list);
    if (!start) {
        done = fail(start.error());
    } else {
        const std::string text = *start + line + "\n";
        const ssize_t wrote = ::write(descriptor, text.data(), text.size());
        if (wrote != static_cast<ssize_t>(text.size())) {
            done = failure(list, wrote < 0 ? errno : ENOSPC);
            // Half a key would make the whole list unreadable.
            if (wrote > 0 && ::ftruncate(descriptor, size) != 0)
                done = failure(list, errno);
        }
    }
    if (::close(descriptor) != 0 && done)
        done = failure(list, errno);
    return done;
}

} // namespace

Result<net::CurveKey> key_or_certificate(const std::string& text) {
    if (text.size() == net::CurveKey::text_bytes)
        if (auto key = net::CurveKey::parse(text))
            return key;
    auto key = net::load_public_key(text);
    if (!key && key.error().code == Errc::not_found)
        return fail(Errc::bad_key,
                    "'" + text +
                        "' is neither a key (40 characters of Z85) nor a certificate file that "
                        "can be found");
    return key;
}

Result<Added> allow(const std::string& list, const std::string& key_or_file) {
    auto key = key_or_certificate(key_or_file);
    if (!key)
        return fail(key.error());
    struct stat status {};
    if (::stat(list.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return fail(Errc::bad_option, list + " is a directory: copy the public certificate "
                                                 "into it instead");
        auto known = net::load_allow_list(list);
        if (!known)
            return fail(known.error());
        if (known->contains(*key))
            return Added::was_there;
    }
    if (Status appended = append_line(list, key->z85()); !appended)
        return fail(appended.error());
    return Added::yes;
}

} // namespace flotilla::cli::keys
