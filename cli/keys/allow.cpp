// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>

#include <cli/keys/allow.hpp>
#include <cli/keys/list_file.hpp>
#include <cli/keys/list_lock.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace flotilla::cli::keys {
namespace {

tl::unexpected<Error> list_failure(const std::string& list, int number) {
    return fail(number == ENOSPC || number == EDQUOT ? Errc::disk_full : Errc::io,
                list + ": " + std::strerror(number));
}

// A file that somebody wrote by hand may lack its last line end.
Result<std::string> line_break_needed(int descriptor, const std::string& list) {
    const off_t size = ::lseek(descriptor, 0, SEEK_END);
    char last = '\n';
    if (size > 0 && ::pread(descriptor, &last, 1, size - 1) != 1)
        return list_failure(list, errno);
    return std::string(last == '\n' ? "" : "\n");
}

Status append_line(const std::string& list, const std::string& line) {
    const int descriptor = ::open(list.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor < 0)
        return list_failure(list, errno);
    const off_t size = ::lseek(descriptor, 0, SEEK_END);
    Status done;
    auto start = line_break_needed(descriptor, list);
    if (!start) {
        done = fail(start.error());
    } else {
        const std::string text = *start + line + "\n";
        const ssize_t wrote = ::write(descriptor, text.data(), text.size());
        if (wrote != static_cast<ssize_t>(text.size())) {
            done = list_failure(list, wrote < 0 ? errno : ENOSPC);
            // Half a key would make the whole list unreadable.
            if (wrote > 0 && ::ftruncate(descriptor, size) != 0)
                done = list_failure(list, errno);
        }
    }
    if (::close(descriptor) != 0 && done)
        done = list_failure(list, errno);
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

namespace {

bool is_folder(const std::string& list) {
    std::error_code ignored;
    return std::filesystem::is_directory(list, ignored);
}

std::string line_of(const net::CurveKey& key, const User& user) {
    std::string line = key.z85();
    if (!user.name.empty() && user.name != key.z85())
        line += " " + user.name;
    for (const std::string& group : user.groups)
        line += " @" + group;
    return line;
}

// A certificate of that name, or with a number behind it. It is written under a name that lists
// pass over.
Status add_certificate(const std::string& folder, const net::CurveKey& key, const User& user) {
    const std::string fresh = folder + "/.fresh-" + std::to_string(::getpid());
    if (Status saved = net::save_public_certificate(key, fresh, user); !saved)
        return saved;
    const std::string name = user.name.empty() ? "key" : user.name;
    constexpr int tries = 1000;
    int error = EEXIST;
    for (int i = 1; i <= tries && error == EEXIST; ++i) {
        const std::string file = folder + "/" + name + (i == 1 ? "" : "-" + std::to_string(i));
        error = ::link(fresh.c_str(), file.c_str()) == 0 ? 0 : errno;
    }
    ::unlink(fresh.c_str());
    return error == 0 ? Status{} : list_failure(folder, error);
}

// The same user with other groups: its line says so from now on. False: the key has no line.
Result<bool> change_line(const std::string& list, const net::CurveKey& key, const User& user) {
    std::ifstream in(list);
    std::string text;
    bool is_changed = false;
    for (std::string line; std::getline(in, line);) {
        if (!is_changed && key_of_line(line, std::filesystem::path(list).parent_path()) == key) {
            line = line_of(key, user);
            is_changed = true;
        }
        text += line + "\n";
    }
    if (!is_changed)
        return false;
    if (Status replaced = replace_file(list, text); !replaced)
        return fail(replaced.error());
    return true;
}

Result<Added> change(const std::string& list, const net::CurveKey& key, const User& known,
                     const User& wanted) {
    const std::string which =
        "in " + list + " the key " + net::fingerprint(key) + "... stands for '" + known.name + "'";
    if (known.name != wanted.name)
        return fail(Errc::exists, which + ", and not for '" + wanted.name + "'; " +
                                      (is_folder(list) ? "name its certificate there anew"
                                                       : "edit its line there") +
                                      " (to revoke a key is for good)");
    if (!is_folder(list)) {
        auto changed = change_line(list, key, wanted);
        if (!changed)
            return fail(changed.error());
        if (*changed)
            return Added::changed;
    }
    return fail(Errc::exists, which + " with other groups; take its certificate out of there and "
                                      "allow it again (to revoke a key is for good)");
}

} // namespace

Result<Added> allow(const std::string& list, const std::string& key_or_file, const User& given) {
    if (const Status good = check_user(given); !good)
        return fail(good.error());
    const auto alone = ListLock::take(list);
    if (!alone)
        return fail(alone.error());
    auto key = key_or_certificate(key_or_file);
    if (!key)
        return fail(key.error());
    User user = given;
    if (user.name.empty() && user.groups.empty())
        if (auto certificate = net::load_public_certificate(key_or_file))
            user = std::move(certificate->user);
    std::error_code ignored;
    if (std::filesystem::exists(list, ignored)) {
        auto known = net::load_allow_list(list);
        if (!known)
            return fail(known.error());
        if (known->is_revoked(*key))
            return fail(
                Errc::refused,
                "the key " + net::fingerprint(*key) + "... was revoked in " + list + "; take " +
                    (is_folder(list) ? "its certificate that ends in .revoked"
                                     : "the line that begins with 'revoked " + key->z85() + "'") +
                    " out of it to allow the key again");
        const auto there = known->users().find(*key);
        if (there != known->users().end()) {
            User wanted = user;
            if (wanted.name.empty())
                wanted.name = there->second.name;
            if (there->second == wanted || (user.name.empty() && user.groups.empty()))
                return Added::was_there;
            return change(list, *key, there->second, wanted);
        }
    }
    const Status added = is_folder(list) ? add_certificate(list, *key, user)
                                         : append_line(list, line_of(*key, user));
    if (!added)
        return fail(added.error());
    return Added::yes;
}

} // namespace flotilla::cli::keys
