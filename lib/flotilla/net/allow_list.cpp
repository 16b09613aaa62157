// SPDX-License-Identifier: Apache-2.0
// Allow-lists as files and folders.
#include "allow_list.hpp"

#include "certificate.hpp"
#include "text_file.hpp"

#include <flotilla/net/access.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace flotilla::net {
namespace {

using std::filesystem::path;

constexpr std::string_view revoked_word = "revoked";
constexpr std::string_view revoked_ending = ".revoked";

bool ends_with(std::string_view text, std::string_view ending) {
    return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

// The next run of characters that are no blanks.
std::string_view take_word(std::string_view& line) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view word = line.substr(0, end);
    line = detail::trimmed(line.substr(end));
    return word;
}

Result<User> read_user(std::string_view words) {
    User user;
    while (!words.empty()) {
        const std::string_view word = take_word(words);
        if (word.front() == '@') {
            user.groups.emplace_back(word.substr(1));
        } else if (!user.name.empty()) {
            return fail(Errc::bad_option,
                        "'" + std::string(word) + "' is a second name; groups begin with '@'");
        } else {
            user.name = word;
        }
    }
    return user;
}

// A key that is said to be somebody; what is wrong is the list's business to place.
Status add(AllowList& list, const CurveKey& key, User user) {
    if (Status good = check_user(user); !good)
        return good;
    return list.add(key, std::move(user));
}

// At the start of one line or file; every error is bad_key, and says where.
Status placed(const Status& outcome, const std::string& where) {
    if (outcome)
        return {};
    const Errc code = outcome.error().code == Errc::too_many ? Errc::too_many : Errc::bad_key;
    return fail(code, where + ": " + outcome.error().detail);
}

Status add_certificate(AllowList& list, const path& file, detail::FilesSeen& seen) {
    const auto text = seen.read(file);
    if (!text)
        return fail(text.error());
    auto certificate = detail::parse_certificate(file.string(), *text);
    if (!certificate)
        return fail(certificate.error());
    if (ends_with(file.string(), revoked_ending))
        return placed(list.revoke(*certificate->public_key), file.string());
    return placed(add(list, *certificate->public_key, std::move(certificate->user)), file.string());
}

Status add_line(AllowList& list, const path& folder, const std::string& where,
                std::string_view line, detail::FilesSeen& seen) {
    std::string_view rest = line;
    std::string_view word = take_word(rest);
    const bool revoked = word == revoked_word && !rest.empty();
    if (revoked)
        word = take_word(rest);
    if (const auto key = CurveKey::parse(word)) {
        if (revoked)
            return placed(list.revoke(*key), where);
        auto user = read_user(rest);
        return placed(user ? add(list, *key, std::move(*user)) : fail(user.error()), where);
    }
    Status added = add_certificate(list, folder / std::string(line), seen);
    if (!added && added.error().code == Errc::not_found)
        return fail(Errc::bad_key,
                    where + ": this begins with neither a key (40 characters of Z85) nor is it a "
                            "certificate file");
    return added;
}

bool is_certificate(const path& file) {
    const std::string name = file.filename().string();
    return name.front() != '.' && !ends_with(name, "_secret");
}

Result<AllowList> load_folder(const path& folder, detail::FilesSeen& seen) {
    const auto files = seen.list(folder);
    if (!files)
        return fail(files.error());
    AllowList list;
    for (const path& file : *files)
        if (is_certificate(file))
            if (const Status added = add_certificate(list, file, seen); !added)
                return fail(added.error());
    return list;
}

} // namespace

Result<AllowList> detail::load_allow_list(const std::string& file, FilesSeen& seen) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored))
        return load_folder(file, seen);
    const auto text = seen.read(file);
    if (!text)
        return fail(text.error());
    AllowList list;
    std::size_t number = 0;
    for (std::string_view rest = *text; !rest.empty();) {
        const std::string_view line = trimmed(next_line(rest));
        ++number;
        // '#' is a digit of Z85: only "#" alone or before a blank starts a comment.
        const bool comment = !line.empty() && line[0] == '#' &&
                             (line.size() == 1 || line[1] == ' ' || line[1] == '\t');
        if (line.empty() || comment)
            continue;
        const std::string where = file + ":" + std::to_string(number);
        const Status added = add_line(list, path(file).parent_path(), where, line, seen);
        if (!added)
            return fail(added.error());
    }
    return list;
}

Result<AllowList> load_allow_list(const std::string& file) {
    detail::FilesSeen seen;
    return detail::load_allow_list(file, seen);
}

} // namespace flotilla::net
