// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/hop.hpp>

#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::wire;
using Edit = HopStamp::Edit;

namespace {

constexpr WallTime came{1'764'000'000s + 123'456us};
constexpr WallTime left{1'764'000'000s + 123'999us};

std::string encoded(const Envelope& envelope) {
    return encode(envelope).value();
}

Envelope with_headers(std::size_t count) {
    Envelope envelope;
    for (std::size_t i = 0; i < count; ++i)
        envelope.headers.push_back({"n", std::to_string(i)});
    return envelope;
}

} // namespace

TEST_CASE("hop: a stamp adds one header and leaves the rest of the envelope", "[unit][wire]") {
    Envelope envelope = with_headers(2);
    envelope.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const std::string frame = encoded(envelope);
    const HopStamp stamp("store", "orders");
    std::string out;
    REQUIRE(stamp.stamp(frame, came, left, out) == Edit::stamped);
    CHECK(out.size() == frame.size() + stamp.bytes());

    const auto read = decode_envelope(out);
    REQUIRE(read);
    REQUIRE(hops_of(*read) == std::vector<Hop>{{came, left, "store", "orders"}});
    CHECK(read->headers.back().value == "1764000000123456 1764000000123999 store orders");
    envelope.headers.push_back(read->headers.back());
    CHECK(*read == envelope);
}

TEST_CASE("hop: hops stand in the order of the way", "[unit][wire]") {
    std::string first, second;
    REQUIRE(HopStamp("relay", "a").stamp(encoded({}), came, came, first) == Edit::stamped);
    REQUIRE(HopStamp("broker", "b").stamp(first, left, left, second) == Edit::stamped);
    const auto hops = hops_of(decode_envelope(second).value());
    REQUIRE(hops.size() == 2);
    CHECK(hops[0].instance == "a");
    CHECK(hops[1].instance == "b");
}

TEST_CASE("hop: fields of a later version stay where they are", "[unit][wire]") {
    std::string frame = encoded({});
    frame += std::string("\xC8\x00\x03new", 6);
    store_u32(frame.data() + 4, static_cast<std::uint32_t>(frame.size()));
    std::string out;
    REQUIRE(HopStamp("relay", "a").stamp(frame, came, left, out) == Edit::stamped);
    CHECK(out.find("new") != std::string::npos);
    CHECK(decode_envelope(out));
}

TEST_CASE("hop: the time of leaving is set where it stands, and only in our own hop",
          "[unit][wire]") {
    const HopStamp ours("relay", "a");
    const HopStamp other("relay", "b");
    std::string out;
    REQUIRE(ours.stamp(encoded(with_headers(1)), came, came, out) == Edit::stamped);
    REQUIRE(ours.is_last_of(out));
    CHECK_FALSE(other.is_last_of(out));
    CHECK_FALSE(ours.is_last_of(encoded(with_headers(1))));
    CHECK_FALSE(ours.is_last_of("short"));
    ours.set_left(out.data(), out.size(), left);
    CHECK(hops_of(decode_envelope(out).value()) == std::vector<Hop>{{came, left, "relay", "a"}});
}

TEST_CASE("hop: what is no envelope is not touched", "[unit][wire]") {
    const HopStamp stamp("relay", "a");
    std::string out = "as before";
    const std::string frame = encoded(with_headers(1));
    std::string cut_off = frame.substr(0, frame.size() - 1);
    store_u32(cut_off.data() + 4, static_cast<std::uint32_t>(cut_off.size()));
    std::string other_version = frame;
    other_version[3] = 2;
    for (const std::string& each : {std::string{}, std::string{"hello"},
                                    std::string{"\xF1"
                                                "FM then a body"},
                                    frame + "x", cut_off, other_version}) {
        CHECK(stamp.stamp(each, came, left, out) == Edit::no_envelope);
        CHECK(out == "as before");
    }
}

TEST_CASE("hop: an envelope without room is not touched", "[unit][wire]") {
    const HopStamp stamp("relay", "a");
    std::string out;
    CHECK(stamp.stamp(encoded(with_headers(Envelope::headers_max)), came, left, out) ==
          Edit::no_room);
    CHECK(stamp.stamp(encoded(with_headers(Envelope::headers_max - 1)), came, left, out) ==
          Edit::stamped);

    Envelope large;
    for (int i = 0; i < 15; ++i)
        large.headers.push_back({"n", std::string(Envelope::header_value_bytes_max, 'v')});
    const std::size_t room = Envelope::frame_bytes_max - encoded(large).size();
    large.headers.push_back({"n", std::string(room - stamp.bytes() - 5, 'v')});
    CHECK(stamp.stamp(encoded(large), came, left, out) == Edit::stamped);
    CHECK(out.size() == Envelope::frame_bytes_max);
    large.headers.back().value += 'v';
    CHECK(stamp.stamp(encoded(large), came, left, out) == Edit::no_room);

    std::string frame = encoded({});
    for (std::size_t i = 0; i < Hop::hops_max; ++i) {
        REQUIRE(stamp.stamp(frame, came, left, out) == Edit::stamped);
        frame = out;
    }
    CHECK(stamp.stamp(frame, came, left, out) == Edit::no_room);
    CHECK(hops_of(decode_envelope(frame).value()).size() == Hop::hops_max);
}

TEST_CASE("hop: names that cannot stand in a header are made to fit", "[unit][wire]") {
    std::string out;
    REQUIRE(HopStamp("relay", "north \xC3\xA9" + std::string(100, 'x'))
                .stamp(encoded({}), came, left, out) == Edit::stamped);
    const auto hops = hops_of(decode_envelope(out).value());
    REQUIRE(hops.size() == 1);
    CHECK(hops[0].instance == "north___" + std::string(56, 'x'));
    REQUIRE(HopStamp("", "").stamp(encoded({}), came, left, out) == Edit::stamped);
    CHECK(hops_of(decode_envelope(out).value())[0].instance == "_");
}

TEST_CASE("hop: times beyond what a hop can say are the nearest that it can", "[unit][wire]") {
    std::string out;
    REQUIRE(HopStamp("relay", "a").stamp(encoded({}), WallTime{-1s}, WallTime::max(), out) ==
            Edit::stamped);
    const auto hops = hops_of(decode_envelope(out).value());
    REQUIRE(hops.size() == 1);
    CHECK(hops[0].came == WallTime{});
    CHECK(hops[0].left > WallTime{8'000'000'000s});
}

TEST_CASE("hop: a header that is none is passed over", "[unit][wire]") {
    for (const char* text :
         {"", "1764000000123456", "1764000000123456 1764000000123999",
          "1764000000123456 1764000000123999 relay", "1764000000123456 1764000000123999 relay ",
          "1764000000123456 1764000000123999  a", "176400000012345x 1764000000123999 relay a",
          "64000000123456 1764000000123999 relay a", "+764000000123456 1764000000123999 relay a",
          "1764000000123456 1764000000123999 relay a b",
          "1764000000123456 1764000000123999 a-kind-of-17-byte a"})
        CHECK_FALSE(parse_hop(text));
    CHECK(parse_hop("9999999999999999 1764000000123999 relay a"));
    Envelope envelope;
    envelope.headers = {{"flotilla.hop", "nonsense"}, {"other", "x"}};
    CHECK(hops_of(envelope).empty());
}
