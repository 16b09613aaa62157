// SPDX-License-Identifier: Apache-2.0
// The -o half of Format: tokens and modifiers.
#include <flotilla/base/encoding.hpp>
#include <flotilla/base/units.hpp>
#include <flotilla/wire/pack.hpp>

#include <cli/format.hpp>
#include <cli/json_lines.hpp>
#include <cli/words.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <optional>

namespace flotilla::cli {

namespace {

constexpr const char* tokens = "there are %n %t %p %f{N} %l %T{iso|unix|ns} %i %u %e and %%";

// The text in braces at the front of `rest`, which is moved behind it; nothing if there is none.
std::optional<std::string_view> take_braces(std::string_view& rest) {
    if (rest.empty() || rest.front() != '{')
        return std::nullopt;
    const std::size_t close = rest.find('}');
    if (close == std::string_view::npos)
        return std::nullopt;
    const std::string_view inside = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    return inside;
}

std::string decimals(Duration since, std::int64_t unit, std::size_t digits) {
    std::string text = std::to_string(since.count() / unit);
    if (digits > 0) {
        std::string fraction = std::to_string(since.count() % unit);
        text += "." + std::string(digits - fraction.size(), '0') + fraction;
    }
    return text;
}

std::string json_text(const std::string& bytes) {
    std::string text = bytes;
    if (!is_utf8(bytes)) {
        text.clear();
        append_base64(text, bytes);
    }
    return nlohmann::json(text).dump();
}

} // namespace

Status Format::parse_token(std::string_view& rest, Piece& piece) {
    using Token = Piece::Token;
    using As = Piece::As;
    constexpr std::string_view letters = "ntpflTiue%";
    constexpr std::array<Token, 10> kinds{
        Token::number,   Token::first,   Token::rest, Token::frame,    Token::bytes,
        Token::time_iso, Token::routing, Token::user, Token::endpoint, Token::text};
    const std::string_view whole = rest.substr(0, 2);
    const std::size_t at = rest.size() < 2 ? letters.npos : letters.find(rest[1]);
    if (at == letters.npos)
        return fail(Errc::bad_option, "-o: unknown token '" + std::string(whole) + "'; " + tokens);
    rest.remove_prefix(2);
    piece.token = kinds[at];
    if (piece.token == Token::text) {
        piece.text = "%";
        return {};
    }
    if (piece.token == Token::frame) {
        const auto inside = take_braces(rest);
        const auto index = parse_count(inside.value_or(""), 0, wire::Frames::frames_max - 1);
        if (!index)
            return fail(Errc::bad_option, "-o: write %f{N} with N from 0, the first frame");
        piece.index = *index;
    }
    while (true) {
        const std::string_view before = rest;
        const auto inside = take_braces(rest);
        if (!inside)
            return {};
        if (piece.token == Token::time_iso && *inside == "iso")
            continue;
        if (piece.token == Token::time_iso && *inside == "unix")
            piece.token = Token::time_unix;
        else if (piece.token == Token::time_iso && *inside == "ns")
            piece.token = Token::time_ns;
        else if (*inside == "hex")
            piece.as = As::hex;
        else if (*inside == "base64")
            piece.as = As::base64;
        else if (*inside == "json")
            piece.as = As::json;
        else if (*inside == "u32be-len")
            piece.as = As::u32be_len;
        else {
            rest = before; // plain text that happens to stand in braces
            return fail(Errc::bad_option,
                        "-o: unknown modifier '{" + std::string(*inside) +
                            "}'; there are {hex} {base64} {json} {u32be-len}, and after %T {iso} "
                            "{unix} {ns}");
        }
    }
}

Result<Format> Format::from_template(std::string_view text, std::string_view separator) {
    auto format = named("", separator, Reader::program);
    if (!format)
        return format;
    format->is_template_ = true;
    while (!text.empty()) {
        Piece piece;
        if (text.front() == '%') {
            if (Status parsed = parse_token(text, piece); !parsed)
                return fail(parsed.error());
        } else {
            const std::string_view between = text.substr(0, text.find('%'));
            auto bytes = unescape(between);
            if (!bytes)
                return fail(bytes.error());
            piece.text = std::move(*bytes);
            text.remove_prefix(between.size());
        }
        format->pieces_.push_back(std::move(piece));
    }
    return format;
}

std::string Format::value_of(const Piece& piece, const Shown& message) const {
    using Token = Piece::Token;
    const wire::Frames& frames = message.frames;
    const Duration since = message.time.time_since_epoch();
    switch (piece.token) {
    case Token::text:
        return piece.text;
    case Token::number:
        return std::to_string(message.number);
    case Token::first:
        return frames.empty() ? std::string{} : std::string(frames[0].view());
    case Token::rest:
        return joined(frames, separator_, 1);
    case Token::frame:
        return piece.index < frames.size() ? std::string(frames[piece.index].view())
                                           : std::string{};
    case Token::bytes:
        return std::to_string(frames.bytes());
    case Token::time_iso:
        return format_iso_time(message.time);
    case Token::time_unix:
        return decimals(since, 1'000'000'000, 9);
    case Token::time_ns:
        return decimals(since, 1, 0);
    case Token::routing:
        return message.routing == Shown::Routing::first_frame && !frames.empty()
                   ? routing_text(frames[0])
                   : std::string{};
    case Token::user:
        return std::string(message.user_id);
    case Token::endpoint:
        return std::string(message.endpoint);
    }
    return {};
}

void Format::append_template(std::string& out, const Shown& message) const {
    for (const Piece& piece : pieces_) {
        const std::string value = value_of(piece, message);
        switch (piece.as) {
        case Piece::As::plain:
            out += value;
            break;
        case Piece::As::hex:
            append_hex(out, value);
            break;
        case Piece::As::base64:
            append_base64(out, value);
            break;
        case Piece::As::json:
            out += json_text(value);
            break;
        case Piece::As::u32be_len: {
            wire::Writer writer;
            writer.long_bytes(value);
            out += writer.view();
            break;
        }
        }
    }
}

} // namespace flotilla::cli
