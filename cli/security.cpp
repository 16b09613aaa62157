// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>
#include <flotilla/net/curve.hpp>

#include <cli/options.hpp>

namespace flotilla::cli {

namespace {

// GCC 12 takes the nameless one for uninitialised.
template <class Kind>
net::Security secured(Kind kind) {
    net::Security security;
    security.emplace<Kind>(std::move(kind));
    return security;
}

// Our key pair: the one in the file, or for a client that has none, one for this run.
Result<net::CurveKeyPair> own_keys(const std::string& path) {
    return path.empty() ? net::generate_key_pair() : net::load_key_pair(path);
}

// A key as text, or the certificate file that holds it.
Result<net::CurveKey> key_or_file(const std::string& text) {
    if (text.size() == net::CurveKey::text_bytes) {
        auto key = net::CurveKey::parse(text);
        if (key)
            return key;
    }
    auto key = net::load_public_key(text);
    if (!key && key.error().code == Errc::not_found)
        return fail(Errc::bad_key, "--server-key: neither a key (40 characters of Z85) nor a "
                                   "certificate file that can be found");
    return key;
}

Result<net::Security> server_side(const SecurityFlags& flags) {
    if (flags.curve_key.empty())
        return fail(Errc::bad_option,
                    "a CURVE server needs its own key: --curve-key FILE (zmq keys new makes one)");
    auto keys = net::load_key_pair(flags.curve_key);
    if (!keys)
        return fail(keys.error());
    if (flags.allow_any_client_key)
        return secured(net::CurveServer{std::move(*keys), net::AnyClientKey{}});
    auto allowed = net::load_allow_list(flags.allow_client_keys);
    if (!allowed)
        return fail(allowed.error());
    return secured(net::CurveServer{std::move(*keys), std::move(*allowed)});
}

constexpr const char* security_group = "Security";
constexpr const char* plaintext_word = "none"; // in the place of a server's key

void add_own_key(Parser& parser, SecurityFlags& flags) {
    parser
        .add_option("--curve-key", flags.curve_key,
                    "Our own secret certificate (mode 0600); a client without one gets a key for "
                    "this run")
        .type_name("FILE")
        .group(security_group);
}

void add_plaintext(Parser& parser, SecurityFlags& flags) {
    parser
        .add_flag("--allow-plaintext", flags.allow_plaintext,
                  "Go without encryption beyond this machine")
        .group(security_group);
}

} // namespace

void add_client_security(Parser& parser, SecurityFlags& flags) {
    add_own_key(parser, flags);
    parser
        .add_option("--server-key", flags.server_key,
                    "Encrypt, and believe only the server with this public key: the key itself or "
                    "its certificate")
        .type_name("KEY|FILE")
        .group(security_group);
    add_plaintext(parser, flags);
}

void add_clients_security(Parser& parser, SecurityFlags& flags,
                          std::vector<std::string>& server_keys) {
    add_own_key(parser, flags);
    add_list(parser, "--server-key", server_keys, "KEY|FILE",
             "Encrypt, and believe only the server with this public key: the key itself or its "
             "certificate. Once for all endpoints, or once for each in their order; none: that one "
             "is plaintext")
        .group(security_group);
    add_plaintext(parser, flags);
}

Result<SecurityFlags> security_of(std::size_t index, std::size_t servers,
                                  const SecurityFlags& flags,
                                  const std::vector<std::string>& server_keys) {
    SecurityFlags each = flags;
    if (server_keys.empty())
        return each;
    if (server_keys.size() != 1 && server_keys.size() != servers)
        return fail(Errc::bad_option, std::to_string(server_keys.size()) + " times --server-key, " +
                                          std::to_string(servers) +
                                          " endpoints: give it once for all, or once for each in "
                                          "their order (none for one in plaintext)");
    each.server_key = server_keys[server_keys.size() == 1 ? 0 : index];
    if (each.server_key == plaintext_word) {
        each.server_key.clear();
        each.curve_key.clear();
    }
    return each;
}

void add_security(Parser& parser, SecurityFlags& flags) {
    add_client_security(parser, flags);
    parser
        .add_option("--allow-client-keys", flags.allow_client_keys,
                    "Be a CURVE server for these public keys: a list, or a directory of "
                    "certificates")
        .type_name("FILE|DIR")
        .group(security_group);
    parser
        .add_flag("--allow-any-client-key", flags.allow_any_client_key,
                  "Be a CURVE server for whoever knows our public key")
        .group(security_group);
}

Result<net::Security> make_security(const SecurityFlags& flags) {
    const bool serves = !flags.allow_client_keys.empty() || flags.allow_any_client_key;
    if (!flags.allow_client_keys.empty() && flags.allow_any_client_key)
        return fail(Errc::bad_option,
                    "--allow-client-keys and --allow-any-client-key contradict each other");
    if (serves && !flags.server_key.empty())
        return fail(Errc::bad_option, "--server-key makes a CURVE client and --allow-client-keys "
                                      "a CURVE server; a socket is one of them");
    if (serves)
        return server_side(flags);
    if (!flags.server_key.empty()) {
        auto server = key_or_file(flags.server_key);
        if (!server)
            return fail(server.error());
        auto keys = own_keys(flags.curve_key);
        if (!keys)
            return fail(keys.error());
        return secured(net::CurveClient{std::move(*keys), std::move(*server)});
    }
    if (!flags.curve_key.empty())
        return fail(Errc::bad_option,
                    "--curve-key alone does not say which side this is: add --server-key KEY to be "
                    "a client, or --allow-client-keys FILE|DIR to be a server");
    using Where = net::Plaintext::Where;
    net::Security plain; // Plaintext, if nothing is said
    std::get<net::Plaintext>(plain).where =
        flags.allow_plaintext ? Where::anywhere : Where::local_only;
    return plain;
}

} // namespace flotilla::cli
