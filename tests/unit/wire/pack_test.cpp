// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/pack.hpp>

#include <support/catch.hpp>

using namespace flotilla::wire;
using flotilla::ByteView;

TEST_CASE("pack: what is written is read back, in network byte order", "[unit][wire]") {
    Writer writer;
    writer.u8(0x01).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f);
    CHECK(writer.view() ==
          ByteView{"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"});
    writer.short_bytes("ab").medium_bytes("").long_bytes("xyz");
    Reader reader(writer.view());
    CHECK(reader.u8() == 1);
    CHECK(reader.u16() == 0x0203);
    CHECK(reader.u32() == 0x04050607);
    CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
    CHECK(reader.short_bytes() == "ab");
    CHECK(reader.medium_bytes().empty());
    CHECK(reader.long_bytes() == "xyz");
    CHECK(reader.ok_at_end());
}

TEST_CASE("pack: a reader never goes beyond its bytes and stays bad", "[unit][wire]") {
    Reader reader(ByteView{"\x05"
                           "abc"});
    CHECK(reader.short_bytes().empty());
    CHECK_FALSE(reader.ok());
    CHECK(reader.u8() == 0);
    CHECK(reader.left() == 0);
    CHECK_FALSE(reader.ok_at_end());
}
