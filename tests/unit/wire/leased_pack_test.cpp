// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/leased_pack.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::wire;
using namespace flotilla::wire::leased;

namespace {

const std::string long_body(500, 'b');

// Two records: a single frame, and three frames with a key.
std::string two_records(Compression algorithm) {
    Compressor compressor(algorithm);
    PackedWriter writer;
    writer.begin(9, 100);
    writer.begin_record(100, 1, 1, Redelivered::no, "", 1);
    writer.add_frame("first");
    writer.begin_record(104, 2, 7, Redelivered::yes, "key", 3);
    writer.add_frame("a");
    writer.add_frame("");
    writer.add_frame(long_body);
    CHECK(writer.records() == 2);
    CHECK(writer.size() == PackedWriter::record_bytes("", 1, 5) +
                               PackedWriter::record_bytes("key", 3, 1 + long_body.size()));
    return std::string{writer.finish(compressor)};
}

Result<PackedReader> open(ByteView packed) {
    Expander expander;
    return PackedReader::open(Blob::copy(packed), expander);
}

Errc pack_refusal(ByteView packed) {
    const auto opened = open(packed);
    REQUIRE_FALSE(opened);
    CHECK_FALSE(opened.error().detail.empty());
    return opened.error().code;
}

// A packed body whose region is plain and holds `records`.
std::string around(ByteView records) {
    Writer writer;
    writer.u64(9).u64(100).u8(0).u32(static_cast<std::uint32_t>(records.size())).bytes(records);
    return writer.take();
}

std::string record(std::uint32_t attempt, std::uint8_t redelivered, std::uint16_t frames,
                   ByteView rest) {
    Writer writer;
    writer.u32(0).u64(1).u32(attempt).u8(redelivered).short_bytes("").u16(frames).bytes(rest);
    return writer.take();
}

} // namespace

TEST_CASE("leased pack: records are read back as written", "[unit][wire][leased]") {
    for (const Compression each : {Compression::none, Compression::lz4, Compression::zstd}) {
        if (!is_available(each))
            continue;
        INFO(name(each));
        auto reader = open(two_records(each));
        REQUIRE(reader);
        CHECK(reader->epoch() == 9);
        CHECK(reader->records() == 2);
        auto first = reader->next();
        REQUIRE(first);
        CHECK(first->lease == 100);
        CHECK(first->id == 1);
        CHECK(first->attempt == 1);
        CHECK(first->redelivered == Redelivered::no);
        CHECK(first->key.empty());
        CHECK(first->frames == 1);
        CHECK(next_frame(first->body) == "first");
        auto second = reader->next();
        REQUIRE(second);
        CHECK(second->lease == 104);
        CHECK(second->attempt == 7);
        CHECK(second->redelivered == Redelivered::yes);
        CHECK(second->key == "key");
        CHECK(next_frame(second->body) == "a");
        CHECK(next_frame(second->body).empty());
        CHECK(next_frame(second->body) == long_body);
        CHECK(second->body.empty());
        CHECK_FALSE(reader->next());
        reader->rewind();
        CHECK(reader->next());
    }
}

TEST_CASE("leased pack: a blob cut from a delivery outlives its reader", "[unit][wire][leased]") {
    Blob small;
    Blob large;
    {
        auto reader = open(two_records(Compression::none));
        REQUIRE(reader);
        auto first = reader->next();
        auto second = reader->next();
        small = reader->cut(next_frame(first->body));
        next_frame(second->body);
        next_frame(second->body);
        large = reader->cut(next_frame(second->body));
    }
    const Blob again = large.share();
    large = Blob{};
    CHECK(small == ByteView{"first"});
    CHECK(again == ByteView{long_body});
}

TEST_CASE("leased pack: a delivery cut short anywhere is refused whole", "[unit][wire][leased]") {
    const std::string good = two_records(Compression::none);
    for (std::size_t size = 0; size < good.size(); ++size) {
        INFO(size);
        CHECK_FALSE(open(ByteView{good}.substr(0, size)));
    }
    // The same with a region whose stated size is right.
    const std::string records = good.substr(21);
    std::size_t whole = 0;
    for (std::size_t size = 1; size < records.size(); ++size)
        whole += open(around(ByteView{records}.substr(0, size))) ? 1 : 0;
    CHECK(whole == 1); // after the first record
}

TEST_CASE("leased pack: fields out of range are refused", "[unit][wire][leased]") {
    const ByteView frame{"\0\0\0\1x", 5};
    CHECK(open(around(record(1, 0, 1, frame))));
    CHECK(open(around("")));
    CHECK(pack_refusal(around(record(0, 0, 1, frame))) == Errc::malformed);
    CHECK(pack_refusal(around(record(1, 3, 1, frame))) == Errc::malformed);
    CHECK(pack_refusal(around(record(1, 0, 0, ""))) == Errc::malformed);
    CHECK(pack_refusal(around(record(1, 0, 1, ByteView{"\xff\xff\xff\xffx", 5}))) ==
          Errc::malformed);
    const std::string frames(4 * 1001, '\0');
    CHECK(pack_refusal(around(record(1, 0, 1001, frames))) == Errc::too_many);
    Writer overflow; // first lease + offset beyond the last number
    overflow.u64(9).u64(~std::uint64_t{0}).u8(0).u32(25);
    overflow.u32(1).u64(1).u32(1).u8(0).short_bytes("").u16(1).bytes(frame);
    CHECK(pack_refusal(overflow.view()) == Errc::malformed);
    Writer huge;
    huge.u64(9).u64(100).u8(0).u32(limits::packed_bytes_max + 1);
    CHECK(pack_refusal(huge.view()) == Errc::too_large);
}
