// SPDX-License-Identifier: Apache-2.0
//
// Payload: messages made from a pattern: {{count}} {{rand MIN MAX}} {{time}} {{id}}.
//
// Pure: the count, the time and the generator come from outside, so one seed gives one sequence.
// Any other {{...}} stays as it is, since it may be what is to be sent.
#pragma once

#include <flotilla/base/random.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flotilla::cli {

class Payload {
public:
    // Errors: bad_option ({{rand}} without two numbers, or with MIN above MAX).
    static Result<Payload> parse(std::string_view pattern);
    // What is sent when nothing is to be replaced.
    static Payload literal(std::string_view text);

    std::string make(std::uint64_t count, WallTime now, Random& random) const;

private:
    struct Piece {
        enum class Kind : std::uint8_t { text, count, rand, time, id } kind = Kind::text;
        std::string text{};
        std::uint64_t min = 0;
        std::uint64_t max = 0;
    };
    static Result<Piece> parse_token(std::string_view inside, std::string_view whole);
    std::vector<Piece> pieces_;
};

} // namespace flotilla::cli
