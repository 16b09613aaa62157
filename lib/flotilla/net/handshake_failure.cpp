// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/handshake_failure.hpp>

#include <array>

namespace flotilla::net {
namespace {

struct Described {
    std::string_view name;
    std::string_view sentence;
};

constexpr std::array<Described, handshake_failures_count> failures{{
    {"unknown_key", "its key is not in the allow-list; zmq keys allow adds it"},
    {"revoked_key", "its key was revoked; it needs a new one"},
    {"wrong_password", "nobody has this name and password; see [[plain]] of the access file"},
    {"plain_remote", "PLAIN sends passwords in the clear and is for this machine only; use CURVE"},
    {"address", "no [[address]] of the access file lets this address in"},
    {"not_allowed", "it may connect, but no rule lets it use this listener"},
    {"penalty", "this address failed too often and has to wait"},
    {"connections", "there are as many connections as connections_max allows"},
    {"address_connections", "this address has as many connections as one may have"},
    {"out_of_files", "few descriptors are left; raise the limit of open files"},
    {"wrong_server_key", "it expects another server key; give it our public certificate"},
    {"plaintext", "it came without CURVE keys; give it a key and our public certificate"},
    {"wrong_mechanism", "it came with another mechanism (NULL, PLAIN, CURVE) than "
                        "this listener speaks; PLAIN is for those with [[plain]] users"},
    {"not_zmtp", "it spoke no ZeroMQ, or a version before ZMTP 3, or "
                 "its socket is of a type that does not talk to ours"},
    {"protocol", "its handshake broke the protocol"},
    {"timeout", "it did not finish the handshake in time"},
    {"closed", "it closed the connection before the handshake was done"},
    {"failed", "the request to authenticate it could not be answered"},
}};

} // namespace

std::string_view name(HandshakeFailure failure) noexcept {
    return failures[std::size_t(failure)].name;
}

std::string_view explain(HandshakeFailure failure) noexcept {
    return failures[std::size_t(failure)].sentence;
}

} // namespace flotilla::net
