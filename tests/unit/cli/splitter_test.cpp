// SPDX-License-Identifier: Apache-2.0
#include <cli/splitter.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using flotilla::ByteView;
using flotilla::Errc;
using flotilla::cli::Splitter;
using flotilla::cli::SplitterOptions;
using Framing = SplitterOptions::Framing;
using namespace std::string_literals;

namespace {

std::vector<std::string> drain(Splitter& splitter) {
    std::vector<std::string> records;
    while (true) {
        auto record = splitter.next();
        REQUIRE(record);
        if (!*record)
            return records;
        records.emplace_back(**record);
    }
}

SplitterOptions delimited(std::string delimiter, std::uint64_t max = 1000) {
    SplitterOptions options;
    options.delimiter = std::move(delimiter);
    options.record_bytes_max = max;
    return options;
}

SplitterOptions framed(Framing framing, std::uint64_t max = 1000) {
    SplitterOptions options;
    options.framing = framing;
    options.record_bytes_max = max;
    return options;
}

} // namespace

TEST_CASE("lines are records, the last one with or without its end") {
    Splitter splitter{delimited("\n")};
    splitter.feed("one\n\ntw");
    CHECK(drain(splitter) == std::vector<std::string>{"one", ""});
    splitter.feed("o\nthree");
    CHECK(drain(splitter) == std::vector<std::string>{"two"});
    splitter.end();
    CHECK(drain(splitter) == std::vector<std::string>{"three"});
    CHECK(drain(splitter).empty());
}

TEST_CASE("an input that ends with a delimiter has no empty last record") {
    Splitter splitter{delimited("\n")};
    splitter.feed("one\n");
    splitter.end();
    CHECK(drain(splitter) == std::vector<std::string>{"one"});
}

TEST_CASE("a delimiter of several bytes is found across feeds") {
    Splitter splitter{delimited("--")};
    splitter.feed("a-b-");
    CHECK(drain(splitter).empty());
    splitter.feed("-c--");
    CHECK(drain(splitter) == std::vector<std::string>{"a-b", "c"});
}

TEST_CASE("a NUL delimiter leaves newlines alone") {
    Splitter splitter{delimited("\0"s)};
    splitter.feed("a\nb\0c\0"s);
    CHECK(drain(splitter) == std::vector<std::string>{"a\nb", "c"});
}

TEST_CASE("a record at the size limit passes and one beyond it is refused before it is complete") {
    Splitter splitter{delimited("\n", 4)};
    splitter.feed("1234\n");
    CHECK(drain(splitter) == std::vector<std::string>{"1234"});
    splitter.feed("12345");
    const auto refused = splitter.next();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::too_large);
    CHECK(refused.error().detail.find("--max-size") != std::string::npos);
}

TEST_CASE("a record at the size limit passes also when its delimiter comes byte by byte") {
    Splitter splitter{delimited("abac", 5)};
    for (const char each : "12345abac1234ab"s) {
        splitter.feed({&each, 1});
        const auto record = splitter.next();
        REQUIRE(record);
        CHECK(record->has_value() == (each == 'c'));
    }
    splitter.end(); // it was no delimiter, and the record is too long with it
    CHECK(splitter.next().error().code == Errc::too_large);
}

TEST_CASE("lengths are read big-endian and little-endian") {
    Splitter big{framed(Framing::u32)};
    big.feed("\0\0\0\2ab\0\0\0\0\0\0"s);
    CHECK(drain(big) == std::vector<std::string>{"ab", ""});
    big.feed("\0\1c"s);
    CHECK(drain(big) == std::vector<std::string>{"c"});
    Splitter little{framed(Framing::u32le)};
    little.feed("\2\0\0\0ab"s);
    CHECK(drain(little) == std::vector<std::string>{"ab"});
}

TEST_CASE("a length beyond the limit is refused without waiting for its bytes") {
    Splitter splitter{framed(Framing::u32)};
    splitter.feed("\xff\xff\xff\xff");
    const auto refused = splitter.next();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::too_large);
}

TEST_CASE("an input that ends inside a record with a length is malformed") {
    for (const std::string& cut : {"\0\0"s, "\0\0\0\3ab"s}) {
        Splitter splitter{framed(Framing::u32)};
        splitter.feed(cut);
        CHECK(drain(splitter).empty());
        splitter.end();
        const auto refused = splitter.next();
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::malformed);
    }
}

TEST_CASE("the whole input is one record, once, and only at its end") {
    Splitter splitter{framed(Framing::whole)};
    splitter.feed("one\n");
    CHECK(drain(splitter).empty());
    splitter.feed("two\n");
    splitter.end();
    CHECK(drain(splitter) == std::vector<std::string>{"one\ntwo\n"});
    CHECK(drain(splitter).empty());
    Splitter empty{framed(Framing::whole)};
    empty.end();
    CHECK(drain(empty) == std::vector<std::string>{""});
    Splitter large{framed(Framing::whole, 3)};
    large.feed("1234");
    REQUIRE_FALSE(large.next());
}
