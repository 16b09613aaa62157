// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>

#include <support/catch.hpp>

using namespace flotilla;

TEST_CASE("units: durations are read with their unit", "[unit][base]") {
    CHECK(parse_duration("250ms").value() == 250ms);
    CHECK(parse_duration("10s").value() == 10s);
    CHECK(parse_duration("1.5h").value() == 90min);
    CHECK(parse_duration("0").value() == 0s);
    CHECK(parse_duration("7d").value() == 168h);
    CHECK(parse_duration("forever").value() == no_limit);
}

TEST_CASE("units: a bad quantity is refused with its text and an example", "[unit][base]") {
    for (const char* text :
         {"", "10", "ms", "-3s", "10 s", "10x", "1e3s", "nan", "inf", "9999999d", "1.2.3s"}) {
        INFO(text);
        const auto duration = parse_duration(text);
        REQUIRE_FALSE(duration);
        CHECK(duration.error().code == Errc::bad_option);
        CHECK(duration.error().detail.find("'" + std::string(text) + "'") != std::string::npos);
        CHECK(duration.error().detail.find("write for example") != std::string::npos);
    }
    CHECK_FALSE(parse_bytes("64"));
    CHECK_FALSE(parse_bytes("99999999999TiB"));
}

TEST_CASE("units: sizes are read and written", "[unit][base]") {
    CHECK(parse_bytes("64KiB").value() == 65536);
    CHECK(parse_bytes("1.5MiB").value() == 1572864);
    CHECK(parse_bytes("1kB").value() == 1000);
    for (const std::uint64_t bytes : {0ULL, 1ULL, 1000ULL, 1024ULL, 1536ULL, 67108864ULL}) {
        const std::string text = format_bytes(bytes);
        CHECK(parse_bytes(text).value() == bytes);
    }
    CHECK(format_bytes(67108864) == "64MiB");
}

TEST_CASE("units: a formatted duration parses back to itself", "[unit][base]") {
    for (const Duration d : {Duration{0}, Duration{1}, Duration{1500ms}, Duration{90min}, no_limit})
        CHECK(parse_duration(format_duration(d)).value() == d);
    CHECK(format_duration(1500ms) == "1500ms");
    CHECK(format_duration(2s) == "2s");
    CHECK(format_duration(0ns) == "0s");
}

TEST_CASE("units: counts have a range", "[unit][base]") {
    CHECK(parse_count("7", 1, 10).value() == 7);
    for (const char* text : {"0", "11", "", "1.5", "-1", "0x3", "3 "})
        CHECK_FALSE(parse_count(text, 1, 10));
    CHECK(parse_count("0", 1, 10).error().detail == "'0' is not a whole number from 1 to 10");
    CHECK(parse_count("0", 1, UINT64_MAX).error().detail ==
          "'0' is not a whole number of at least 1");
}
