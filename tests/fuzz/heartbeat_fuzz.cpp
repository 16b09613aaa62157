// SPDX-License-Identifier: Apache-2.0
// Any bytes either are refused as a heartbeat, or decode to one that encodes to the same bytes.
#include <flotilla/base/check.hpp>
#include <flotilla/feed/heartbeat.hpp>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flotilla;
    const ByteView body{reinterpret_cast<const char*>(data), size};
    const auto decoded = feed::decode_heartbeat(body);
    if (!decoded)
        return 0;
    const auto encoded = feed::encode_heartbeats(*decoded);
    FLOTILLA_CHECK(encoded.size() == 1, "a heartbeat of one frame became several");
    FLOTILLA_CHECK(encoded[0] == body, "a heartbeat changed on the way");
    return 0;
}
