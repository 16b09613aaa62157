// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/endpoint.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace flotilla::net {
namespace {

struct TransportName {
    std::string_view name;
    Transport transport;
};
constexpr TransportName transports[] = {{"inproc", Transport::inproc},
                                        {"ipc", Transport::ipc},
                                        {"tcp", Transport::tcp},
                                        {"ws", Transport::ws}};

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
    return fail(Errc::bad_endpoint, "'" + std::string(text) + "' " + std::string(why));
}

constexpr std::string_view example =
    "; write for example tcp://127.0.0.1:5555, ipc:///run/name.sock or inproc://name";

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host == "::ffff:127.0.0.1" ||
           (host.rfind("127.", 0) == 0 &&
            host.find_first_not_of("0123456789.") == std::string_view::npos);
}

bool is_wildcard_host(std::string_view host) {
    return host == "*" || host == "0.0.0.0" || host == "::" || host == "0:0:0:0:0:0:0:0";
}

struct HostPort {
    std::string_view host;
    std::string_view port;
};

// "host:port" or "[v6]:port"; a source address before ';' (tcp://src;dst) is not looked at.
std::optional<HostPort> split_host_port(std::string_view address) {
    if (const auto semicolon = address.rfind(';'); semicolon != std::string_view::npos)
        address.remove_prefix(semicolon + 1);
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    std::string_view host = address.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    return HostPort{host, address.substr(colon + 1)};
}

bool is_host_and_port(std::string_view text) {
    const auto split = split_host_port(text);
    return split && !split->host.empty() && !split->port.empty() &&
           split->host.find('/') == std::string_view::npos &&
           split->port.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_all(std::string_view host) noexcept {
    return host == "*" || host == "::" || host == "0.0.0.0";
}

// Without a port that is known there is no place yet.
bool has_place(const Endpoint& endpoint) noexcept {
    return !endpoint.is_wildcard() || endpoint.port() != 0;
}

} // namespace

std::string_view Endpoint::address() const noexcept {
    return std::string_view{text_}.substr(text_.find("://") + 3);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
    if (text.empty())
        return fail(Errc::bad_endpoint, "the endpoint is empty" + std::string(example));
    if (text.size() > bytes_max)
        return fail(Errc::bad_endpoint, "the endpoint has " + std::to_string(text.size()) +
                                            " bytes; the limit is " + std::to_string(bytes_max));
    if (std::any_of(text.begin(), text.end(),
                    [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }))
        return fail(Errc::bad_endpoint,
                    "the endpoint has a blank or control character" + std::string(example));
    const auto separator = text.find("://");
    if (separator == std::string_view::npos)
        return refuse(text,
                      "has no transport" + (is_host_and_port(text)
                                                ? "; did you mean tcp://" + std::string(text) + "?"
                                                : std::string(example)));
    const std::string_view scheme = text.substr(0, separator);
    const auto* transport = std::find_if(std::begin(transports), std::end(transports),
                                         [&](const auto& each) { return each.name == scheme; });
    if (transport == std::end(transports))
        return refuse(text, "has the unknown transport '" + std::string(scheme) + "'" +
                                std::string(example));
    Endpoint endpoint;
    endpoint.text_ = text;
    endpoint.transport_ = transport->transport;
    std::string_view address = text.substr(separator + 3);
    if (address.empty())
        return refuse(text, "has no address" + std::string(example));

    if (endpoint.transport_ == Transport::inproc) {
        endpoint.reach_ = Reach::process;
        return endpoint;
    }
    if (endpoint.transport_ == Transport::ipc) {
        endpoint.reach_ = Reach::machine;
        endpoint.wildcard_ = address == "*";
        if (address.size() > ipc_path_bytes_max)
            return refuse(text, "has a path of " + std::to_string(address.size()) +
                                    " bytes; the system's limit is " +
                                    std::to_string(ipc_path_bytes_max));
        return endpoint;
    }
    if (endpoint.transport_ == Transport::ws)
        address = address.substr(0, address.find('/'));
    const auto split = split_host_port(address);
    if (!split || split->port.empty())
        return refuse(text, "has no port; write for example tcp://127.0.0.1:5555");
    if (split->host.empty())
        return refuse(text, "has no host; write tcp://*:PORT to bind every address");
    if (split->port != "*") {
        const char* const end = split->port.data() + split->port.size();
        const auto parsed = std::from_chars(split->port.data(), end, endpoint.port_);
        if (parsed.ec != std::errc{} || parsed.ptr != end)
            return refuse(text, "has the port '" + std::string(split->port) +
                                    "'; a port is a number from 0 to 65535, or *");
    }
    endpoint.host_ = split->host;
    endpoint.wildcard_ = is_wildcard_host(split->host) || endpoint.port_ == 0;
    endpoint.reach_ = is_loopback(split->host) ? Reach::machine : Reach::remote;
    return endpoint;
}

std::string joined(const std::vector<Endpoint>& endpoints) {
    std::string all;
    for (const Endpoint& each : endpoints)
        all += (all.empty() ? "" : ",") + each.text();
    return all;
}

bool is_one_place(const Endpoint& a, const Endpoint& b) noexcept {
    if (!has_place(a) || !has_place(b))
        return false;
    if (a == b)
        return true;
    if (a.port() == 0 || a.port() != b.port())
        return false; // ipc has no port
    const auto covers = [](std::string_view all, std::string_view host) {
        const bool is_ipv6 = host.find(':') != std::string_view::npos;
        return is_all(all) && !(all == "0.0.0.0" && is_ipv6 && !is_all(host));
    };
    return a.host() == b.host() || covers(a.host(), b.host()) || covers(b.host(), a.host());
}

std::string bound_twice(const Endpoint& endpoint, const Endpoint& other) {
    return "'" + endpoint.text() + "' is bound twice" +
           (endpoint == other ? "" : " (as '" + other.text() + "')");
}

Result<Attachment> parse_attachment(std::string_view text, AttachRule rule) {
    std::optional<Attach> mark;
    std::string_view rest = text;
    if (!text.empty() && (text.front() == '@' || text.front() == '>')) {
        mark = text.front() == '@' ? Attach::bind : Attach::connect;
        rest.remove_prefix(1);
    }
    auto endpoint = Endpoint::parse(rest);
    if (!endpoint)
        return fail(std::move(endpoint.error()));
    Attach how = Attach::connect;
    if (mark)
        how = *mark;
    else if (rule == AttachRule::bind)
        how = Attach::bind;
    else if (rule == AttachRule::bind_if_wildcard)
        how = endpoint->is_wildcard() ? Attach::bind : Attach::connect;
    if (how == Attach::connect && endpoint->is_wildcard())
        return refuse(text, "is a wildcard, which can be bound but not connected to; name the "
                            "peer's host and port, or mark it @ to bind");
    return Attachment{std::move(*endpoint), how};
}

} // namespace flotilla::net
