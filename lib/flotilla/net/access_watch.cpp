// SPDX-License-Identifier: Apache-2.0
#include "allow_list.hpp"
#include "files_seen.hpp"
#include "text_file.hpp"

#include <flotilla/net/access_file.hpp>
#include <flotilla/net/access_watch.hpp>

#include <filesystem>
#include <map>
#include <set>
#include <utility>
#include <variant>

namespace flotilla::net {
namespace {

using Users = std::map<std::string, User, std::less<>>;

// Its first line.
Result<std::string> read_password(detail::FilesSeen& seen, const std::filesystem::path& file) {
    const auto text = seen.read_secret(file);
    if (!text)
        return fail(text.error());
    std::string_view rest = *text;
    std::string_view line = detail::next_line(rest);
    if (!line.empty() && line.back() == '\r')
        line.remove_suffix(1);
    constexpr std::size_t bytes_max = 255;
    if (line.empty() || line.size() > bytes_max)
        return fail(Errc::bad_setting,
                    file.string() + ": its first line is the password, of 1 to 255 bytes");
    return std::string(line);
}

Status read_access_file(detail::FilesSeen& seen, const std::string& path, Access& access,
                        std::vector<Rule>& rules, Users& users) {
    const auto text = seen.read(path);
    if (!text)
        return fail(text.error());
    auto file = parse_access_file(*text, path);
    if (!file)
        return fail(file.error());
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    for (AccessFile::PlainUser& each : file->plain) {
        auto password = read_password(seen, folder / each.password_file);
        if (!password)
            return fail(password.error().code, path + ": password_file of '" + each.user.name +
                                                   "': " + password.error().detail);
        users.emplace("plain:" + each.user.name, each.user);
        access.policy.plain.emplace(std::move(each.user.name), std::move(*password));
    }
    access.plain_users = file->plain.size();
    access.policy.addresses = std::move(file->addresses);
    rules = std::move(file->rules);
    return {};
}

Status read_clients(detail::FilesSeen& seen, const std::string& path, Access& access,
                    Users& users) {
    auto list = detail::load_allow_list(path, seen);
    if (!list)
        return fail(list.error());
    for (const auto& [key, user] : list->users())
        users.emplace(key.z85(), user);
    access.policy.clients = std::move(*list);
    return {};
}

Result<Access> read_access(const AccessPaths& paths, detail::FilesSeen& seen) {
    const bool others = paths.others == AccessPaths::Others::let_in;
    if (others && paths.allow_client_keys)
        return fail(Errc::bad_option,
                    "a list of client keys and any client key contradict each other");
    Access access;
    access.policy.null = AccessPolicy::Null::let_in;
    std::vector<Rule> rules;
    Users users;
    if (paths.access)
        if (const Status read = read_access_file(seen, *paths.access, access, rules, users); !read)
            return fail(read.error());
    if (paths.allow_client_keys)
        if (const Status read = read_clients(seen, *paths.allow_client_keys, access, users); !read)
            return fail(read.error());
    if (others)
        access.policy.clients = AnyClientKey{};
    access.rules = rules.size();
    const bool can_be_revoked = paths.allow_client_keys || access.plain_users > 0;
    auto permissions =
        Permissions::make(std::move(users),
                          can_be_revoked && !others ? Permissions::Unlisted::nobody
                                                    : Permissions::Unlisted::themselves,
                          std::move(rules));
    if (!permissions)
        return fail(permissions.error());
    access.policy.permissions = *permissions;
    access.permissions = std::make_shared<const Permissions>(std::move(*permissions));
    return access;
}

} // namespace

struct AccessWatch::Rest {
    AccessPaths paths{};
    detail::FilesSeen seen{};
    std::set<CurveKey> listed{}; // ever
};

AccessWatch::AccessWatch(AccessPaths paths) : rest_(std::make_unique<Rest>()) {
    rest_->paths = std::move(paths);
}
AccessWatch AccessWatch::successor(AccessPaths paths) const {
    AccessWatch next(std::move(paths));
    next.rest_->listed = rest_->listed;
    return next;
}

AccessWatch::AccessWatch(AccessWatch&&) noexcept = default;
AccessWatch& AccessWatch::operator=(AccessWatch&&) noexcept = default;
AccessWatch::~AccessWatch() = default;

Result<Access> AccessWatch::load() {
    detail::FilesSeen seen;
    auto access = read_access(rest_->paths, seen);
    rest_->seen = std::move(seen);
    auto* const list = access ? std::get_if<AllowList>(&access->policy.clients) : nullptr;
    if (!list)
        return access;
    for (const CurveKey& key : rest_->listed)
        if (!list->contains(key))
            (void)list->revoke(key); // too many: then it is as unknown as any other
    for (const auto& [key, user] : list->users())
        if (rest_->listed.size() < AllowList::keys_max)
            rest_->listed.insert(key);
    return access;
}

std::optional<std::uint64_t> AccessWatch::changed() {
    if (!rest_->seen.may_have_changed(looks_max))
        return std::nullopt;
    detail::FilesSeen again;
    (void)read_access(rest_->paths, again);
    if (again.fingerprint() != rest_->seen.fingerprint())
        return again.fingerprint();
    rest_->seen = std::move(again);
    return std::nullopt;
}

} // namespace flotilla::net
