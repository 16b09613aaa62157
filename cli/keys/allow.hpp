// SPDX-License-Identifier: Apache-2.0
//
// Allow: changes allow-lists, which are files of lines or folders of certificates (net/access.hpp
// says how they are written). Every change is whole or not at all, so a program that watches the
// list never reads half of it, and none is lost when several are made at once.
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/net/curve.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace flotilla::cli::keys {

// A key as its 40 characters, or the certificate file that holds it. Errors: bad_key.
Result<net::CurveKey> key_or_certificate(const std::string& text);

enum class Added : std::uint8_t { yes, was_there, changed };
// Into a file: one line more, the list is made when there is none; a key that stands for the same
// user with other groups has its line changed. Into a folder: one certificate more. `user` is whom
// the key stands for; without a name, what the certificate says. Errors: bad_key (the key, or a
// line of the list); exists (it stands for somebody else; in a folder, with other groups); refused
// (it was revoked); bad_option (the user); timeout (of a lock); io; disk_full.
Result<Added> allow(const std::string& list, const std::string& key_or_file, const User& user = {});

// Revokes a key, a certificate's key, or every key of a user: lines say "revoked KEY" from now on,
// certificates are called NAME.revoked. Returns the keys that were allowed until now. Errors:
// not_found (nobody is called so); bad_key; timeout (of a lock); io; disk_full.
Result<std::vector<net::CurveKey>> revoke(const std::string& list, const std::string& what);

} // namespace flotilla::cli::keys
