// SPDX-License-Identifier: Apache-2.0
#include <flotilla/relay/capture.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::relay;
using flotilla::wire::Frames;

namespace {

CaptureHeader sample() {
    CaptureHeader header;
    header.direction = Direction::out;
    header.at = WallTime{Duration{0x0102030405060708}};
    header.sequence = 0x1112131415161718;
    header.frames = 2;
    return header;
}

} // namespace

TEST_CASE("capture: the header's bytes are those of the document", "[unit][relay]") {
    CHECK(encode(sample()) == std::string("\x01\x01"
                                          "\x01\x02\x03\x04\x05\x06\x07\x08"
                                          "\x11\x12\x13\x14\x15\x16\x17\x18"
                                          "\x00\x02",
                                          CaptureHeader::bytes));
}

TEST_CASE("capture: a header comes back as it was", "[unit][relay]") {
    const auto header = decode_capture_header(encode(sample()));
    REQUIRE(header);
    CHECK(header->direction == Direction::out);
    CHECK(header->at == sample().at);
    CHECK(header->sequence == sample().sequence);
    CHECK(header->frames == 2);
}

TEST_CASE("capture: a malformed header is refused with a reason", "[unit][relay]") {
    const std::string good = encode(sample());
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK(decode_capture_header(good.substr(0, size)).error().code == Errc::malformed);
    CHECK(decode_capture_header(good + "x").error().detail.find("21 bytes") != std::string::npos);
    std::string version = good;
    version[0] = 2;
    CHECK(decode_capture_header(version).error().detail.find("version 2") != std::string::npos);
    std::string direction = good;
    direction[1] = 2;
    CHECK(decode_capture_header(direction).error().detail.find("direction 2") != std::string::npos);
}

TEST_CASE("capture: a captured message is taken apart", "[unit][relay]") {
    const auto captured =
        parse_capture(Frames{"prices.eu.out", encode(sample()), "first", "second"});
    REQUIRE(captured);
    CHECK(captured->relay == "prices.eu");
    CHECK(captured->header.sequence == sample().sequence);
    CHECK(captured->message == Frames{"first", "second"});
}

TEST_CASE("capture: a captured message that contradicts itself is refused", "[unit][relay]") {
    const std::string header = encode(sample());
    CHECK_FALSE(parse_capture(Frames{}));
    CHECK_FALSE(parse_capture(Frames{"prices.out"}));
    CHECK_FALSE(parse_capture(Frames{"prices.out", header, "one"}));
    CHECK_FALSE(parse_capture(Frames{"prices.out", header, "one", "two", "three"}));
    CHECK_FALSE(parse_capture(Frames{"prices.in", header, "one", "two"}));
    CHECK_FALSE(parse_capture(Frames{".out", header, "one", "two"}));
    CHECK_FALSE(parse_capture(Frames{"prices.out", "short", "one", "two"}));
}
