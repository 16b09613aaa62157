// SPDX-License-Identifier: Apache-2.0
//
// Format: received messages as text or bytes.
//
// A named format prints one message a line, frames separated by a tab (or --separator):
//   text    the frames' bytes as they are
//   quoted  each frame in double quotes, with \n \t \xHH
//   hex, base64, z85
//   json    one JSON line (json_lines.hpp)
//   raw     the frames' bytes, nothing between or after them
//   none    nothing
// and without a name: text, and on a terminal text whose unprintable frames are quoted.
//
// A template prints what it says and nothing else: %n number, %t first frame, %p the other frames,
// %f{N} frame N from 0, %l bytes, %T{iso|unix|ns} time, %i routing id, %u user id, %e endpoint, %%;
// each may be followed by {hex} {base64} {json} or {u32be-len} (a big-endian length before the
// bytes). The escapes of encoding.hpp apply to the text between. Pure.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/wire/frames.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::cli {

// A message as the formats see it.
struct Shown {
    const wire::Frames& frames;
    std::uint64_t number = 1; // of this run, from 1
    WallTime time{};
    std::string_view type{};
    std::string_view endpoint{};
    std::string_view user_id{};
    std::vector<std::pair<std::string, std::string>> meta{}; // json only, beside the user id
    enum class Routing : std::uint8_t { none, first_frame } routing = Routing::none;
};

class Format {
public:
    enum class Kind : std::uint8_t { text, shown, quoted, hex, base64, z85, json, raw, none };

    static const std::vector<std::string>& names();
    // `name` one of names(), or empty; `separator` between frames, escapes allowed.
    // Errors: bad_option.
    enum class Reader : std::uint8_t { program, person };
    static Result<Format> named(std::string_view name, std::string_view separator, Reader reader);
    // Errors: bad_option, naming the token and those that exist.
    static Result<Format> from_template(std::string_view text, std::string_view separator);

    // Errors: malformed (a frame that z85 cannot write).
    Status append(std::string& out, const Shown& message) const;

private:
    struct Piece {
        enum class Token : std::uint8_t {
            text,
            number,
            first,
            rest,
            frame,
            bytes,
            time_iso,
            time_unix,
            time_ns,
            routing,
            user,
            endpoint,
        } token = Token::text;
        enum class As : std::uint8_t { plain, hex, base64, json, u32be_len } as = As::plain;
        std::uint64_t index = 0;
        std::string text{};
    };

    Status append_line(std::string& out, const Shown& message) const;
    void append_template(std::string& out, const Shown& message) const;
    std::string value_of(const Piece& piece, const Shown& message) const;
    static Status parse_token(std::string_view& rest, Piece& piece);

    Kind kind_ = Kind::text;
    std::string separator_ = "\t";
    std::vector<Piece> pieces_; // a template when not empty
    bool is_template_ = false;
};

// How a routing id is written where text is expected: itself when printable, else 0x and hex. And
// the bytes it names.
std::string routing_text(ByteView id);
std::string routing_bytes(std::string_view text);

} // namespace flotilla::cli
