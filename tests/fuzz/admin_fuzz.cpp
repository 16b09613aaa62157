// SPDX-License-Identifier: Apache-2.0
//
// What strangers can send to the administration of a daemon: arguments, paths, Hosts, addresses,
// requests over ZeroMQ. The first byte chooses.
#include <flotilla/base/check.hpp>
#include <flotilla/wire/frames.hpp>

#include <admin/endpoint.hpp>
#include <admin/http_address.hpp>
#include <admin/http_routes.hpp>
#include <admin/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace flotilla;
using namespace flotilla::admin;

namespace {

void ask(std::string method, std::string_view input) {
    HttpRequest request;
    request.method = std::move(method);
    const std::size_t line = input.find('\n');
    request.path = input.substr(0, line);
    if (line != std::string_view::npos)
        request.body = input.substr(line + 1);
    const auto asked = api_request(request);
    if (asked && *asked)
        FLOTILLA_CHECK(!(*asked)->verb.empty(), "a request without a verb");
}

void tell(std::string_view input) {
    wire::Frames frames;
    while (!input.empty() && frames.size() < 4) {
        const std::size_t line = std::min(input.find('\n'), input.size());
        frames.add(ByteView{input.substr(0, line)});
        input.remove_prefix(std::min(line + 1, input.size()));
    }
    if (const auto request = zeromq_request(frames))
        FLOTILLA_CHECK(request->arguments.count("token") == 0, "the token is among the arguments");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        ask("GET", input);
        break;
    case 1:
        ask("POST", input);
        break;
    case 2:
        tell(input);
        break;
    case 3:
        (void)is_our_host(input, {"fleet.example"});
        break;
    default:
        if (const auto address = parse_http_address(input))
            FLOTILLA_CHECK(parse_http_address(address->text()), "an address that is not read back");
    }
    return 0;
}
