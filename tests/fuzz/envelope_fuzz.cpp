// SPDX-License-Identifier: Apache-2.0
// Any bytes either are refused as an envelope, or decode to one that encodes and decodes to itself.
#include <flotilla/base/check.hpp>
#include <flotilla/wire/envelope.hpp>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flotilla;
    const ByteView frame{reinterpret_cast<const char*>(data), size};
    const auto decoded = wire::decode_envelope(frame);
    if (!decoded)
        return 0;
    FLOTILLA_CHECK(wire::has_envelope_magic(frame), "an envelope without its magic was decoded");
    const auto encoded = wire::encode(*decoded);
    FLOTILLA_CHECK(encoded, "a decoded envelope cannot be sent");
    const auto back = wire::decode_envelope(*encoded);
    FLOTILLA_CHECK(back && *back == *decoded, "an envelope changed on the way");
    return 0;
}
