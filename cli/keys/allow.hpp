// SPDX-License-Identifier: Apache-2.0
//
// Allow: adds keys to an allow-list file (net/access.hpp says how one is written).
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/curve.hpp>

#include <cstdint>
#include <string>

namespace flotilla::cli::keys {

// A key as its 40 characters, or the certificate file that holds it. Errors: bad_key.
Result<net::CurveKey> key_or_certificate(const std::string& text);

enum class Added : std::uint8_t { yes, was_there };
// Appends one line, whole or not at all; the list is made when there is none, and must otherwise be
// one. Errors: bad_key (the key, or a line of the list); bad_option (a directory); io; disk_full.
Result<Added> allow(const std::string& list, const std::string& key_or_file);

} // namespace flotilla::cli::keys
