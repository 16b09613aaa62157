// SPDX-License-Identifier: Apache-2.0
//
// Endpoints: where a socket binds or connects, as text: "tcp://127.0.0.1:5555",
// "ipc:///run/x.sock", "inproc://name", "ws://host:port/path". Parsed here, so that a wrong one is
// refused with a sentence and not by a transport, and so that it is known how far the bytes travel.
//
// Pure values; nothing is looked up.
#pragma once

#include <flotilla/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::net {

enum class Transport : std::uint8_t { inproc, ipc, tcp, ws };

// Who can reach it: this process, this machine, or others. A host name counts as remote (it may
// resolve to anything), but "localhost" as loopback; a wildcard host is remote.
enum class Reach : std::uint8_t { process, machine, remote };

class Endpoint {
public:
    static constexpr std::size_t bytes_max = 1024;
    static constexpr std::size_t ipc_path_bytes_max = 107; // sun_path less its final NUL

    // Errors: bad_endpoint, naming the text, what is wrong and a right example.
    static Result<Endpoint> parse(std::string_view text);

    const std::string& text() const noexcept { return text_; }
    Transport transport() const noexcept { return transport_; }
    // What stands after "://".
    std::string_view address() const noexcept;
    // tcp and ws: the host as written ("*", "::1" without brackets), and the port ("*" and "0" are
    // 0).
    std::string_view host() const noexcept { return host_; }
    std::uint16_t port() const noexcept { return port_; }

    Reach reach() const noexcept { return reach_; }
    // The host or port cannot be connected to, only bound: "*", "0.0.0.0", "::", port 0, "ipc://*".
    bool is_wildcard() const noexcept { return wildcard_; }

    friend bool operator==(const Endpoint& a, const Endpoint& b) { return a.text_ == b.text_; }

private:
    std::string text_;
    std::string host_;
    std::uint16_t port_ = 0;
    Transport transport_ = Transport::tcp;
    Reach reach_ = Reach::remote;
    bool wildcard_ = false;
};

// Whether two endpoints cannot both be bound: one place, or all addresses of a port and one of
// them.
bool is_one_place(const Endpoint& a, const Endpoint& b) noexcept;
// "'tcp://*:5557' is bound twice (as 'tcp://127.0.0.1:5557')"
std::string bound_twice(const Endpoint& endpoint, const Endpoint& other);

// "tcp://...,ipc://..."
std::string joined(const std::vector<Endpoint>& endpoints);

enum class Attach : std::uint8_t { bind, connect };

// An endpoint and what to do with it.
struct Attachment {
    Endpoint endpoint;
    Attach how;
};

// What an endpoint without a mark does.
enum class AttachRule : std::uint8_t {
    bind,             // daemons: always bind
    connect,          // always connect
    bind_if_wildcard, // the command line: wildcards bind, anything else connects
};

// "@tcp://..." binds and ">tcp://..." connects, whatever the rule.
// Errors: bad_endpoint (also: connecting to a wildcard).
Result<Attachment> parse_attachment(std::string_view text, AttachRule rule);

} // namespace flotilla::net
