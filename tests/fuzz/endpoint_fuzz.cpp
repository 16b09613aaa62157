// SPDX-License-Identifier: Apache-2.0
// Any text is an endpoint that reads back as itself, or is refused with a sentence.
#include <flotilla/base/check.hpp>
#include <flotilla/net/endpoint.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flotilla;
    using namespace flotilla::net;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    for (const auto rule : {AttachRule::bind, AttachRule::connect, AttachRule::bind_if_wildcard}) {
        const auto attachment = parse_attachment(text, rule);
        if (!attachment) {
            FLOTILLA_CHECK(!attachment.error().detail.empty(), "a refusal without a reason");
            continue;
        }
        const Endpoint& endpoint = attachment->endpoint;
        FLOTILLA_CHECK(Endpoint::parse(endpoint.text()) == endpoint, "an endpoint changed");
        FLOTILLA_CHECK(attachment->how == Attach::bind || !endpoint.is_wildcard(),
                       "a wildcard is to be connected to");
        FLOTILLA_CHECK(!endpoint.address().empty(), "an endpoint without an address");
    }
    return 0;
}
