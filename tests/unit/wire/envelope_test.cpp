// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/wire/envelope.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::wire;

namespace {

const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

Envelope full_envelope() {
    Envelope e;
    e.id = Envelope::MessageId{'0', '1', '2', '3', '4', '5', '6', '7',
                               '8', '9', 'a', 'b', 'c', 'd', 'e', '\0'};
    e.timestamp = WallTime{1'700'000'000s};
    e.priority = std::uint8_t{7};
    e.expiry = WallTime{1'700'000'060s};
    e.key = std::string{"customer\0 17", 12};
    e.content_type = "application/json";
    e.traceparent = trace;
    e.headers = {{"tenant", "blue"}, {"tenant", std::string{"\0\xff", 2}}, {"empty", ""}};
    e.publisher_epoch = 0xfedcba9876543210;
    e.sequence = std::uint64_t{42};
    e.generation = 3;
    e.snapshot = true;
    return e;
}

// A frame with these fields after a right head.
std::string frame_of(std::string_view fields, char version = 1) {
    Writer out;
    out.bytes("\xF1"
              "FM")
        .u8(static_cast<std::uint8_t>(version))
        .u32(static_cast<std::uint32_t>(8 + fields.size()))
        .bytes(fields);
    return out.take();
}

std::string field(std::uint8_t tag, std::string_view value) {
    Writer out;
    out.u8(tag).medium_bytes(value);
    return out.take();
}

void refuses(const std::string& frame, Errc code, const std::string& says) {
    INFO(says);
    const auto decoded = decode_envelope(frame);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == code);
    INFO(decoded.error().detail);
    CHECK(decoded.error().detail.find(says) != std::string::npos);
}

void will_not_send(const Envelope& envelope, Errc code, const std::string& says) {
    INFO(says);
    Writer out;
    const auto encoded = encode(envelope, out);
    REQUIRE_FALSE(encoded);
    CHECK(encoded.error().code == code);
    INFO(encoded.error().detail);
    CHECK(encoded.error().detail.find(says) != std::string::npos);
    CHECK(out.size() == 0);
}

} // namespace

TEST_CASE("envelope: every field survives the wire", "[unit][wire]") {
    const Envelope sent = full_envelope();
    const auto frame = encode(sent);
    REQUIRE(frame);
    CHECK(has_envelope_magic(*frame));
    const auto received = decode_envelope(*frame);
    REQUIRE(received);
    CHECK(*received == sent);
}

TEST_CASE("envelope: an empty one is eight bytes", "[unit][wire]") {
    const auto frame = encode(Envelope{});
    REQUIRE(frame);
    CHECK(*frame == frame_of(""));
    CHECK(*decode_envelope(*frame) == Envelope{});
}

TEST_CASE("envelope: the bytes are those of the protocol page", "[unit][wire]") {
    Envelope e;
    e.timestamp = WallTime{1ns};
    e.publisher_epoch = std::uint64_t{2};
    e.sequence = std::uint64_t{3};
    const std::string expected{"\xF1"
                               "FM\x01\0\0\0\x29"
                               "\x02\0\x08\0\0\0\0\0\0\0\x01"
                               "\x10\0\x08\0\0\0\0\0\0\0\x02"
                               "\x11\0\x08\0\0\0\0\0\0\0\x03",
                               41};
    CHECK(*encode(e) == expected);
}

TEST_CASE("envelope: unknown fields and flags are skipped", "[unit][wire]") {
    const auto decoded = decode_envelope(
        frame_of(field(200, "later") + field(3, "\x05") + field(19, "\xfe") + field(0, "")));
    REQUIRE(decoded);
    CHECK(decoded->priority == std::uint8_t{5});
    CHECK_FALSE(decoded->snapshot);
}

TEST_CASE("envelope: fields come in any order", "[unit][wire]") {
    const auto decoded = decode_envelope(
        frame_of(field(17, std::string(7, '\0') + "\x09") + field(5, "k") + field(3, "\x01")));
    REQUIRE(decoded);
    CHECK(decoded->sequence == std::uint64_t{9});
    CHECK(decoded->key == "k");
}

TEST_CASE("envelope: what is not one is told from what is damaged", "[unit][wire]") {
    refuses("", Errc::malformed, "not an envelope");
    refuses("hello, world", Errc::malformed, "not an envelope");
    refuses("\xF1"
            "FM",
            Errc::malformed, "not an envelope");
    refuses(frame_of("", 2), Errc::unsupported, "version 2");
    refuses(frame_of("") + "x", Errc::malformed, "length says 8 bytes; the frame has 9");
    refuses(frame_of(field(3, "\x01")).substr(0, 9), Errc::malformed, "length says");
    refuses(frame_of("\x03"), Errc::malformed, "cut off");
    refuses(frame_of(std::string{"\x03\0\x05\x01", 4}), Errc::malformed, "cut off");
}

TEST_CASE("envelope: fields of a wrong shape are refused and named", "[unit][wire]") {
    refuses(frame_of(field(1, "short")), Errc::malformed, "id has 5 bytes instead of 16");
    refuses(frame_of(field(2, "1234567")), Errc::malformed, "timestamp has 7 bytes");
    refuses(frame_of(field(2, std::string(8, '\xff'))), Errc::malformed, "timestamp is out of");
    refuses(frame_of(field(4, std::string(8, '\xff'))), Errc::malformed, "expiry is out of range");
    refuses(frame_of(field(3, "")), Errc::malformed, "priority has 0 bytes");
    refuses(frame_of(field(3, "\x01") + field(3, "\x01")), Errc::malformed, "priority is there");
    refuses(frame_of(field(1, std::string(16, 'a')) + field(1, std::string(16, 'a'))),
            Errc::malformed, "id is there twice");
    refuses(frame_of(field(5, std::string(256, 'k'))), Errc::too_large, "key has 256 bytes");
    refuses(frame_of(field(6, std::string(128, 't'))), Errc::too_large, "content type has 128");
    refuses(frame_of(field(6, "")), Errc::malformed, "content type is empty");
    refuses(frame_of(field(6, "text\n")), Errc::malformed, "content type is empty or not");
    refuses(frame_of(field(7, "00-zz")), Errc::malformed, "traceparent");
    refuses(frame_of(field(8, "")), Errc::malformed, "header name is cut off");
    refuses(frame_of(field(8, "\x05nam")), Errc::malformed, "header name is cut off");
    refuses(frame_of(field(8, std::string(1, '\0'))), Errc::malformed, "header name is empty");
    refuses(frame_of(field(8, "\x03"
                              "a bv")),
            Errc::malformed, "header name is empty or not");
    refuses(frame_of(field(8, "\x41" + std::string(65, 'n'))), Errc::too_large, "header name has");
    refuses(frame_of(field(8, "\x01n" + std::string(4097, 'v'))), Errc::too_large,
            "header value has 4097");
    refuses(frame_of(field(16, "1")), Errc::malformed, "publisher epoch has 1 bytes");
    refuses(frame_of(field(18, "1")), Errc::malformed, "generation has 1 bytes");
    refuses(frame_of(field(19, "12")), Errc::malformed, "flags has 2 bytes");
}

TEST_CASE("envelope: counts and sizes have limits on the way in", "[unit][wire]") {
    std::string headers;
    for (std::size_t i = 0; i < Envelope::headers_max; ++i)
        headers += field(8, "\x01nv");
    CHECK(decode_envelope(frame_of(headers)));
    refuses(frame_of(headers + field(8, "\x01nv")), Errc::too_many, "more than 64 headers");

    std::string fields;
    for (std::size_t i = 0; i < Envelope::fields_max; ++i)
        fields += field(200, "");
    CHECK(decode_envelope(frame_of(fields)));
    refuses(frame_of(fields + field(200, "")), Errc::too_many, "more than 256 fields");

    refuses(frame_of(field(200, std::string(65'000, 'x')) + field(200, std::string(600, 'x'))),
            Errc::too_large, "the limit is 65536");
}

TEST_CASE("envelope: what the receiver would refuse is not sent", "[unit][wire]") {
    Envelope e;
    e.key = std::string(256, 'k');
    will_not_send(e, Errc::too_large, "key has 256 bytes");
    e = {};
    e.content_type = "a\tb";
    will_not_send(e, Errc::malformed, "content type");
    e = {};
    e.traceparent = "00";
    will_not_send(e, Errc::malformed, "traceparent");
    e = {};
    e.timestamp = WallTime{-1ns};
    will_not_send(e, Errc::malformed, "timestamp is before 1970");
    e = {};
    e.expiry = WallTime{-1ns};
    will_not_send(e, Errc::malformed, "expiry is before 1970");
    e = {};
    e.headers.assign(65, Header{"n", "v"});
    will_not_send(e, Errc::too_many, "more than 64 headers");
    e.headers.assign(1, Header{"", "v"});
    will_not_send(e, Errc::malformed, "header name is empty");
    e.headers.assign(1, Header{std::string(65, 'n'), "v"});
    will_not_send(e, Errc::too_large, "header name has 65");
    e.headers.assign(1, Header{"n", std::string(4097, 'v')});
    will_not_send(e, Errc::too_large, "header value has 4097");
    e.headers.assign(16, Header{"n", std::string(4096, 'v')});
    will_not_send(e, Errc::too_large, "the limit is 65536");
    e.headers.resize(15);
    CHECK(encode(e));
}

TEST_CASE("envelope: a traceparent follows the W3C shape", "[unit][wire]") {
    CHECK(is_traceparent(trace));
    CHECK(is_traceparent("cc" + trace.substr(2)));
    CHECK_FALSE(is_traceparent(""));
    CHECK_FALSE(is_traceparent(trace + "0"));
    CHECK_FALSE(is_traceparent("ff" + trace.substr(2)));
    CHECK_FALSE(is_traceparent("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    CHECK_FALSE(is_traceparent("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
    CHECK_FALSE(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
    CHECK_FALSE(is_traceparent("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    CHECK_FALSE(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g"));
}

TEST_CASE("envelope: a damaged frame is refused or decodes to something that can be sent",
          "[unit][wire]") {
    const auto seed = test::seed(20'251);
    INFO("seed " << seed);
    Random random(seed);
    const std::string whole = *encode(full_envelope());
    for (int round = 0; round < 20'000; ++round) {
        std::string frame = whole;
        for (std::uint64_t change = 0; change <= random.below(4); ++change)
            frame[random.below(frame.size())] = static_cast<char>(random.next());
        if (random.one_in(4))
            frame.resize(random.below(frame.size() + 1));
        const auto decoded = decode_envelope(frame);
        if (!decoded)
            continue;
        const auto again = encode(*decoded);
        REQUIRE(again);
        REQUIRE(*decode_envelope(*again) == *decoded);
    }
}

TEST_CASE("envelope: the snapshot mark changes one bit and nothing else", "[unit][wire]") {
    Envelope e = full_envelope();
    e.snapshot = false;
    const auto plain = encode(e);
    REQUIRE(plain);
    const auto marked = mark_snapshot(*plain);
    REQUIRE(marked);
    e.snapshot = true;
    CHECK(*decode_envelope(*marked) == e);
    CHECK(*mark_snapshot(*marked) == *marked);
}

TEST_CASE("envelope: the snapshot mark keeps fields and flags of newer peers", "[unit][wire]") {
    const std::string unknown{"\x63\0\2hi\x13\0\1\x80", 9};
    const auto marked = mark_snapshot(frame_of(unknown));
    REQUIRE(marked);
    CHECK(*marked == frame_of(std::string{"\x63\0\2hi\x13\0\1\x81", 9}));
    const auto added = mark_snapshot(frame_of(unknown.substr(0, 5)));
    REQUIRE(added);
    CHECK(*added == frame_of(std::string{"\x63\0\2hi\x13\0\1\x01", 9}));
}

TEST_CASE("envelope: what is no envelope, or has no room, gets no snapshot mark", "[unit][wire]") {
    CHECK(mark_snapshot("body").error().code == Errc::malformed);
    std::string many;
    for (std::size_t i = 0; i < Envelope::fields_max; ++i)
        many += std::string{"\x63\0\0", 3};
    REQUIRE(decode_envelope(frame_of(many)));
    CHECK(mark_snapshot(frame_of(many)).error().code == Errc::too_many);
    const std::size_t value = Envelope::frame_bytes_max - 8 - 3;
    std::string large{"\x63", 1};
    large += static_cast<char>(value >> 8);
    large += static_cast<char>(value & 0xff);
    large += std::string(value, 'x');
    REQUIRE(decode_envelope(frame_of(large)));
    CHECK(mark_snapshot(frame_of(large)).error().code == Errc::too_large);
}
