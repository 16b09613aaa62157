// SPDX-License-Identifier: Apache-2.0
//
// CURVE keys (25/ZMTP-CURVE, 26/CurveZMQ): pairs, their text form and their files.
//
// A key is 32 bytes, written as 40 characters of Z85. Files are the certificates that czmq and
// pyzmq read and write (4/ZPL): NAME holds the public key, NAME_secret (or NAME.key_secret) both. A
// secret file that group or others may read is refused; ours are created with mode 0600.
#pragma once

#include <flotilla/base/permissions.hpp>
#include <flotilla/base/result.hpp>

#include <string>
#include <string_view>

namespace flotilla::net {

class CurveKey {
public:
    static constexpr std::size_t text_bytes = 40;
    // Errors: bad_key, without repeating the text (it may be a secret).
    static Result<CurveKey> parse(std::string_view z85);
    // From the 32 bytes themselves. Errors: bad_key.
    static Result<CurveKey> from_bytes(std::string_view bytes);
    const std::string& z85() const noexcept { return z85_; }
    friend bool operator==(const CurveKey&, const CurveKey&) = default;
    friend auto operator<=>(const CurveKey&, const CurveKey&) = default;

private:
    std::string z85_;
};

struct CurveKeyPair {
    CurveKey public_key;
    CurveKey secret_key;
};

// Errors: unsupported (libzmq without CURVE).
Result<CurveKeyPair> generate_key_pair();
// Errors: bad_key, unsupported.
Result<CurveKey> public_key_of(const CurveKey& secret_key);
// A short name for humans and logs: the first 8 characters of the key. Not for decisions.
std::string fingerprint(const CurveKey& public_key);

// Writes `path` (public, 0644) and `path`_secret (both keys, 0600), with whom they stand for in
// their metadata if `user` has a name or groups. Existing files are left alone.
// Errors: exists; io; disk_full.
Status save_certificate(const CurveKeyPair& keys, const std::string& path, const User& user = {});
// Only the public one.
Status save_public_certificate(const CurveKey& public_key, const std::string& path,
                               const User& user = {});
// A public key, and what its certificate says of whom it stands for.
struct PublicCertificate {
    CurveKey key;
    User user;
};
// From a public or a secret certificate file. Errors: as load_public_key().
Result<PublicCertificate> load_public_certificate(const std::string& path);
// From a public or a secret certificate file.
// Errors: not_found; bad_key (no public key in it; which line); io.
Result<CurveKey> load_public_key(const std::string& path);
// From a secret certificate file; checks that the halves belong together.
// Errors: not_found; unsafe_file (mode wider than 0600, how to mend it); bad_key; io.
Result<CurveKeyPair> load_key_pair(const std::string& path);

} // namespace flotilla::net
