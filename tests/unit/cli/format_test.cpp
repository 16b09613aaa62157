// SPDX-License-Identifier: Apache-2.0
#include <cli/format.hpp>
#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::cli;
using namespace std::string_literals;

namespace {

std::string shown(const Format& format, const wire::Frames& frames,
                  Shown::Routing routing = Shown::Routing::none) {
    Shown message{frames};
    message.number = 3;
    message.time = WallTime{1'500ms};
    message.type = "sub";
    message.endpoint = "ipc://x";
    message.user_id = "alice";
    message.routing = routing;
    std::string out;
    REQUIRE(format.append(out, message));
    return out;
}

std::string named(const char* name, const wire::Frames& frames) {
    return shown(Format::named(name, "\\t", Format::Reader::program).value(), frames);
}

std::string patterned(const char* pattern, const wire::Frames& frames) {
    return shown(Format::from_template(pattern, "|").value(), frames);
}

} // namespace

TEST_CASE("named formats print one message a line") {
    const wire::Frames frames{"to\"pic", ByteView{"\0\xff"s}};
    CHECK(named("text", frames) == "to\"pic\t\0\xff\n"s);
    CHECK(named("", frames) == "to\"pic\t\0\xff\n"s);
    CHECK(named("quoted", frames) == "\"to\\\"pic\"\t\"\\x00\\xff\"\n");
    CHECK(named("hex", frames) == "746f22706963\t00ff\n");
    CHECK(named("base64", frames) == "dG8icGlj\tAP8=\n");
    CHECK(named("raw", frames) == "to\"pic\0\xff"s);
    CHECK(named("none", frames).empty());
    CHECK(named("z85", {"\x86\x4F\xD2\x6F", ""}) == "Hello\t\n");
    CHECK(named("json", {"a"}) == R"({"ts":"1970-01-01T00:00:01.500000000Z","type":"sub",)"
                                  R"("endpoint":"ipc://x","frames":["a"],"enc":"utf8",)"
                                  R"("meta":{"user_id":"alice"}})"
                                  "\n");
}

TEST_CASE("a person sees quoted what would harm the terminal, and the rest as it is") {
    const Format format = Format::named("", " | ", Format::Reader::person).value();
    CHECK(shown(format, {"gr\xC3\xBC\xC3\x9F", "\x1b[2J"}) ==
          "gr\xC3\xBC\xC3\x9F | \"\\x1b[2J\"\n");
}

TEST_CASE("z85 says which frame it cannot write") {
    const Format format = Format::named("z85", "\\t", Format::Reader::program).value();
    const wire::Frames frames{"four", "three"};
    std::string out;
    const Status refused = format.append(out, Shown{frames});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("frame 1 has 5 bytes") != std::string::npos);
}

TEST_CASE("formats and separators that do not exist are refused") {
    CHECK(Format::named("yaml", "\\t", Format::Reader::program).error().code == Errc::bad_option);
    CHECK(Format::named("text", "\\q", Format::Reader::program).error().code == Errc::bad_option);
}

TEST_CASE("a pattern prints its tokens and nothing else") {
    const wire::Frames frames{"topic", "one", "two"};
    CHECK(patterned("%n %t: %p (%l)\\n", frames) == "3 topic: one|two (11)\n");
    CHECK(patterned("%f{0},%f{2},%f{9}.", frames) == "topic,two,.");
    CHECK(patterned("%T %T{iso} %T{unix} %T{ns}", frames) ==
          "1970-01-01T00:00:01.500000000Z 1970-01-01T00:00:01.500000000Z 1.500000000 1500000000");
    CHECK(patterned("100%% %u %e [%i]", frames) == "100% alice ipc://x []");
    CHECK(patterned("{json} %t", frames) == "{json} topic");
}

TEST_CASE("modifiers of a pattern make any bytes safe") {
    const wire::Frames frames{ByteView{"\0\xff"s}, "x\"y"};
    CHECK(patterned("%t{hex} %t{base64} %p{json}", frames) == "00ff AP8= \"x\\\"y\"");
    CHECK(patterned("%t{json}", frames) == "\"AP8=\"");
    CHECK(patterned("%f{0}{u32be-len}%f{1}{u32be-len}", frames) == "\0\0\0\2\0\xff\0\0\0\3x\"y"s);
    CHECK(patterned("%T{ns}{hex}", frames) == "31353030303030303030");
}

TEST_CASE("a wrong pattern is refused with what there is") {
    for (const char* bad : {"%", "%q", "%f", "%f{x}", "%f{1024}", "%t{yaml}", "%n{iso}", "a\\q"}) {
        INFO(bad);
        const auto refused = Format::from_template(bad, "\\t");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::bad_option);
    }
}

TEST_CASE("routing ids are written readably and read back") {
    for (const std::string& id : {"alice"s, "\0\x6b\x8b\x45\x67"s, "0x41"s, ""s, "a b"s, "\xff"s}) {
        const std::string text = routing_text(id);
        CHECK(routing_bytes(text) == id);
    }
    CHECK(routing_text("alice") == "alice");
    CHECK(routing_text("\0A"s) == "0x0041");
    CHECK(routing_bytes("0xzz") == "0xzz");
    const wire::Frames frames{ByteView{"\0A"s}, "hi"};
    const Format format = Format::named("text", "\\t", Format::Reader::program).value();
    CHECK(shown(format, frames, Shown::Routing::first_frame) == "0x0041\thi\n");
    CHECK(shown(Format::from_template("%i", "").value(), frames, Shown::Routing::first_frame) ==
          "0x0041");
}
