// SPDX-License-Identifier: Apache-2.0
//
// AccessWatch: who may connect and who may do what, read from files, all or nothing, and whether
// these files have changed since.
//
//     AccessWatch watch({allow_list, AccessPaths::Others::refused, access_file});
//     auto access = watch.load();
//     auto gate = std::make_shared<Gate>(access->policy);
//     ... once a second, and once more when it is something:
//     if (watch.changed())
//         if (auto fresh = watch.load()) gate->set_policy(fresh->policy); // else the old one stays
//
// changed() looks at names, sizes, inodes and times of what load() read, of at most looks_max files
// a call; only where these moved, or are so fresh that they could hide a change, does it read. What
// counts is content: a file that was only touched has not changed, and one that is broken is
// reported once. Where one of allow-list and access file is broken, the other one's changes can be
// had all the same: a key that is revoked must not wait until somebody mends a rule. One thread at
// a time.
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/net/access.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace flotilla::net {

struct AccessPaths {
    std::optional<std::string> allow_client_keys{}; // an allow-list, or a folder of certificates
    enum class Others : std::uint8_t { refused, let_in } others{}; // client keys on no list
    std::optional<std::string> access{};                           // the access file
};

struct Access {
    AccessPolicy policy{};
    std::shared_ptr<const Permissions> permissions{}; // those of the policy; never nullptr
    std::size_t rules = 0;                            // for a log
    std::size_t plain_users = 0;
    // On the allow-list, those that it revokes included; nothing where no list says who gets in.
    std::optional<std::size_t> listed_keys{};
};

class AccessWatch {
public:
    static constexpr std::size_t looks_max = 1'000; // files that changed() looks at

    // Without any path: everybody who connects is let in and, but for administering, may do
    // everything.
    explicit AccessWatch(AccessPaths paths);
    // For other paths, but with the memory of this one.
    AccessWatch successor(AccessPaths paths) const;
    AccessWatch(AccessWatch&&) noexcept;
    AccessWatch& operator=(AccessWatch&&) noexcept;
    ~AccessWatch();

    // Reads everything again. A key that an earlier load() found and this one does not was revoked,
    // and is refused by that name. NULL peers are let in (where the listener does not ask for
    // more); the list may be empty. Errors: not_found; io; too_large; too_many; bad_key;
    // bad_setting; bad_option; unsafe_file (a password that others may read); each says where.
    Result<Access> load();
    // After a load() that failed: what is right now of both, and what the broken one said when it
    // was right last. Nothing: it never was, or the right one says nothing new.
    std::optional<Access> load_rest();
    // Something is different from what the last load() read, with or without success: a number for
    // what is there now. Two looks that give one number saw the same: nobody is half way through
    // writing it.
    std::optional<std::uint64_t> changed();

private:
    struct Rest;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::net
