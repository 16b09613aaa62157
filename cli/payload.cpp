// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>
#include <flotilla/base/units.hpp>

#include <cli/json_lines.hpp>
#include <cli/payload.hpp>

namespace flotilla::cli {

namespace {

std::vector<std::string_view> split_words(std::string_view text) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t end = text.find(' ');
        if (end != 0)
            words.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            break;
        text.remove_prefix(end + 1);
    }
    return words;
}

} // namespace

Payload Payload::literal(std::string_view text) {
    Payload payload;
    payload.pieces_.push_back({Piece::Kind::text, std::string(text), 0, 0});
    return payload;
}

Result<Payload::Piece> Payload::parse_token(std::string_view inside, std::string_view whole) {
    const auto words = split_words(inside);
    Piece piece;
    if (words.size() == 1 && words[0] == "count")
        piece.kind = Piece::Kind::count;
    else if (words.size() == 1 && words[0] == "time")
        piece.kind = Piece::Kind::time;
    else if (words.size() == 1 && words[0] == "id")
        piece.kind = Piece::Kind::id;
    else if (!words.empty() && words[0] == "rand") {
        const auto min = parse_count(words.size() == 3 ? words[1] : "", 0, UINT64_MAX - 1);
        const auto max = parse_count(words.size() == 3 ? words[2] : "", 0, UINT64_MAX - 1);
        if (!min || !max || *min > *max)
            return fail(Errc::bad_option, "'" + std::string(whole) +
                                              "': write {{rand MIN MAX}}, for example {{rand 10 "
                                              "100}}");
        piece = {Piece::Kind::rand, {}, *min, *max};
    } else {
        piece.text = whole;
    }
    return piece;
}

Result<Payload> Payload::parse(std::string_view pattern) {
    Payload payload;
    while (!pattern.empty()) {
        const std::size_t open = pattern.find("{{");
        const std::size_t close =
            open == std::string_view::npos ? open : pattern.find("}}", open + 2);
        if (close == std::string_view::npos) {
            payload.pieces_.push_back({Piece::Kind::text, std::string(pattern), 0, 0});
            break;
        }
        if (open > 0)
            payload.pieces_.push_back(
                {Piece::Kind::text, std::string(pattern.substr(0, open)), 0, 0});
        auto piece = parse_token(pattern.substr(open + 2, close - open - 2),
                                 pattern.substr(open, close + 2 - open));
        if (!piece)
            return fail(piece.error());
        payload.pieces_.push_back(std::move(*piece));
        pattern.remove_prefix(close + 2);
    }
    return payload;
}

std::string Payload::make(std::uint64_t count, WallTime now, Random& random) const {
    std::string text;
    for (const Piece& piece : pieces_) {
        switch (piece.kind) {
        case Piece::Kind::text:
            text += piece.text;
            break;
        case Piece::Kind::count:
            text += std::to_string(count);
            break;
        case Piece::Kind::rand:
            text += std::to_string(piece.min + random.below(piece.max - piece.min + 1));
            break;
        case Piece::Kind::time:
            text += format_iso_time(now);
            break;
        case Piece::Kind::id: {
            const auto bytes = random.bytes16();
            append_hex(text, ByteView{bytes.data(), bytes.size()});
            break;
        }
        }
    }
    return text;
}

} // namespace flotilla::cli
