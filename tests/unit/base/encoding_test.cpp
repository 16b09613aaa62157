// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>
#include <flotilla/base/random.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <string>

using namespace flotilla;
using namespace std::string_literals;

namespace {

std::string hex(std::string_view bytes) {
    std::string out;
    append_hex(out, bytes);
    return out;
}
std::string base64(std::string_view bytes) {
    std::string out;
    append_base64(out, bytes);
    return out;
}
std::string escaped(std::string_view bytes) {
    std::string out;
    append_escaped(out, bytes);
    return out;
}

} // namespace

TEST_CASE("what others wrote does not drive a terminal, and stays as it is otherwise") {
    const auto shown = [](std::string_view text) {
        std::string out;
        append_shown(out, text);
        return out;
    };
    CHECK(shown("plain \"text\", \xc3\xa9\nand more\n") == "plain \"text\", \xc3\xa9\nand more\n");
    CHECK(shown("one\n\x1b[2Jtwo \"x\"\nthree") == "one\n\\x1b[2Jtwo \\\"x\\\"\nthree");
    CHECK(shown("") == "");
}

TEST_CASE("base64 writes the vectors of RFC 4648") {
    CHECK(base64("") == "");
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("foob") == "Zm9vYg==");
    CHECK(base64("fooba") == "Zm9vYmE=");
    CHECK(base64("foobar") == "Zm9vYmFy");
}

TEST_CASE("base64 that its encoder would not write is refused") {
    for (const char* bad :
         {"Zg", "Zg=", "Zg=a", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zg==Zg=="})
        CHECK_FALSE(decode_base64(bad));
    CHECK(decode_base64("") == ""s);
    CHECK(decode_base64("Zm9vYg==") == "foob"s);
}

TEST_CASE("hex and base64 give any bytes back") {
    const auto seed = flotilla::test::seed(11);
    INFO("seed " << seed);
    flotilla::Random random{seed};
    for (std::size_t size = 0; size < 200; ++size) {
        std::string bytes;
        while (bytes.size() < size)
            bytes += static_cast<char>(random.below(256));
        CHECK(decode_base64(base64(bytes)) == bytes);
        CHECK(decode_hex(hex(bytes)) == bytes);
    }
}

TEST_CASE("hex refuses odd lengths and other letters") {
    CHECK_FALSE(decode_hex("abc"));
    CHECK_FALSE(decode_hex("0g"));
    CHECK(decode_hex("00fF") == "\0\xff"s);
}

TEST_CASE("z85 writes the vector of 32/Z85 and only multiples of four bytes") {
    std::string out;
    CHECK(append_z85(out, "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B"));
    CHECK(out == "HelloWorld");
    CHECK_FALSE(append_z85(out, "abc"));
    CHECK(out == "HelloWorld");
}

TEST_CASE("UTF-8 is told from what only looks like it") {
    for (const char* good : {"", "abc", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x9A\xA2",
                             "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF"})
        CHECK(is_utf8(good));
    for (const char* bad : {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE2\x82",
                            "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
                            "\xF5\x80\x80\x80", "\xFF", "a\xC3(", "\xE2(\xA1"})
        CHECK_FALSE(is_utf8(bad));
    CHECK(is_utf8("\0"s));
}

TEST_CASE("control characters are not printable, in ASCII and beyond it") {
    CHECK(is_printable("gr\xC3\xBC\xC3\x9F"));
    for (const char* bad : {"a\nb", "\x1b[2J", "\x7f", "\xC2\x9B", "\xff"})
        CHECK_FALSE(is_printable(bad));
    CHECK_FALSE(is_printable("\0"s));
}

TEST_CASE("escaping leaves no control byte and can be read back") {
    CHECK(escaped("a\"b\\c\n\t\r\0\x1b\xff"s) == R"(a\"b\\c\n\t\r\x00\x1b\xff)");
    CHECK(escaped("\xC2\x9B") == R"(\xc2\x9b)");
    CHECK(escaped("\xC3\xA4") == "\xC3\xA4");
}

TEST_CASE("escapes of an argument become the bytes they name") {
    CHECK(unescape(R"(a\n\t\r\0\\\x41b)").value() == "a\n\t\r\0\\Ab"s);
    CHECK(unescape("").value().empty());
    for (const char* bad : {"\\", "\\q", "\\x", "\\x4", "\\xzz"}) {
        const auto refused = unescape(bad);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == flotilla::Errc::bad_option);
        CHECK(refused.error().detail.find(bad) != std::string::npos);
    }
}
