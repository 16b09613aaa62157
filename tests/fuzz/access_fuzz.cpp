// SPDX-License-Identifier: Apache-2.0
// ZAP requests of any frames are answered as 27/ZAP says or refused; any text is a certificate or
// not.
#include <flotilla/base/check.hpp>
#include <flotilla/net/certificate.hpp>
#include <flotilla/net/zap.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flotilla;
    const ByteView bytes{reinterpret_cast<const char*>(data), size};
    if (const auto certificate = net::detail::parse_certificate("file", bytes))
        FLOTILLA_CHECK(certificate->public_key, "a certificate without a public key");

    // The input as frames: a length byte before each.
    wire::Frames request;
    wire::Reader reader(bytes);
    while (reader.left() > 0 && request.size() < 20)
        request.add(reader.short_bytes());
    net::AllowList listed;
    (void)listed.add(*net::CurveKey::from_bytes(std::string(32, 'k')));
    const net::AccessPolicy policies[] = {listed, net::AnyClientKey{}};
    for (const net::AccessPolicy& policy : policies) {
        const auto reply = net::answer_access_request(
            request, [&](std::string_view domain) { return domain == "d" ? &policy : nullptr; });
        if (!reply) {
            FLOTILLA_CHECK(request.size() < 2, "a request with an id was not answered");
            continue;
        }
        FLOTILLA_CHECK(reply->size() == 6 && (*reply)[1] == request[1], "not a ZAP reply");
        if ((*reply)[2] == ByteView{"200"})
            FLOTILLA_CHECK(request.size() > 6 && request[5] == ByteView{"CURVE"} &&
                               request[6].size() == 32,
                           "somebody was let in without a key");
    }
    return 0;
}
