// SPDX-License-Identifier: Apache-2.0
//
// The messages that we and the foreign peers send each other, and the digest by which both ends
// tell what arrived; tests/interop/peers/README.md defines both.
#pragma once

#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>

namespace flotilla::interop {

struct Corpus {
    std::uint32_t frame_bytes_max = 1 << 20; // larger frames are cut to so many bytes
    std::string topic{};                     // the first frame of each message; empty: none
};

wire::Frames message(std::uint32_t i, const Corpus& corpus = {});

// How many messages, and SHA-256 over them in hexadecimal digits.
struct Tally {
    std::uint32_t count = 0;
    std::string sha256{};
    friend bool operator==(const Tally&, const Tally&) = default;
};
std::ostream& operator<<(std::ostream& out, const Tally& tally);

class Digest {
public:
    void add(const wire::Frames& frames);
    Tally tally() const;

private:
    std::uint32_t count_ = 0;
    std::string bytes_{};
};

// Of the messages 0 to count - 1.
Tally tally_of(std::uint32_t count, const Corpus& corpus = {});

bool is_probe(const wire::Frames& frames);

} // namespace flotilla::interop
