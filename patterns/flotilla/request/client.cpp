// SPDX-License-Identifier: Apache-2.0
//
// A Client is an AsyncClient with one call at a time and an owner who waits.
#include <flotilla/request/async_client.hpp>
#include <flotilla/request/client.hpp>

#include <utility>

namespace flotilla::request {

struct Client::Rest {
    AsyncClient client;
};

Client::Client(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(net::Context& context, ClientOptions options) {
    auto client = AsyncClient::open(context, std::move(options));
    if (!client)
        return fail(client.error());
    return Client{std::unique_ptr<Rest>(new Rest{std::move(*client)})};
}

Result<Reply> Client::call(std::string_view service, wire::Frames& body, const CallOptions& options,
                           const OnPartial& on_partial) {
    AsyncClient& client = rest_->client;
    std::optional<Result<Reply>> ended;
    wire::Frames copy = body.share(); // so that it is the caller's whatever comes of it
    const auto number = client.call(
        service, copy, options, [&](CallId, Result<Reply> reply) { ended = std::move(reply); },
        on_partial);
    if (!number)
        return fail(number.error());
    // However the client stops, every call has ended before process() says so.
    while (!ended)
        (void)client.process(1h);
    if (*ended)
        body.clear();
    return std::move(*ended);
}

Result<Reply> Client::call(std::string_view service, ByteView body, const CallOptions& options,
                           const OnPartial& on_partial) {
    wire::Frames frames{body};
    return call(service, frames, options, on_partial);
}

std::optional<Dialect> Client::dialect() const noexcept {
    return rest_->client.dialect();
}
ClientCounters Client::counters() const {
    return rest_->client.counters();
}

} // namespace flotilla::request
