// SPDX-License-Identifier: Apache-2.0
//
// Options that many verbs share: declared, and turned into what the library takes. Those whose
// values are a quantity, a list or a choice are declared by command_line/values.hpp.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/endpoint.hpp>
#include <flotilla/net/security.hpp>
#include <flotilla/net/socket.hpp>

#include <command_line/values.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli {

using command_line::Option;
using command_line::Parser;

// CURVE and its opposite. A server key makes this side a client; an allow-list (or its refusal)
// makes it a server; neither is plaintext.
struct SecurityFlags {
    std::string curve_key;         // our secret certificate file; a client may go without
    std::string server_key;        // 40 characters of Z85, or a certificate file
    std::string allow_client_keys; // file or directory
    bool allow_any_client_key = false;
    bool allow_plaintext = false; // beyond this machine
};
void add_security(Parser& parser, SecurityFlags& flags);
// Without the flags of a server, for what only connects.
void add_client_security(Parser& parser, SecurityFlags& flags);
// For what connects to several servers: --server-key may be repeated and fills `server_keys`.
void add_clients_security(Parser& parser, SecurityFlags& flags,
                          std::vector<std::string>& server_keys);
// What holds for the server at `index` of `servers`: its own key when there is one for each, in
// order, "none" for one in plaintext. Errors: bad_option (neither one key nor one for each).
Result<SecurityFlags> security_of(std::size_t index, std::size_t servers,
                                  const SecurityFlags& flags,
                                  const std::vector<std::string>& server_keys);
// Errors: bad_option (options that contradict each other), and those of net/curve and net/access.
Result<net::Security> make_security(const SecurityFlags& flags);

// The words of `zmq TYPE ENDPOINT... [MESSAGE...]`, in order, with --bind and --connect.
struct Targets {
    std::vector<net::Attachment> attachments; // at least one
    std::vector<std::string> messages;        // from the first word on that is no endpoint
};
enum class Words { endpoints_only, endpoints_and_messages };
// Of `zmq VERB FILE ENDPOINT...`: that FILE is not the endpoint. Errors: bad_option.
Status check_file_first(const std::string& file, const char* verb);
// Adds the positional ENDPOINT... and the flags --bind and --connect, which hold for all endpoints
// after them. make_targets reads them back once the line is parsed.
void add_targets(Parser& parser, std::vector<std::string>& words, Words kind);
// `parser` is where add_targets declared them. An endpoint without mark or flag connects, unless it
// is a wildcard. Errors: bad_endpoint; bad_option (no endpoint at all).
Result<Targets> make_targets(const Parser& parser, const std::vector<std::string>& words,
                             Words kind);

// What every raw socket takes.
// The frames of a handshake are held to a client's --max-size, too, and must pass.
inline constexpr std::uint64_t client_message_bytes_min = 64 << 10;

struct SocketFlags {
    std::uint64_t hwm = 1'000;
    Duration linger = 5s;
    std::uint64_t message_bytes_max = 64ULL << 20;
    std::vector<std::string> options; // -O NAME=VALUE
    SecurityFlags security;
};
void add_socket(Parser& parser, SocketFlags& flags);
// SocketOptions from the flags; linger stays 0, since flushing is done by who knows what was sent.
Result<net::SocketOptions> make_socket_options(const SocketFlags& flags);
// Applies -O, after open and before attach. Errors: bad_option.
Status set_options(net::Socket& socket, const SocketFlags& flags);

} // namespace flotilla::cli
