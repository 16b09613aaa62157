// SPDX-License-Identifier: Apache-2.0
// ZAP requests of any frames are answered as 27/ZAP says or refused; any text is a certificate or
// not.
#include <flotilla/base/check.hpp>
#include <flotilla/net/certificate.hpp>
#include <flotilla/net/gate.hpp>
#include <flotilla/net/zap.hpp>
#include <flotilla/wire/pack.hpp>

#include <cstddef>
#include <cstdint>

namespace {

using namespace flotilla;

net::AccessPolicy listed() {
    net::AllowList list;
    (void)list.add(*net::CurveKey::from_bytes(std::string(32, 'k')), {"alice", {"billing"}});
    (void)list.revoke(*net::CurveKey::from_bytes(std::string(32, 'r')));
    net::AccessPolicy policy(list);
    policy.plain.emplace("printer", "secret");
    (void)policy.addresses.add(net::AddressRules::Effect::deny,
                               *net::AddressRange::parse("10.0.0.0/8"));
    return policy;
}

// Whoever is let in brought what it takes, and is called by it.
void check_let_in(const wire::Frames& request, const wire::Frames& reply) {
    const std::string_view mechanism = request[5].view();
    FLOTILLA_CHECK(request.size() > 6 && request[3].view().substr(0, 3) != "10.",
                   "somebody was let in without credentials, or from where nobody may come");
    if (mechanism == "CURVE")
        FLOTILLA_CHECK(request[6].size() == 32 &&
                           reply[4].view() == net::CurveKey::from_bytes(request[6].view())->z85(),
                       "somebody was let in without a key, or under another");
    else
        FLOTILLA_CHECK(mechanism == "PLAIN" && request.size() > 7 &&
                           request[6].view() == "printer" && request[7].view() == "secret" &&
                           reply[4].view() == "plain:printer",
                       "somebody was let in without a password, or under another name");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes{reinterpret_cast<const char*>(data), size};
    if (const auto certificate = net::detail::parse_certificate("file", bytes))
        FLOTILLA_CHECK(certificate->public_key, "a certificate without a public key");

    // The input as frames: a length byte before each.
    wire::Frames request;
    wire::Reader reader(bytes);
    while (reader.left() > 0 && request.size() < 20)
        request.add(reader.short_bytes());
    static net::Gate gates[] = {net::Gate{listed()}, net::Gate{net::AnyClientKey{}}};
    Instant now{1h};
    for (net::Gate& gate : gates) {
        const auto reply =
            net::answer_access_request(request, [&](const net::AccessRequest& asked) {
                now += 1h;
                return gate.judge(asked, {}, now);
            });
        if (!reply) {
            FLOTILLA_CHECK(request.size() < 2, "a request with an id was not answered");
            continue;
        }
        FLOTILLA_CHECK(reply->size() == 6 && (*reply)[1] == request[1], "not a ZAP reply");
        if ((*reply)[2] == ByteView{"200"} && &gate == gates)
            check_let_in(request, *reply);
    }
    return 0;
}
