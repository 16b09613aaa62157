// SPDX-License-Identifier: Apache-2.0
// The text of a CURVE certificate file, as czmq and pyzmq write it (4/ZPL). Private to net.
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/net/curve.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace flotilla::net::detail {

struct Certificate {
    std::optional<CurveKey> public_key;
    std::optional<CurveKey> secret_key;
    User user{}; // of the metadata, as far as it says
};

// `file` is only the name that errors carry. Errors: bad_key, as FILE:LINE.
Result<Certificate> parse_certificate(const std::string& file, std::string_view text);

} // namespace flotilla::net::detail
