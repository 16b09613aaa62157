// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/option_text.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::wire;

TEST_CASE("option text: typed values are read back as written", "[unit][wire]") {
    OptionTextWriter writer;
    writer.text("worker", "left hand").count("credit", 12).hex("session", 0xbeef);
    writer.milliseconds("wait_ms", 1500ms).text("packed", "yes");
    CHECK(writer.view() ==
          "worker=left hand\ncredit=12\nsession=000000000000beef\nwait_ms=1500\npacked=yes\n");
    OptionTextReader reader(writer.view());
    CHECK(reader.text("worker", 20) == "left hand");
    CHECK(reader.count("credit", 0, 1, 100) == 12);
    CHECK(reader.hex("session") == 0xbeef);
    CHECK(reader.milliseconds("wait_ms", 1h) == 1500ms);
    CHECK(reader.flag("packed"));
    CHECK_FALSE(reader.flag("absent"));
    CHECK(reader.count("absent", 7, 1, 100) == 7);
    CHECK(reader.status());
}

TEST_CASE("option text: the last line feed may be missing, a value may hold '='", "[unit][wire]") {
    OptionTextReader reader("reason=a=b\nlease=x");
    CHECK(reader.text("reason", 10) == "a=b");
    CHECK(reader.text("lease", 10) == "x");
    CHECK(reader.status());
}

TEST_CASE("option text: a line feed in a value does not make a second option", "[unit][wire]") {
    OptionTextWriter writer;
    writer.text("reason", "one\nlease=2");
    CHECK(writer.view() == "reason=one lease=2\n");
}

TEST_CASE("option text: what is not lines of name=value is malformed", "[unit][wire]") {
    for (const char* text : {"novalue", "=x", "UPPER=1", "sp ace=1", "\n", "a=1\n\nb=2"}) {
        INFO(text);
        const OptionTextReader reader{ByteView{text}};
        REQUIRE_FALSE(reader.status());
        CHECK(reader.status().error().code == Errc::malformed);
    }
    CHECK(OptionTextReader("a=1\na=2").status().error().code == Errc::malformed);
}

TEST_CASE("option text: size and count are bounded", "[unit][wire]") {
    const std::string fits = "a=" + std::string(OptionTextReader::bytes_max - 2, 'x');
    CHECK(OptionTextReader(fits).status());
    CHECK(OptionTextReader(fits + 'x').status().error().code == Errc::too_large);
    std::string many;
    for (std::size_t i = 0; i < OptionTextReader::options_max; ++i)
        many += "o" + std::to_string(i) + "=1\n";
    CHECK(OptionTextReader(many).status());
    CHECK(OptionTextReader(many + "more=1").status().error().code == Errc::too_many);
}

TEST_CASE("option text: values out of range keep the first complaint", "[unit][wire]") {
    const auto error_of = [](const char* text, auto ask) {
        OptionTextReader reader{ByteView{text}};
        ask(reader);
        REQUIRE_FALSE(reader.status());
        return reader.status().error().code;
    };
    const auto count = [](OptionTextReader& reader) { reader.count("n", 1, 1, 10); };
    for (const char* text : {"n=0", "n=11", "n=", "n=-1", "n=1x", "n= 1", "n=99999999999999999999"})
        CHECK(error_of(text, count) == Errc::bad_option);
    CHECK(error_of("h=12345678901234567", [](auto& r) { r.hex("h"); }) == Errc::bad_option);
    CHECK(error_of("h=xyz", [](auto& r) { r.hex("h"); }) == Errc::bad_option);
    CHECK(error_of("f=true", [](auto& r) { r.flag("f"); }) == Errc::bad_option);
    CHECK(error_of("t=abcd", [](auto& r) { r.text("t", 3); }) == Errc::too_large);
    CHECK(error_of("w_ms=3600001", [](auto& r) { r.milliseconds("w_ms", 1h); }) ==
          Errc::bad_option);
    CHECK(error_of("", [](auto& r) { r.require("lease"); }) == Errc::bad_option);
}
