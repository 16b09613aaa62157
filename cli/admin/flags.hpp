// SPDX-License-Identifier: Apache-2.0
//
// The flags of the verbs that speak to admin endpoints of daemons.
#pragma once

#include <cli/admin/link.hpp>
#include <cli/options.hpp>

#include <string>
#include <vector>

namespace flotilla::cli {

struct AdminFlags {
    static constexpr std::size_t endpoints_max = 64;

    std::vector<std::string> endpoints; // 1 to endpoints_max
    Duration timeout = 5s;              // longest wait for an answer
    std::string token_file;
    SecurityFlags security;
    std::vector<std::string> server_keys; // of several endpoints: see security_of()
};
// The endpoint, or endpoints; then, behind the verb's own flags, --timeout and security.
void add_admin_endpoint(Parser& parser, AdminFlags& flags);
void add_admin(Parser& parser, AdminFlags& flags);
void add_admin_endpoints(Parser& parser, AdminFlags& flags);
void add_admins(Parser& parser, AdminFlags& flags);
// For verbs that may need it, --token-file.
void add_token(Parser& parser, AdminFlags& flags);

// What a verb speaks through: a link to each endpoint, and the token that orders need.
struct AdminSession {
    net::Context context;
    AdminLinks links;
    std::string token; // empty: no file was named
};
// Errors: bad_endpoint, bad_option, those of net/curve and AdminLink; of the token's file
// not_found, io, unsafe_file (others may read it), malformed (nothing in it, or too much).
Result<AdminSession> open_session(const AdminFlags& flags);

// Errors of ask_one() that mean that we lack rights, with the flag that mends it.
Error with_token_hint(Error error, const AdminFlags& flags);

} // namespace flotilla::cli
