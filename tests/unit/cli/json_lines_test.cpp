// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>

#include <cli/json_lines.hpp>
#include <support/catch.hpp>
#include <support/seed.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::cli;
using namespace std::string_literals;

namespace {

std::string line_of(const MessageLine& line) {
    std::string out;
    append_json_line(out, line);
    return out;
}

Errc refusal(std::string_view text) {
    const auto parsed = parse_json_line(text);
    REQUIRE_FALSE(parsed);
    CHECK_FALSE(parsed.error().detail.empty());
    return parsed.error().code;
}

} // namespace

TEST_CASE("a message becomes one line in a fixed order of members") {
    MessageLine line;
    line.time = WallTime{Duration{1'767'225'600'000'000'001}};
    line.type = "sub";
    line.endpoint = "tcp://127.0.0.1:5555";
    line.frames.add(ByteView{"topic"});
    line.frames.add(ByteView{"b\"o\ndy"});
    line.meta = {{"lost", "3"}};
    CHECK(
        line_of(line) ==
        R"({"ts":"2026-01-01T00:00:00.000000001Z","type":"sub","endpoint":"tcp://127.0.0.1:5555",)"
        R"("frames":["topic","b\"o\ndy"],"enc":"utf8","meta":{"lost":"3"}})"
        "\n");
}

TEST_CASE("one frame that is not UTF-8 makes all frames base64") {
    MessageLine line;
    line.frames.add(ByteView{"foo"});
    line.frames.add(ByteView{"\xff\x00"s});
    CHECK(line_of(line) == R"({"frames":["Zm9v","/wA="],"enc":"base64"})"
                           "\n");
}

TEST_CASE("any frames survive the round trip") {
    const auto seed = test::seed(7);
    INFO("seed " << seed);
    Random random{seed};
    for (int i = 0; i < 300; ++i) {
        MessageLine line;
        for (std::uint64_t frames = 1 + random.below(5); frames > 0; --frames) {
            std::string bytes;
            for (std::uint64_t size = random.below(40); size > 0; --size)
                bytes +=
                    static_cast<char>(random.one_in(2) ? random.below(128) : random.below(256));
            line.frames.add(ByteView{bytes});
        }
        std::string text = line_of(line);
        REQUIRE(text.find('\n') == text.size() - 1);
        text.pop_back();
        const auto back = parse_json_line(text);
        REQUIRE(back);
        CHECK(back->frames == line.frames);
    }
}

TEST_CASE("frames alone are enough, and unknown members are ignored") {
    const auto line = parse_json_line(R"({"frames":["a",""],"more":[{"x":1}],"meta":{"n":5}})");
    REQUIRE(line);
    CHECK(line->frames == wire::Frames{"a", ""});
    CHECK_FALSE(line->time);
    REQUIRE(line->meta.size() == 1);
    CHECK(line->meta[0] == std::pair<std::string, std::string>{"n", "5"});
}

TEST_CASE("what is not a message line is refused with a reason") {
    for (const char* bad :
         {"", "nonsense", "{", "[]", "1", "{}", R"({"frames":[]})", R"({"frames":"a"})",
          R"({"frames":[1]})", R"({"frames":["a"],"enc":"latin1"})", R"({"frames":["a"],"enc":1})",
          R"({"frames":["*"],"enc":"base64"})", R"({"frames":["a"],"ts":"yesterday"})",
          R"({"frames":["a"],"ts":5})", R"({"frames":["a"],"type":5})",
          R"({"frames":["a"],"meta":[]})", R"({"frames":["a"],"meta":{"x":{}}})",
          R"({"frames":["a"]} trailing)"}) {
        INFO(bad);
        CHECK(refusal(bad) == Errc::malformed);
    }
}

TEST_CASE("the number of frames is bounded") {
    std::string text = R"({"frames":["")";
    for (std::size_t i = 1; i < wire::Frames::frames_max; ++i)
        text += R"(,"")";
    CHECK(parse_json_line(text + "]}"));
    CHECK(refusal(text + R"(,""]})") == Errc::too_many);
}

TEST_CASE("deep nesting costs memory, not the stack") {
    CHECK(refusal(std::string(1'000'000, '[')) == Errc::malformed);
    const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
    CHECK(parse_json_line(R"({"frames":["a"],"x":)" + deep + "}"));
    CHECK(refusal(R"({"frames":["a"],"meta":{"x":)" + deep + "}}") == Errc::malformed);
}

TEST_CASE("times are written with nanoseconds and read with any decimals") {
    CHECK(format_iso_time(WallTime{}) == "1970-01-01T00:00:00.000000000Z");
    const WallTime time{Duration{1'234'567'890'123'456'789}};
    CHECK(format_iso_time(time) == "2009-02-13T23:31:30.123456789Z");
    CHECK(parse_iso_time("2009-02-13T23:31:30.123456789Z") == time);
    CHECK(parse_iso_time("2009-02-13T23:31:30Z") == WallTime{1'234'567'890s});
    CHECK(parse_iso_time("2009-02-13T23:31:30.5+00:00") == WallTime{1'234'567'890'500ms});
    for (const char* bad :
         {"", "2009", "2009-02-13T23:31:30", "2009-13-13T23:31:30Z", "2009-02-13T25:31:30Z",
          "2009-02-13T23:31:30.1x", "2009-02-13T23:31:30.1234567891Z", "1969-02-13T23:31:30Z"})
        CHECK_FALSE(parse_iso_time(bad));
}
