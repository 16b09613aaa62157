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

// What one access file says, its passwords read.
struct Rules {
    std::vector<Rule> rules{};
    AddressRules addresses{};
    std::map<std::string, std::string, std::less<>> plain{};
    Users users{};
};

Result<Rules> read_rules(detail::FilesSeen& seen, const std::string& path) {
    const auto text = seen.read(path);
    if (!text)
        return fail(text.error());
    auto file = parse_access_file(*text, path);
    if (!file)
        return fail(file.error());
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    Rules rules;
    for (AccessFile::PlainUser& each : file->plain) {
        auto password = read_password(seen, folder / each.password_file);
        if (!password)
            return fail(password.error().code, path + ": password_file of '" + each.user.name +
                                                   "': " + password.error().detail);
        rules.users.emplace("plain:" + each.user.name, each.user);
        rules.plain.emplace(std::move(each.user.name), std::move(*password));
    }
    rules.addresses = std::move(file->addresses);
    rules.rules = std::move(file->rules);
    return rules;
}

// Both files, each for itself: a path that is not set says nothing.
struct Both {
    Result<Rules> rules{};
    Result<AllowList> clients{};
};

Both read_both(const AccessPaths& paths, detail::FilesSeen& seen) {
    Both both;
    if (paths.access)
        both.rules = read_rules(seen, *paths.access);
    if (paths.allow_client_keys)
        both.clients = detail::load_allow_list(*paths.allow_client_keys, seen);
    return both;
}

Result<Access> access_of(const AccessPaths& paths, const Rules& rules, const AllowList& clients) {
    const bool others = paths.others == AccessPaths::Others::let_in;
    Access access;
    access.policy.null = AccessPolicy::Null::let_in;
    access.policy.plain = rules.plain;
    access.policy.addresses = rules.addresses;
    access.rules = rules.rules.size();
    access.plain_users = rules.plain.size();
    Users users = rules.users;
    for (const auto& [key, user] : clients.users())
        users.emplace(key.z85(), user);
    if (others) {
        access.policy.clients = AnyClientKey{};
    } else if (paths.allow_client_keys) {
        access.policy.clients = clients;
        access.listed_keys = clients.size() + clients.revoked().size();
    }
    const bool can_be_revoked = paths.allow_client_keys || access.plain_users > 0;
    auto permissions =
        Permissions::make(std::move(users),
                          can_be_revoked && !others ? Permissions::Unlisted::nobody
                                                    : Permissions::Unlisted::themselves,
                          rules.rules);
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
    std::set<CurveKey> listed{};        // ever
    std::optional<Rules> rules{};       // when they were right last,
    std::optional<AllowList> clients{}; // each for itself
    bool has_news = false;              // one of them, that a load() which failed did not give

    void remember(Both& both);
    Access finished(Access access);
};

// Of a list of keys it is known what is new. Rules are new when they were read.
void AccessWatch::Rest::remember(Both& both) {
    has_news = has_news || (paths.access && both.rules && !both.clients);
    if (both.rules)
        rules = std::move(*both.rules);
    if (!both.clients)
        return;
    has_news = has_news || !clients || clients->users() != both.clients->users() ||
               clients->revoked() != both.clients->revoked();
    clients = std::move(*both.clients);
}

// With the memory of what was listed before.
Access AccessWatch::Rest::finished(Access access) {
    has_news = false;
    auto* const list = std::get_if<AllowList>(&access.policy.clients);
    if (!list)
        return access;
    for (const CurveKey& key : listed)
        if (!list->contains(key))
            (void)list->revoke(key); // too many: then it is as unknown as any other
    for (const auto& [key, user] : list->users())
        if (listed.size() < AllowList::keys_max)
            listed.insert(key);
    return access;
}

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
    Rest& rest = *rest_;
    if (rest.paths.others == AccessPaths::Others::let_in && rest.paths.allow_client_keys)
        return fail(Errc::bad_option,
                    "a list of client keys and any client key contradict each other");
    detail::FilesSeen seen;
    Both both = read_both(rest.paths, seen);
    rest.seen = std::move(seen);
    const std::optional<Error> broken = !both.rules     ? std::optional{both.rules.error()}
                                        : !both.clients ? std::optional{both.clients.error()}
                                                        : std::nullopt;
    rest.remember(both);
    if (broken)
        return fail(*broken);
    auto access = access_of(rest.paths, *rest.rules, *rest.clients);
    return access ? Result<Access>{rest.finished(std::move(*access))} : access;
}

std::optional<Access> AccessWatch::load_rest() {
    Rest& rest = *rest_;
    if (!rest.has_news || !rest.rules || !rest.clients)
        return std::nullopt;
    auto access = access_of(rest.paths, *rest.rules, *rest.clients);
    return access ? std::optional{rest.finished(std::move(*access))} : std::nullopt;
}

std::optional<std::uint64_t> AccessWatch::changed() {
    if (!rest_->seen.may_have_changed(looks_max))
        return std::nullopt;
    detail::FilesSeen again;
    (void)read_both(rest_->paths, again);
    if (again.fingerprint() != rest_->seen.fingerprint())
        return again.fingerprint();
    rest_->seen = std::move(again);
    return std::nullopt;
}

} // namespace flotilla::net
