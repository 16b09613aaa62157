// SPDX-License-Identifier: Apache-2.0
// Any bytes either are left alone by a hop's stamp, or get exactly one header more: a right
// envelope stays right, and the same but for its hop.
#include <flotilla/base/check.hpp>
#include <flotilla/wire/hop.hpp>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flotilla;
    static const wire::HopStamp stamp("relay", "fuzz");
    constexpr WallTime came{1'764'000'000s};
    constexpr WallTime left{1'764'000'001s};
    const ByteView frame{reinterpret_cast<const char*>(data), size};
    const auto before = wire::decode_envelope(frame);
    if (before)
        (void)wire::hops_of(*before);
    (void)wire::parse_hop(frame);
    (void)stamp.is_last_of(frame);
    std::string out;
    const auto edit = stamp.stamp(frame, came, came, out);
    FLOTILLA_CHECK(!before || edit != wire::HopStamp::Edit::no_envelope,
                   "a right envelope was not recognised");
    if (edit != wire::HopStamp::Edit::stamped)
        return 0;
    FLOTILLA_CHECK(stamp.is_last_of(out), "the stamp is not where it was put");
    stamp.set_left(out.data(), out.size(), left);
    auto after = wire::decode_envelope(out);
    FLOTILLA_CHECK(before.has_value() == after.has_value(), "a stamp broke or mended an envelope");
    if (!after)
        return 0;
    FLOTILLA_CHECK(wire::hops_of(*after).back() == (wire::Hop{came, left, "relay", "fuzz"}),
                   "the hop reads differently");
    after->headers.pop_back();
    FLOTILLA_CHECK(*after == *before, "a stamp changed something else");
    return 0;
}
