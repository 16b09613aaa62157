// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>

#include <cli/keys/allow.hpp>
#include <cli/keys/list_file.hpp>
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

Status revoke_lines(const std::string& file, const net::AllowList& list, Keys keys) {
    std::ifstream in(file);
    if (!in)
        return file_failure("read " + file, errno);
    std::string text;
    for (std::string line; std::getline(in, line);) {
        const auto key = key_of_line(line, fs::path(file).parent_path());
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
    return replace_file(file, text);
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
        return file_failure("read " + folder, error.value());
    for (const fs::path& file : files) {
        const std::string name = file.filename().string();
        if (name.size() > revoked_ending.size() && file.extension() == revoked_ending)
            continue;
        const auto key = net::load_public_key(file.string());
        if (!key || keys.count(*key) == 0 || name.ends_with("_secret"))
            continue;
        if (::rename(file.c_str(), free_name(file.string()).c_str()) != 0)
            return file_failure("rename " + file.string(), errno);
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
