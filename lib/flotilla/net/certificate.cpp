// SPDX-License-Identifier: Apache-2.0
#include "certificate.hpp"

#include "text_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace flotilla::net {
namespace {

// The value of `name = "value"`; quotes are single, double or none, as 4/ZPL allows.
std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
    if (line.substr(0, name.size()) != name)
        return std::nullopt;
    line = detail::trimmed(line.substr(name.size()));
    if (line.empty() || line.front() != '=')
        return std::nullopt;
    line = detail::trimmed(line.substr(1));
    if (line.size() >= 2 && (line.front() == '"' || line.front() == '\''))
        return line.substr(1, line.find(line.front(), 1) - 1);
    return line;
}

// "billing, ops"
std::vector<std::string> listed(std::string_view text) {
    std::vector<std::string> all;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        if (const std::string_view each = detail::trimmed(text.substr(0, end)); !each.empty())
            all.emplace_back(each);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return all;
}

} // namespace

Result<detail::Certificate> detail::parse_certificate(const std::string& file,
                                                      std::string_view text) {
    Certificate certificate;
    std::size_t number = 0;
    bool in_metadata = false;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view whole = next_line(rest);
        const std::string_view line = trimmed(whole);
        ++number;
        // A section's name stands at the margin, what is in it does not.
        if (!line.empty() && whole.front() != ' ' && whole.front() != '\t')
            in_metadata = line == "metadata";
        if (const auto value = in_metadata ? value_of(line, "name") : std::nullopt)
            certificate.user.name = *value;
        if (const auto value = in_metadata ? value_of(line, "groups") : std::nullopt)
            certificate.user.groups = listed(*value);
        for (auto [name, key] : {std::pair{"public-key", &certificate.public_key},
                                 std::pair{"secret-key", &certificate.secret_key}}) {
            const auto value = value_of(line, name);
            if (!value)
                continue;
            auto parsed = CurveKey::parse(*value);
            if (!parsed)
                return fail(Errc::bad_key, file + ":" + std::to_string(number) + ": " + name +
                                               ": " + parsed.error().detail);
            *key = std::move(*parsed);
        }
    }
    if (!certificate.public_key)
        return fail(Errc::bad_key, file + ": there is no line 'public-key = \"...\"'; is this a "
                                          "certificate made by 'zmq keys new'?");
    return certificate;
}

namespace {

using detail::Certificate;

Result<Certificate> load_certificate(const std::string& path) {
    const auto text = detail::read_text_file(path);
    if (!text)
        return fail(text.error());
    return detail::parse_certificate(path, *text);
}

// Of a certificate that is named where the secret one is wanted.
Error no_secret_key(const std::string& path) {
    const std::string secret = path + "_secret";
    const bool is_there = ::access(secret.c_str(), F_OK) == 0;
    return {Errc::bad_key,
            path + " has only the public key, no line 'secret-key = \"...\"'; " +
                (is_there ? "take " + secret : "take the certificate whose name ends in _secret")};
}

std::string metadata_text(const User& user) {
    std::string text = "metadata\n";
    if (!user.name.empty())
        text += "    name = \"" + user.name + "\"\n";
    std::string groups;
    for (const std::string& each : user.groups)
        groups += (groups.empty() ? "" : ",") + each;
    if (!groups.empty())
        text += "    groups = \"" + groups + "\"\n";
    return text;
}

std::string certificate_text(const char* title, const CurveKey& public_key, const User& user,
                             const CurveKey* secret_key) {
    std::string text = std::string("#   ZeroMQ CURVE ") + title + " certificate\n\n" +
                       metadata_text(user) + "curve\n    public-key = \"" + public_key.z85() +
                       "\"\n";
    if (secret_key)
        text += "    secret-key = \"" + secret_key->z85() + "\"\n";
    return text;
}

} // namespace

Status save_public_certificate(const CurveKey& public_key, const std::string& path,
                               const User& user) {
    return detail::create_text_file(path, certificate_text("public", public_key, user, nullptr),
                                    0644);
}

Status save_certificate(const CurveKeyPair& keys, const std::string& path, const User& user) {
    // The secret first: if it cannot be written, no public half of a lost pair is left behind.
    const std::string secret_path = path + "_secret";
    const Status secret = detail::create_text_file(
        secret_path, certificate_text("secret", keys.public_key, user, &keys.secret_key), 0600);
    if (!secret)
        return secret;
    const Status open = save_public_certificate(keys.public_key, path, user);
    if (!open)
        ::unlink(secret_path.c_str());
    return open;
}

Result<PublicCertificate> load_public_certificate(const std::string& path) {
    auto certificate = load_certificate(path);
    if (!certificate)
        return fail(certificate.error());
    return PublicCertificate{std::move(*certificate->public_key), std::move(certificate->user)};
}

Result<CurveKey> load_public_key(const std::string& path) {
    auto certificate = load_certificate(path);
    if (!certificate)
        return fail(certificate.error());
    return std::move(*certificate->public_key);
}

Result<CurveKeyPair> load_key_pair(const std::string& path) {
    const auto text = detail::read_secret_file(path);
    if (!text && text.error().code == Errc::unsafe_file)
        if (const auto open = load_certificate(path); open && !open->secret_key)
            return fail(no_secret_key(path)); // others may well read it
    if (!text)
        return fail(text.error());
    auto certificate = detail::parse_certificate(path, *text);
    if (!certificate)
        return fail(certificate.error());
    if (!certificate->secret_key)
        return fail(no_secret_key(path));
    const auto derived = public_key_of(*certificate->secret_key);
    if (!derived)
        return fail(derived.error());
    if (*derived != *certificate->public_key)
        return fail(Errc::bad_key, path + ": the public and the secret key are not a pair");
    return CurveKeyPair{std::move(*certificate->public_key), std::move(*certificate->secret_key)};
}

} // namespace flotilla::net
