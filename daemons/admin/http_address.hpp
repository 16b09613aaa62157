// SPDX-License-Identifier: Apache-2.0
//
// Where admin HTTP listens, and under which names it may be asked for. Pure.
#pragma once

#include <flotilla/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::admin {

struct HttpAddress {
    std::string host{}; // a literal address, without brackets
    std::uint16_t port = 0;
    bool is_ipv6 = false;
    bool is_loopback = false;
    std::string text() const; // "127.0.0.1:9640", "[::1]:9640"
};
// "127.0.0.1:9640", "[::1]:9640", "localhost:9640", "*:9640" (all IPv4 addresses); port 0 takes a
// free one. Errors: bad_option.
Result<HttpAddress> parse_http_address(std::string_view text);

// Whether a request with this Host is meant for us: a literal address, localhost, or one of
// `names`; with or without a port. A page of another site reaches a loopback port only through a
// name of its own.
bool is_our_host(std::string_view host, const std::vector<std::string>& names);

} // namespace flotilla::admin
