// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>

#include <cli/payload.hpp>
#include <support/catch.hpp>

#include <set>
#include <string>

using namespace flotilla;
using cli::Payload;

namespace {

std::string made(std::string_view pattern, std::uint64_t count = 1, std::uint64_t seed = 1) {
    Random random{seed};
    return Payload::parse(pattern).value().make(count, WallTime{1s}, random);
}

} // namespace

TEST_CASE("patterns are replaced and everything else stays") {
    CHECK(made("plain") == "plain");
    CHECK(made("") == "");
    CHECK(made("a{{count}}b{{count}}", 7) == "a7b7");
    CHECK(made("{{time}}") == "1970-01-01T00:00:01.000000000Z");
    CHECK(made("{{id}}").size() == 32);
    for (const char* same : {"{{", "}}", "{{x}}", "{\"a\":{\"b\":1}}", "{{count", "{{ }}"})
        CHECK(made(same) == same);
    Random random{1};
    CHECK(Payload::literal("{{count}}").make(3, WallTime{}, random) == "{{count}}");
}

TEST_CASE("a random number keeps to its range and to its seed") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const auto number = parse_count(made("{{rand 10 13}}", 1, seed), 10, 13);
        REQUIRE(number);
        seen.insert(std::to_string(*number));
    }
    CHECK(seen.size() == 4);
    CHECK(made("{{rand 0 1000000}} {{id}}", 1, 5) == made("{{rand 0 1000000}} {{id}}", 1, 5));
    CHECK(made("{{rand 4 4}}") == "4");
}

TEST_CASE("a range that makes no sense is refused with a right example") {
    for (const char* bad : {"{{rand}}", "{{rand 1}}", "{{rand a b}}", "{{rand 5 4}}",
                            "{{rand 1 2 3}}", "{{rand 0 18446744073709551615}}"}) {
        const auto refused = Payload::parse(bad);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::bad_option);
        CHECK(refused.error().detail.find("{{rand 10 100}}") != std::string::npos);
    }
}
