// SPDX-License-Identifier: Apache-2.0
// The names of findings and socket types, and what each finding exits with.
#include <cli/doctor/diagnose.hpp>

#include <algorithm>
#include <cctype>

namespace flotilla::cli::doctor {

using net::SocketType;

std::string_view name(Finding finding) noexcept {
    switch (finding) {
    case Finding::healthy:
        return "healthy";
    case Finding::nobody_listens:
        return "nobody_listens";
    case Finding::no_socket_file:
        return "no_socket_file";
    case Finding::host_unknown:
        return "host_unknown";
    case Finding::unreachable:
        return "unreachable";
    case Finding::nothing_arrives:
        return "nothing_arrives";
    case Finding::topic_unmatched:
        return "topic_unmatched";
    case Finding::nothing_subscribed:
        return "nothing_subscribed";
    case Finding::not_a_socket:
        return "not_a_socket";
    case Finding::not_permitted:
        return "not_permitted";
    case Finding::silent:
        return "silent";
    case Finding::closes_at_once:
        return "closes_at_once";
    case Finding::not_zeromq:
        return "not_zeromq";
    case Finding::handshake_stalls:
        return "handshake_stalls";
    case Finding::too_old:
        return "too_old";
    case Finding::peer_encrypts:
        return "peer_encrypts";
    case Finding::peer_is_plaintext:
        return "peer_is_plaintext";
    case Finding::mechanism_unknown:
        return "mechanism_unknown";
    case Finding::both_are_clients:
        return "both_are_clients";
    case Finding::wrong_server_key:
        return "wrong_server_key";
    case Finding::key_not_allowed:
        return "key_not_allowed";
    case Finding::key_revoked:
        return "key_revoked";
    case Finding::address_denied:
        return "address_denied";
    case Finding::address_waits:
        return "address_waits";
    case Finding::too_many_connections:
        return "too_many_connections";
    case Finding::plaintext_refused:
        return "plaintext_refused";
    case Finding::topic_not_allowed:
        return "topic_not_allowed";
    case Finding::server_cannot_judge:
        return "server_cannot_judge";
    case Finding::refused_by_peer:
        return "refused_by_peer";
    case Finding::daemon_not_ready:
        return "daemon_not_ready";
    case Finding::type_mismatch:
        return "type_mismatch";
    }
    return "unknown";
}

ExitCode exit_code(Finding finding) noexcept {
    if (finding == Finding::healthy)
        return ExitCode::ok;
    if (finding <= Finding::nothing_subscribed)
        return ExitCode::nothing;
    return finding <= Finding::too_old ? ExitCode::runtime_error : ExitCode::refused;
}

bool takes_messages(SocketType type) noexcept {
    return type == SocketType::pull || type == SocketType::rep || type == SocketType::pair ||
           type == SocketType::dealer;
}

bool are_compatible(SocketType a, SocketType b) noexcept {
    const auto is = [](SocketType type, std::initializer_list<SocketType> set) {
        return std::find(set.begin(), set.end(), type) != set.end();
    };
    switch (a) {
    case SocketType::pair:
        return b == SocketType::pair;
    case SocketType::pub:
    case SocketType::xpub:
        return is(b, {SocketType::sub, SocketType::xsub});
    case SocketType::sub:
    case SocketType::xsub:
        return is(b, {SocketType::pub, SocketType::xpub});
    case SocketType::req:
        return is(b, {SocketType::rep, SocketType::router});
    case SocketType::rep:
        return is(b, {SocketType::req, SocketType::dealer});
    case SocketType::dealer:
        return is(b, {SocketType::rep, SocketType::dealer, SocketType::router});
    case SocketType::router:
        return is(b, {SocketType::req, SocketType::dealer, SocketType::router});
    case SocketType::pull:
        return b == SocketType::push;
    case SocketType::push:
        return b == SocketType::pull;
    }
    return false;
}

std::string partners_of(SocketType type) {
    std::string all;
    for (const SocketType each :
         {SocketType::pair, SocketType::pub, SocketType::xpub, SocketType::sub, SocketType::xsub,
          SocketType::req, SocketType::rep, SocketType::dealer, SocketType::router,
          SocketType::push, SocketType::pull})
        if (are_compatible(type, each))
            all += (all.empty() ? "" : " or ") + shown(each);
    return all;
}

std::string shown(SocketType type) {
    std::string text(net::name(type));
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

std::optional<SocketType> type_of(std::string_view shown) {
    std::string text(shown);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return net::socket_type_named(text);
}

} // namespace flotilla::cli::doctor
