// SPDX-License-Identifier: Apache-2.0
// `zmq keys`: CURVE certificates and allow-lists.
#include <flotilla/net/access.hpp>
#include <flotilla/net/curve.hpp>

#include <cli/commands.hpp>
#include <cli/keys/allow.hpp>
#include <cli/keys/list_file.hpp>
#include <cli/output.hpp>
#include <cli/words.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace flotilla::cli {
namespace {

using Json = nlohmann::ordered_json;

struct KeysFlags {
    std::string file;
    std::vector<std::string> keys;
    std::string list;
    User user;
    bool secret = false;
    bool json = false;
};

// What is known of a key, for show and new.
struct Described {
    std::string file;
    net::CurveKey public_key;
    User user;
    std::optional<net::CurveKey> secret_key;
};

std::string text_of(const Described& key) {
    std::string text = "file         " + key.file + "\npublic key   " + key.public_key.z85() +
                       "\nfingerprint  " + net::fingerprint(key.public_key) + "\n";
    if (!key.user.name.empty())
        text += "user         " + key.user.name + "\n";
    if (!key.user.groups.empty())
        text += "groups       " + joined(key.user.groups, ",") + "\n";
    if (key.secret_key)
        text += "secret key   " + key.secret_key->z85() + "\n";
    return text;
}

Json json_of(const Described& key) {
    Json json{{"file", key.file},
              {"public_key", key.public_key.z85()},
              {"fingerprint", net::fingerprint(key.public_key)}};
    if (!key.user.name.empty())
        json["user"] = key.user.name;
    if (!key.user.groups.empty())
        json["groups"] = key.user.groups;
    if (key.secret_key)
        json["secret_key"] = key.secret_key->z85();
    return json;
}

Result<ExitCode> print(const std::string& text) {
    Output out;
    return out.finish(out.write(text));
}

Result<ExitCode> make_new(const KeysFlags& flags, Terminal& terminal) {
    if (const Status good = check_user(flags.user); !good)
        return fail(good.error());
    auto keys = net::generate_key_pair();
    if (!keys)
        return fail(keys.error());
    if (Status saved = net::save_certificate(*keys, flags.file, flags.user); !saved)
        return fail(saved.error());
    terminal.note("wrote " + flags.file + " (public: give it away) and " + flags.file +
                  "_secret (keep it; only its owner can read it)");
    const Described made{flags.file, keys->public_key, flags.user, std::nullopt};
    return print(flags.json ? json_of(made).dump() + "\n" : text_of(made));
}

Result<ExitCode> show(const KeysFlags& flags) {
    Described key{flags.file, {}, {}, std::nullopt};
    if (flags.secret) {
        auto pair = net::load_key_pair(flags.file);
        // The public half was named, which everybody may read.
        std::error_code ignored;
        if (!pair && std::filesystem::exists(flags.file + "_secret", ignored))
            return fail(Errc::bad_option, flags.file +
                                              " is the public certificate; the secret "
                                              "key is in " +
                                              flags.file + "_secret");
        if (!pair)
            return fail(pair.error());
        key.secret_key = pair->secret_key;
    }
    auto certificate = net::load_public_certificate(flags.file);
    if (!certificate)
        return fail(certificate.error());
    key.public_key = std::move(certificate->key);
    key.user = std::move(certificate->user);
    return print(flags.json ? json_of(key).dump() + "\n" : text_of(key));
}

Result<ExitCode> fingerprints(const KeysFlags& flags) {
    std::string text;
    for (const std::string& each : flags.keys) {
        auto key = keys::key_or_certificate(each);
        if (!key)
            return fail(key.error());
        const std::string name = net::fingerprint(*key);
        if (flags.json)
            text += Json{{"key", key->z85()}, {"fingerprint", name}}.dump() + "\n";
        else
            text += name + (flags.keys.size() > 1 ? "  " + each : std::string{}) + "\n";
    }
    return print(text);
}

Result<ExitCode> allow(const KeysFlags& flags, Terminal& terminal) {
    for (const std::string& each : flags.keys) {
        auto added = keys::allow(flags.list, each, flags.user);
        if (!added)
            return fail(added.error());
        terminal.note(*added == keys::Added::yes ? "added " + each + " to " + flags.list
                      : *added == keys::Added::changed
                          ? "changed the groups of " + each + " in " + flags.list
                          : each + " is in " + flags.list + " already");
    }
    return ExitCode::ok;
}

Result<ExitCode> revoke(const KeysFlags& flags, Terminal& terminal) {
    for (const std::string& each : flags.keys) {
        auto revoked = keys::revoke(flags.list, each);
        if (!revoked)
            return fail(revoked.error());
        for (const net::CurveKey& key : *revoked)
            terminal.note("revoked " + net::fingerprint(key) + "... in " + flags.list);
        if (revoked->empty())
            terminal.note(each + " is not allowed in " + flags.list +
                          ", revoked or never known; nothing changed");
    }
    return ExitCode::ok;
}

// One line a key: the allowed ones by user, then those revoked.
Result<ExitCode> list(const KeysFlags& flags) {
    auto list = net::load_allow_list(flags.list);
    if (!list)
        return fail(list.error());
    std::vector<std::pair<net::CurveKey, User>> all{list->users().begin(), list->users().end()};
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.second.name < b.second.name; });
    const auto names = keys::revoked_users(flags.list);
    for (const net::CurveKey& key : list->revoked()) {
        const auto known = names.find(key);
        all.emplace_back(key, known == names.end() ? User{} : User{known->second, {}});
    }
    std::string text;
    for (const auto& [key, user] : all) {
        const bool revoked = list->is_revoked(key);
        if (flags.json) {
            Json json{{"key", key.z85()}, {"state", revoked ? "revoked" : "allowed"}};
            if (!revoked || !user.name.empty())
                json["user"] = user.name;
            if (!revoked)
                json["groups"] = user.groups;
            text += json.dump() + "\n";
            continue;
        }
        text += key.z85() + (revoked ? "  revoked" : "  allowed");
        if (!user.name.empty() && user.name != key.z85())
            text += "  " + user.name;
        if (!user.groups.empty())
            text += "  @" + joined(user.groups, ",");
        text += "\n";
    }
    return print(text);
}

