// SPDX-License-Identifier: Apache-2.0
#include "text_file.hpp"

#include <flotilla/net/access.hpp>
#include <flotilla/net/security.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

namespace flotilla::net {

Status AllowList::add(const CurveKey& public_key) {
    if (keys_.size() >= keys_max && !contains(public_key))
        return fail(Errc::too_many,
                    "an allow-list holds at most " + std::to_string(keys_max) + " keys");
    keys_.insert(public_key);
    return {};
}

bool AllowList::contains(const CurveKey& public_key) const {
    return keys_.find(public_key) != keys_.end();
}

AccessDecision AllowList::decide(const AccessRequest& request) const {
    if (request.mechanism != "CURVE")
        return {400, "this listener speaks CURVE only", {}};
    const auto key = CurveKey::from_bytes(request.key_bytes);
    if (!key)
        return {400, "the client key is malformed", {}};
    if (!contains(*key))
        return {400, "the client key is not in the allow-list", {}};
    return {200, "OK", key->z85()};
}

bool names_users(const Security& security) noexcept {
    return std::holds_alternative<CurveServer>(security);
}

namespace {

Status add_line(AllowList& list, const std::filesystem::path& folder, const std::string& where,
                std::string_view line) {
    if (const auto key = CurveKey::parse(line))
        return list.add(*key);
    const auto certificate = load_public_key((folder / std::string(line)).string());
    if (certificate)
        return list.add(*certificate);
    if (certificate.error().code == Errc::not_found)
        return fail(Errc::bad_key,
                    where +
                        ": this is neither a key (40 characters of Z85) nor a certificate file");
    return fail(certificate.error());
}

Result<AllowList> load_folder(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error)) {
        const std::string file = it->path().filename().string();
        const bool secret = file.size() >= 7 && file.rfind("_secret") == file.size() - 7;
        if (it->is_regular_file() && !secret && file.front() != '.')
            files.push_back(it->path());
    }
    if (error)
        return fail(Errc::io, "cannot read the folder " + folder.string() + ": " + error.message());
    std::sort(files.begin(), files.end());
    AllowList list;
    for (const auto& file : files) {
        const auto key = load_public_key(file.string());
        if (!key)
            return fail(key.error());
        if (const Status added = list.add(*key); !added)
            return fail(added.error());
    }
    return list;
}

} // namespace

Result<AllowList> load_allow_list(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
        return load_folder(path);
    auto text = detail::read_text_file(path);
    if (!text)
        return fail(text.error());
    AllowList list;
    std::size_t number = 0;
    for (std::string_view rest = *text; !rest.empty();) {
        const std::string_view line = detail::trimmed(detail::next_line(rest));
        ++number;
        // '#' is a digit of Z85: only "#" alone or before a blank starts a comment.
        const bool comment = !line.empty() && line[0] == '#' &&
                             (line.size() == 1 || line[1] == ' ' || line[1] == '\t');
        if (line.empty() || comment)
            continue;
        const std::string where = path + ":" + std::to_string(number);
        const Status added = add_line(list, std::filesystem::path(path).parent_path(), where, line);
        if (!added)
            return fail(added.error());
    }
    return list;
}

} // namespace flotilla::net
