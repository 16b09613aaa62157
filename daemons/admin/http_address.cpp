// SPDX-License-Identifier: Apache-2.0
#include "admin/http_address.hpp"

#include <flotilla/base/units.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace flotilla::admin {
namespace {

struct Split {
    std::string host{};
    std::string_view port{};
};

// "[::1]:80" is {"::1", "80"}; without a port that part is empty. Absent: neither form.
std::optional<Split> split(std::string_view text) {
    if (!text.empty() && text.front() == '[') {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos)
            return std::nullopt;
        const std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && rest.front() != ':')
            return std::nullopt;
        return Split{std::string(text.substr(1, end - 1)), rest.empty() ? rest : rest.substr(1)};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        return Split{std::string(text), {}};
    return Split{std::string(text.substr(0, colon)), text.substr(colon + 1)};
}

bool is_ipv4(const std::string& host) {
    std::array<unsigned char, 4> bytes{};
    return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
}

bool is_ipv6(const std::string& host) {
    std::array<unsigned char, 16> bytes{};
    return ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

} // namespace

std::string HttpAddress::text() const {
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HttpAddress> parse_http_address(std::string_view text) {
    const auto parts = split(text);
    const auto port =
        parts ? parse_count(parts->port, 0, 65'535) : Result<std::uint64_t>(fail(Errc::bad_option));
    HttpAddress address;
    if (parts) {
        address.host = parts->host == "localhost" ? "127.0.0.1"
                       : parts->host == "*"       ? "0.0.0.0"
                                                  : parts->host;
        address.is_ipv6 = is_ipv6(address.host);
    }
    if (!port || (!address.is_ipv6 && !is_ipv4(address.host)))
        return fail(Errc::bad_option,
                    "'" + std::string(text) + "' is no address and port; write 127.0.0.1:9640");
    address.port = static_cast<std::uint16_t>(*port);
    address.is_loopback =
        address.is_ipv6 ? address.host == "::1" : address.host.starts_with("127.");
    return address;
}

bool is_our_host(std::string_view host, const std::vector<std::string>& names) {
    const auto parts = split(host);
    if (!parts)
        return false;
    const std::string name = lower(parts->host);
    if (is_ipv4(name) || is_ipv6(name) || name == "localhost")
        return true;
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& each) { return lower(each) == name; });
}

} // namespace flotilla::admin
