// SPDX-License-Identifier: Apache-2.0
//
// The access file: rules about who may do what, and from where, as TOML. docs/security.md explains
// it. Pure; net/access_watch reads the file.
//
//     [[rule]]                      # who may do what; without any rule: everything
//     who = "@billing"              # users, "@group", "anonymous", "*"; a text or a list
//     allow = ["put", "take"]       # or deny = ...; "*": everything but administer
//     on = ["orders", "orders.*"]   # queues, services, topics, the program's name
//
//     [[address]]                   # from where; without any: everywhere
//     allow = "10.0.0.0/8"          # or deny = ...; a text or a list
//
//     [[plain]]                     # somebody with name and password, on this machine only
//     name = "printer"
//     password_file = "printer.password"   # mode 0600
//     groups = ["legacy"]
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/net/address_rules.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace flotilla::net {

struct AccessFile {
    static constexpr std::size_t plain_users_max = 1'000;
    struct PlainUser {
        User user{};
        std::string password_file{}; // as written: relative to the access file
    };
    std::vector<Rule> rules{};
    AddressRules addresses{};
    std::vector<PlainUser> plain{};
};

// `file` is only the name that errors and Rule::where carry. Errors: bad_setting, one line an
// error, each with FILE:LINE:COLUMN; also for a file with nothing in it, as one that was cut off.
Result<AccessFile> parse_access_file(std::string_view text, const std::string& file);

} // namespace flotilla::net