void add_user(Parser& sub, KeysFlags& flags) {
    sub.add_option("--name", flags.user.name, "Whom the key stands for in rules").type_name("USER");
    sub.add_option("--group", flags.user.groups, "A group that the user is in; may be repeated")
        .type_name("GROUP")
        .separated_by(',');
}

Parser& add_new(Parser& parser, KeysFlags& flags) {
    Parser& sub =
        parser.add_subcommand("new", "Make a key pair: FILE (public), FILE_secret (both)");
    sub.add_option("FILE", flags.file, "The public certificate; existing files are left alone")
        .required();
    add_user(sub, flags);
    sub.add_flag("--json", flags.json, "One JSON object");
    sub.set_footer("The files are those of czmq and pyzmq.\n\n"
                   "Examples:\n"
                   "  zmq keys new server.key\n"
                   "  zmq keys new alice.key --name alice --group billing\n"
                   "  zmq keys new client.key --json | jq -r .public_key");
    return sub;
}

Parser& add_show(Parser& parser, KeysFlags& flags) {
    Parser& sub = parser.add_subcommand("show", "Print the key in a certificate file");
    sub.add_option("FILE", flags.file, "A public or secret certificate").required();
    sub.add_flag("--secret", flags.secret, "Print the secret key too (of a secret certificate)");
    sub.add_flag("--json", flags.json, "One JSON object");
    sub.set_footer("Examples:\n"
                   "  zmq keys show server.key\n"
                   "  zmq keys show server.key --json | jq -r .public_key");
    return sub;
}

Parser& add_fingerprint(Parser& parser, KeysFlags& flags) {
    Parser& sub =
        parser.add_subcommand("fingerprint", "A short name of each key, to compare by eye");
    sub.add_option("KEY|FILE", flags.keys, "A public key, or a certificate file").required();
    sub.add_flag("--json", flags.json, "One JSON object a key");
    sub.set_footer("Example:\n  zmq keys fingerprint server.key client.key");
    return sub;
}

Parser& add_list_verb(Parser& parser, KeysFlags& flags, const char* verb, const char* what,
                      const char* keys) {
    Parser& sub = parser.add_subcommand(verb, what);
    sub.add_option("LIST", flags.list, "A list, one key a line, or a folder of certificates")
        .required();
    if (keys)
        sub.add_option(keys, flags.keys,
                       std::string(keys) == "KEY|FILE"
                           ? "A public key, or a certificate file"
                           : "A public key, a certificate file, or the user whom the list calls so")
            .required();
    return sub;
}

Parser& add_allow(Parser& parser, KeysFlags& flags) {
    Parser& sub =
        add_list_verb(parser, flags, "allow", "Add public keys to an allow-list", "KEY|FILE");
    add_user(sub, flags);
    sub.set_footer(
        "The list is for --allow-client-keys; there need not be one yet. Programs that\n"
        "watch it let the key in within a second or two. A key that is there with other\n"
        "groups is given these.\n\n"
        "Examples:\n"
        "  zmq keys allow clients.txt client.key\n"
        "  zmq keys allow clients.txt alice.key --name alice --group billing");
    return sub;
}

Parser& add_revoke(Parser& parser, KeysFlags& flags) {
    Parser& sub =
        add_list_verb(parser, flags, "revoke", "Take keys out of an allow-list", "KEY|FILE|USER");
    sub.set_footer(
        "The list says that the key was revoked, so that whoever comes with it is named.\n"
        "Programs that watch it end the key's sessions too.\n\n"
        "Examples:\n"
        "  zmq keys revoke clients.txt client.key\n"
        "  zmq keys revoke clients.txt alice");
    return sub;
}

Parser& add_ls(Parser& parser, KeysFlags& flags) {
    Parser& sub = add_list_verb(parser, flags, "ls", "Print the keys of an allow-list", nullptr);
    sub.add_flag("--json", flags.json, "One JSON object a key");
    sub.set_footer("Example:\n  zmq keys ls clients.txt");
    return sub;
}

} // namespace

Run declare_keys(Parser& parser) {
    auto flags = std::make_shared<KeysFlags>();
    const Parser& make = add_new(parser, *flags);
    const Parser& look = add_show(parser, *flags);
    const Parser& name = add_fingerprint(parser, *flags);
    add_allow(parser, *flags);
    const Parser& end = add_revoke(parser, *flags);
    const Parser& ls = add_ls(parser, *flags);
    parser.require_subcommand();
    parser.set_footer(
        "Examples:\n"
        "  zmq keys new server.key\n"
        "  zmq keys new client.key\n"
        "  zmq keys allow clients.txt client.key\n"
        "  zmq pull tcp://*:5555 --curve-key server.key_secret --allow-client-keys "
        "clients.txt\n"
        "  zmq push tcp://host:5555 --curve-key client.key_secret --server-key server.key "
        "hello");
    return [flags, &make, &look, &name, &end, &ls](Terminal& terminal) -> Result<ExitCode> {
        if (make.is_named())
            return make_new(*flags, terminal);
        if (look.is_named())
            return show(*flags);
        if (name.is_named())
            return fingerprints(*flags);
        if (end.is_named())
            return revoke(*flags, terminal);
        if (ls.is_named())
            return list(*flags);
        return allow(*flags, terminal);
    };
}

} // namespace flotilla::cli
