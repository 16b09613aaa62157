// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/wire/compress.hpp>
#include <flotilla/wire/pack.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::wire;

namespace {

std::vector<Compression> available() {
    std::vector<Compression> found;
    for (const Compression each : {Compression::none, Compression::lz4, Compression::zstd})
        if (is_available(each))
            found.push_back(each);
    return found;
}

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i)
        out += text;
    return out;
}

} // namespace

TEST_CASE("compress: every available algorithm gives back what it was given", "[unit][wire]") {
    const std::string text = repeated("a line that repeats itself, ", 500);
    for (const Compression each : available()) {
        INFO(name(each));
        Compressor compressor(each);
        Expander expander;
        for (const ByteView bytes : {ByteView{}, ByteView{"x"}, ByteView{text}}) {
            const std::string region{compressor.region(bytes)};
            const auto back = expander.bytes(region, text.size());
            REQUIRE(back);
            CHECK(*back == bytes);
            CHECK(region.size() <= bytes.size() + region_overhead_bytes);
        }
        if (each != Compression::none)
            CHECK(compressor.region(text).size() < text.size() / 10);
    }
}

TEST_CASE("compress: what does not shrink is carried as it is", "[unit][wire]") {
    Random random(test::seed(7));
    std::string noise;
    for (int i = 0; i < 4096; ++i)
        noise.push_back(static_cast<char>(random.next()));
    for (const Compression each : available()) {
        Compressor compressor(each);
        const ByteView region = compressor.region(noise);
        CHECK(region.size() == noise.size() + region_overhead_bytes);
        CHECK(region[0] == 0);
    }
}

TEST_CASE("compress: names are stable and unknown ones have no algorithm", "[unit][wire]") {
    CHECK(name(Compression::none) == "none");
    CHECK(name(Compression::lz4) == "lz4");
    CHECK(name(Compression::zstd) == "zstd");
    CHECK(compression_named("zstd") == Compression::zstd);
    CHECK_FALSE(compression_named("gzip"));
    CHECK_FALSE(is_available(static_cast<Compression>(9)));
}

TEST_CASE("compress: a region is not expanded beyond the reader's limit", "[unit][wire]") {
    const std::string text = repeated("0", 100'000);
    for (const Compression each : available()) {
        Compressor compressor(each);
        Expander expander;
        const std::string region{compressor.region(text)};
        CHECK(expander.bytes(region, text.size()));
        CHECK(expander.bytes(region, text.size() - 1).error().code == Errc::too_large);
    }
    std::string huge{"\x00\xff\xff\xff\xff", 5};
    Expander expander;
    CHECK(expander.bytes(huge, ~std::size_t{0}).error().code == Errc::too_large);
}

TEST_CASE("compress: malformed regions are refused", "[unit][wire]") {
    Expander expander;
    CHECK(expander.bytes("", 10).error().code == Errc::malformed);
    CHECK(expander.bytes(ByteView{"\x00\x00\x00\x00", 4}, 10).error().code == Errc::malformed);
    CHECK(expander.bytes(ByteView{"\x03\x00\x00\x00\x01x", 6}, 10).error().code == Errc::malformed);
    CHECK(expander.bytes(ByteView{"\x00\x00\x00\x00\x02x", 6}, 10).error().code == Errc::malformed);
    CHECK(expander.bytes(ByteView{"\x00\x00\x00\x00\x01xy", 7}, 10).error().code ==
          Errc::malformed);
    for (const Compression each : available()) {
        if (each == Compression::none)
            continue;
        INFO(name(each));
        Compressor compressor(each);
        const std::string good{compressor.region(repeated("abc", 100))};
        std::string wrong = good;
        store_u32(wrong.data() + 1, 299); // the size is a lie, one way and the other
        CHECK(expander.bytes(wrong, 1000).error().code == Errc::malformed);
        store_u32(wrong.data() + 1, 301);
        CHECK(expander.bytes(wrong, 1000).error().code == Errc::malformed);
        store_u32(wrong.data() + 1, 0);
        CHECK(expander.bytes(wrong, 1000).error().code == Errc::malformed);
        CHECK(expander.bytes(ByteView{good}.substr(0, good.size() - 2), 1000).error().code ==
              Errc::malformed);
    }
}
