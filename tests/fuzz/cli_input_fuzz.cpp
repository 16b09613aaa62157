// SPDX-License-Identifier: Apache-2.0
// What the zmq program reads from files and pipes: records cut from a stream, JSON lines, patterns.
#include <flotilla/base/check.hpp>
#include <flotilla/base/encoding.hpp>

#include <cli/format.hpp>
#include <cli/json_lines.hpp>
#include <cli/payload.hpp>
#include <cli/splitter.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

using namespace flotilla;
using namespace flotilla::cli;

namespace {

// However the stream is fed, the records are the same and within their limit.
std::string records(SplitterOptions options, ByteView bytes, std::size_t step) {
    constexpr std::size_t limit = 100;
    options.record_bytes_max = limit;
    Splitter splitter{options};
    std::string seen;
    const auto drain = [&] {
        while (true) {
            const auto record = splitter.next();
            if (!record) {
                seen += "|" + std::string(name(record.error().code));
                return false;
            }
            if (!*record)
                return true;
            FLOTILLA_CHECK((*record)->size() <= limit, "a record is over its limit");
            seen += std::to_string((*record)->size()) + ":" + std::string(**record);
        }
    };
    for (std::size_t i = 0; i < bytes.size(); i += step) {
        splitter.feed(bytes.substr(i, step));
        if (!drain())
            return seen;
    }
    splitter.end();
    (void)drain();
    return seen;
}

void split_both_ways(ByteView bytes, std::size_t step) {
    using Framing = SplitterOptions::Framing;
    for (const Framing framing :
         {Framing::delimiter, Framing::u32, Framing::u32le, Framing::whole}) {
        SplitterOptions options;
        options.framing = framing;
        options.delimiter = step % 2 ? "\n" : "ab";
        FLOTILLA_CHECK(records(options, bytes, step) == records(options, bytes, bytes.size()),
                       "records depend on how the stream was fed");
    }
}

void round_trip(ByteView text) {
    const auto line = parse_json_line(text);
    if (!line)
        return;
    std::string written;
    append_json_line(written, *line);
    written.pop_back();
    const auto again = parse_json_line(written);
    FLOTILLA_CHECK(again && again->frames == line->frames, "a line did not survive its round trip");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return 0;
    const ByteView bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    split_both_ways(bytes, 1 + data[0] % 16);
    round_trip(bytes);
    if (const auto decoded = decode_base64(bytes)) {
        std::string encoded;
        append_base64(encoded, *decoded);
        FLOTILLA_CHECK(encoded == bytes, "two texts for the same bytes");
    }
    (void)unescape(bytes);
    (void)Payload::parse(bytes);
    (void)Format::from_template(bytes, "\\t");
    std::string escaped;
    append_escaped(escaped, bytes);
    FLOTILLA_CHECK(is_printable(escaped), "an escaped text has control bytes");
    return 0;
}
