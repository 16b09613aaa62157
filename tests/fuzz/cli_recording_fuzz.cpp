// SPDX-License-Identifier: Apache-2.0
// Recordings: any bytes, and good recordings with a few bytes changed, since checksums keep a
// fuzzer out of the records otherwise. Every byte is accounted for, however the file is read.
#include <flotilla/base/check.hpp>

#include <cli/recording/scanner.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

using namespace flotilla;
using namespace flotilla::cli::recording;

namespace {

struct Read {
    std::uint64_t messages = 0;
    std::uint64_t accounted = 0; // bytes in messages and gaps
    bool refused = false;
    bool operator==(const Read&) const = default;
};

Read read_all(ByteView bytes, std::size_t step) {
    Scanner scanner;
    Read read;
    while (true) {
        Scanner::Step next = scanner.next();
        if (const auto* message = std::get_if<Message>(&next)) {
            ++read.messages;
            const auto again = encode(*message);
            FLOTILLA_CHECK(again.has_value(), "what was read cannot be written");
            read.accounted += again->size();
        } else if (const auto* gap = std::get_if<Scanner::Gap>(&next)) {
            FLOTILLA_CHECK(gap->bytes > 0, "a gap of nothing");
            read.accounted += gap->bytes;
        } else if (std::holds_alternative<Scanner::Hungry>(next)) {
            if (bytes.empty())
                scanner.end_of_input();
            const std::size_t size = std::min(step, bytes.size());
            scanner.feed(bytes.substr(0, size));
            bytes.remove_prefix(size);
        } else {
            read.refused = std::holds_alternative<Error>(next);
            return read;
        }
    }
}

std::string damaged_recording(ByteView data) {
    std::string file = *encode(Header{format_version, WallTime{5s}, "fuzz"});
    const std::size_t header = file.size();
    std::size_t at = 0;
    for (; at + 3 < data.size() / 2; at += 3) {
        Message message;
        message.offset = Duration{static_cast<unsigned char>(data[at])};
        for (int frames = data[at + 1] % 4; frames >= 0; --frames)
            message.frames.add(data.substr(at, static_cast<unsigned char>(data[at + 2]) % 40));
        file += *encode(message);
    }
    if (file.size() == header)
        return file;
    for (; at + 3 < data.size(); at += 3) {
        const std::size_t place = (static_cast<unsigned char>(data[at]) * std::size_t{256} +
                                   static_cast<unsigned char>(data[at + 1])) %
                                  (file.size() - header);
        file[header + place] = data[at + 2];
    }
    return file;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return 0;
    const ByteView bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    const std::size_t step = 1 + data[0] % 64;
    FLOTILLA_CHECK(read_all(bytes, step) == read_all(bytes, bytes.size()),
                   "what is read depends on how the file is fed");
    const std::string file = damaged_recording(bytes);
    const Read read = read_all(file, step);
    FLOTILLA_CHECK(read == read_all(file, file.size()), "what is read depends on the pieces");
    FLOTILLA_CHECK(!read.refused, "a good header was refused");
    const std::size_t header = encode(Header{format_version, WallTime{5s}, "fuzz"})->size();
    FLOTILLA_CHECK(read.accounted + header == file.size(), "bytes were passed over in silence");
    return 0;
}
