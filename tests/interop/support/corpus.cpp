// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/pack.hpp>

#include <interop/support/corpus.hpp>
#include <support/process.hpp>

#include <algorithm>
#include <ostream>

namespace flotilla::interop {
namespace {

std::string every_byte() {
    std::string all;
    for (int value = 0; value < 256; ++value)
        all.push_back(static_cast<char>(value));
    return all;
}

std::string large(std::uint32_t i, std::uint32_t bytes) {
    std::string all;
    all.reserve(bytes);
    for (std::uint32_t j = 0; j < bytes; ++j)
        all.push_back(static_cast<char>((i + 7 * j + j / 256) % 256));
    return all;
}

void add_body(wire::Frames& frames, std::uint32_t i, std::uint32_t frame_bytes_max) {
    const std::string digits = std::to_string(i);
    if (i % 8 == 0) {
        frames.add(ByteView{"text " + digits});
        return;
    }
    if (i % 8 == 5) {
        frames.add(ByteView{});
        if (i != 13)
            frames.add(ByteView{digits});
        return;
    }
    frames.add(ByteView{digits});
    switch (i % 8) {
    case 1:
        frames.add(ByteView{});
        frames.add(ByteView{"end"});
        break;
    case 2:
        frames.add(ByteView{every_byte()});
        break;
    case 3:
        frames.add(ByteView{std::string(255, static_cast<char>(i % 256))});
        break;
    case 4:
        frames.add(ByteView{std::string(256, static_cast<char>(i % 256))});
        break;
    case 6:
        for (int n = 0; n < 11; ++n)
            frames.add(ByteView{std::to_string(n)});
        break;
    default:
        frames.add(ByteView{large(i, std::min(i == 7 ? 1U << 20 : 70'000U, frame_bytes_max))});
    }
}

void add_number(std::string& bytes, std::size_t number) {
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes.push_back(static_cast<char>((number >> shift) & 255));
}

} // namespace

wire::Frames message(std::uint32_t i, const Corpus& corpus) {
    wire::Frames frames;
    if (!corpus.topic.empty())
        frames.add(ByteView{corpus.topic});
    add_body(frames, i, corpus.frame_bytes_max);
    return frames;
}

std::ostream& operator<<(std::ostream& out, const Tally& tally) {
    return out << tally.count << " messages, SHA-256 " << tally.sha256;
}

void Digest::add(const wire::Frames& frames) {
    ++count_;
    add_number(bytes_, frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
        add_number(bytes_, frames[i].size());
        bytes_.append(frames[i].view());
    }
}

Tally Digest::tally() const {
    const std::string printed = test::run_program({"sha256sum"}, bytes_).output;
    return Tally{count_, printed.substr(0, printed.find(' '))};
}

Tally tally_of(std::uint32_t count, const Corpus& corpus) {
    Digest digest;
    for (std::uint32_t i = 0; i < count; ++i)
        digest.add(message(i, corpus));
    return digest.tally();
}

bool is_probe(const wire::Frames& frames) {
    return !frames.empty() && frames.back() == ByteView{"probe"};
}

} // namespace flotilla::interop
