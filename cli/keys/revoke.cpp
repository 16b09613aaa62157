// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>

#include <cli/keys/allow.hpp>
#include <cli/keys/list_lock.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

namespace flotilla::cli::keys {
namespace {

namespace fs = std::filesystem;
using Keys = std::set<net::CurveKey>;

constexpr std::string_view revoked_ending = ".revoked";

// A key by itself, that of a certificate, or all of a user.
Result<Keys> keys_meant(const net::AllowList& list, const std::string& what) {
    Keys keys;
    for (const auto& [key, user] : list.users())
        if (user.name == what)
            keys.insert(key);
    if (!keys.empty())
        return keys;
    auto key = key_or_certificate(what);
    if (key)
        return Keys{*key};
    return fail(Errc::not_found, "'" + what +
                                     "' is neither a user of this list, nor a key, nor a "
                                     "certificate file that can be found");
}

Status failure(const std::string& doing, int number) {
    return fail(number == ENOSPC || number == EDQUOT ? Errc::disk_full : Errc::io,
                "cannot " + doing + ": " + std::strerror(number));
}

// Puts a new content in the place of a file, so that nobody sees half of it.
Status replace(const std::string& file, const std::string& text) {
    struct stat about {};
    const mode_t mode = ::stat(file.c_str(), &about) == 0 ? about.st_mode & 0777 : 0644;
    std::string fresh = file + ".XXXXXX";
    const int descriptor = ::mkstemp(fresh.data());
    if (descriptor < 0)
        return failure("write beside " + file, errno);
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
    return failure("replace " + file, error);
}

// The key that a line allows, if it does.
std::optional<net::CurveKey> key_of(const std::string& line, const fs::path& folder) {
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

Status revoke_lines(const std::string& file, const net::AllowList& list, Keys keys) {
    std::ifstream in(file);
    if (!in)
        return failure("read " + file, errno);
    std::string text;
    for (std::string line; std::getline(in, line);) {
        const auto key = key_of(line, fs::path(file).parent_path());
        if (key && keys.count(*key) != 0) {
            const auto user = list.users().find(*key);
            line = "revoked " + key->z85();
            if (user != list.users().end() && user->second.name != key->z85())
                line += " " + user->second.name;
            keys.erase(*key);
        }
        text += line + "\n";
    }
    for (const net::CurveKey& key : keys) // never listed: nobody shall list it
        text += "revoked " + key.z85() + "\n";
    return replace(file, text);
}

// For a certificate that is revoked, beside those that were before.
std::string free_name(const std::string& file) {
    std::string name = file + std::string(revoked_ending);
    std::error_code ignored;
    for (int i = 2; fs::exists(name, ignored); ++i)
        name = file + "-" + std::to_string(i) + std::string(revoked_ending);
    return name;
}

Status revoke_certificates(const std::string& folder, Keys keys) {
    std::error_code error;
    std::vector<fs::path> files{fs::directory_iterator(folder, error), {}};
    if (error)
        return failure("read " + folder, error.value());
    for (const fs::path& file : files) {
        const std::string name = file.filename().string();
        if (name.size() > revoked_ending.size() && file.extension() == revoked_ending)
            continue;
        const auto key = net::load_public_key(file.string());
        if (!key || keys.count(*key) == 0 || name.ends_with("_secret"))
            continue;
        if (::rename(file.c_str(), free_name(file.string()).c_str()) != 0)
            return failure("rename " + file.string(), errno);
        keys.erase(*key);
    }
    for (const net::CurveKey& key : keys)
        if (Status saved = net::save_public_certificate(key, free_name(folder + "/never")); !saved)
            return saved;
    return {};
}

} // namespace

Result<std::vector<net::CurveKey>> revoke(const std::string& list, const std::string& what) {
    const auto alone = ListLock::take(list);
    if (!alone)
        return fail(alone.error());
    auto known = net::load_allow_list(list);
    if (!known)
        return fail(known.error());
    auto keys = keys_meant(*known, what);
    if (!keys)
        return fail(keys.error());
    std::vector<net::CurveKey> allowed;
    for (const net::CurveKey& key : *keys)
        if (known->contains(key))
            allowed.push_back(key);
    const bool all_revoked = std::all_of(keys->begin(), keys->end(), [&](const net::CurveKey& key) {
        return known->is_revoked(key);
    });
    if (all_revoked)
        return allowed;
    std::error_code ignored;
    const Status done = fs::is_directory(list, ignored)
                            ? revoke_certificates(list, std::move(*keys))
                            : revoke_lines(list, *known, std::move(*keys));
    if (!done)
        return fail(done.error());
    return allowed;
}

} // namespace flotilla::cli::keys
