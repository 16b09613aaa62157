// SPDX-License-Identifier: Apache-2.0
#include "text_file.hpp"

#include <flotilla/net/curve.hpp>

#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

namespace flotilla::net {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t buffer_bytes = CurveKey::text_bytes + 1; // and a final NUL

tl::unexpected<Error> no_curve() {
    return fail(Errc::unsupported, "this libzmq was built without CURVE");
}

// What a certificate file holds, and where.
struct Certificate {
    std::optional<CurveKey> public_key;
    std::optional<CurveKey> secret_key;
};

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

Result<Certificate> parse_certificate(const std::string& path, std::string_view text) {
    Certificate certificate;
    std::size_t number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = detail::trimmed(detail::next_line(rest));
        ++number;
        for (auto [name, key] : {std::pair{"public-key", &certificate.public_key},
                                 std::pair{"secret-key", &certificate.secret_key}}) {
            const auto value = value_of(line, name);
            if (!value)
                continue;
            auto parsed = CurveKey::parse(*value);
            if (!parsed)
                return fail(Errc::bad_key, path + ":" + std::to_string(number) + ": " + name +
                                               ": " + parsed.error().detail);
            *key = std::move(*parsed);
        }
    }
    if (!certificate.public_key)
        return fail(Errc::bad_key, path + ": there is no line 'public-key = \"...\"'; is this a "
                                          "certificate made by 'zmq keys new'?");
    return certificate;
}

Result<Certificate> load_certificate(const std::string& path) {
    const auto text = detail::read_text_file(path);
    if (!text)
        return fail(text.error());
    return parse_certificate(path, *text);
}

std::string certificate_text(const char* title, const CurveKeyPair& keys,
                             const CurveKey* secret_key) {
    std::string text = std::string("#   ZeroMQ CURVE ") + title +
                       " certificate\n\nmetadata\ncurve\n" + "    public-key = \"" +
                       keys.public_key.z85() + "\"\n";
    if (secret_key)
        text += "    secret-key = \"" + secret_key->z85() + "\"\n";
    return text;
}

} // namespace

Result<CurveKey> CurveKey::parse(std::string_view z85) {
    if (z85.size() != text_bytes)
        return fail(Errc::bad_key,
                    "a key has 40 characters, this has " + std::to_string(z85.size()));
    std::array<std::uint8_t, key_bytes> bytes{};
    CurveKey key;
    key.z85_ = z85;
    // libzmq accepts digits beyond 32 bits a group in some versions: only a round trip proves a
    // key.
    std::array<char, buffer_bytes> again{};
    if (!zmq_z85_decode(bytes.data(), key.z85_.c_str()) ||
        !zmq_z85_encode(again.data(), bytes.data(), bytes.size()) || again.data() != z85)
        return fail(Errc::bad_key, "a key has only characters of Z85, and this has others");
    return key;
}

Result<CurveKey> CurveKey::from_bytes(std::string_view bytes) {
    if (bytes.size() != key_bytes)
        return fail(Errc::bad_key, "a key has 32 bytes, this has " + std::to_string(bytes.size()));
    std::array<std::uint8_t, key_bytes> raw{};
    std::memcpy(raw.data(), bytes.data(), raw.size());
    std::array<char, buffer_bytes> text{};
    zmq_z85_encode(text.data(), raw.data(), raw.size());
    CurveKey key;
    key.z85_ = text.data();
    return key;
}

Result<CurveKeyPair> generate_key_pair() {
    std::array<char, buffer_bytes> public_text{};
    std::array<char, buffer_bytes> secret_text{};
    if (zmq_curve_keypair(public_text.data(), secret_text.data()) != 0)
        return no_curve();
    auto public_key = CurveKey::parse(public_text.data());
    auto secret_key = CurveKey::parse(secret_text.data());
    if (!public_key || !secret_key)
        return fail(Errc::bad_key, "libzmq made a key that is not Z85");
    return CurveKeyPair{std::move(*public_key), std::move(*secret_key)};
}

Result<CurveKey> public_key_of(const CurveKey& secret_key) {
    std::array<char, buffer_bytes> text{};
    if (zmq_curve_public(text.data(), secret_key.z85().c_str()) != 0)
        return zmq_errno() == ENOTSUP ? no_curve()
                                      : fail(Errc::bad_key, "the secret key is not a CURVE key");
    return CurveKey::parse(text.data());
}

std::string fingerprint(const CurveKey& public_key) {
    return public_key.z85().substr(0, 8);
}

Status save_certificate(const CurveKeyPair& keys, const std::string& path) {
    // The secret first: if it cannot be written, no public half of a lost pair is left behind.
    const std::string secret_path = path + "_secret";
    const Status secret = detail::create_text_file(
        secret_path, certificate_text("secret", keys, &keys.secret_key), 0600);
    if (!secret)
        return secret;
    const Status open =
        detail::create_text_file(path, certificate_text("public", keys, nullptr), 0644);
    if (!open)
        ::unlink(secret_path.c_str());
    return open;
}

Result<CurveKey> load_public_key(const std::string& path) {
    auto certificate = load_certificate(path);
    if (!certificate)
        return fail(certificate.error());
    return std::move(*certificate->public_key);
}

Result<CurveKeyPair> load_key_pair(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
        return fail(Errc::unsafe_file, path +
                                           " holds a secret key that others may read or change; "
                                           "run: chmod 600 " +
                                           path);
    auto certificate = load_certificate(path);
    if (!certificate)
        return fail(certificate.error());
    if (!certificate->secret_key)
        return fail(Errc::bad_key,
                    path + ": there is no line 'secret-key = \"...\"'; name the file that ends in "
                           "_secret");
    const auto derived = public_key_of(*certificate->secret_key);
    if (!derived)
        return fail(derived.error());
    if (*derived != *certificate->public_key)
        return fail(Errc::bad_key, path + ": the public and the secret key are not a pair");
    return CurveKeyPair{std::move(*certificate->public_key), std::move(*certificate->secret_key)};
}

} // namespace flotilla::net
