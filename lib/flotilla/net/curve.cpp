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

namespace flotilla::net {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t buffer_bytes = CurveKey::text_bytes + 1; // and a final NUL

tl::unexpected<Error> no_curve() {
    return fail(Errc::unsupported, "this libzmq was built without CURVE");
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

} // namespace flotilla::net
