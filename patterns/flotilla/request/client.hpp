// SPDX-License-Identifier: Apache-2.0
//
// Client: asks a service and waits for the answer.
//
//     auto client = Client::open(context, {.brokers = {*net::Endpoint::parse("tcp://...")}});
//     auto reply = client->call("echo", "hello");
//
// Promise: one answer, or an error by the deadline. A call is sent again, with growing and jittered
// pauses, while its deadline allows; so a worker may see it twice, unless CallOptions::retry is
// off. In the flotilla dialect a repeat carries the same id: the broker joins it to the first, and
// the worker can tell (IdempotencyCache). A late answer to an earlier call is never taken for this
// one.
//
// One thread owns a Client at a time. Many calls at once: AsyncClient.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/request/client_model.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace flotilla::request {

class Client {
public:
    // Does not wait for a broker, nor connect before the first call. `context` must outlive the
    // client, and stay where it is. Errors: bad_option; insecure; bad_endpoint; out_of_files.
    static Result<Client> open(net::Context& context, ClientOptions options);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    // Partial replies, in order, as they come, on the calling thread.
    using Partial = PartialReply;
    using OnPartial = std::function<void(Partial&&)>;

    // Waits until the answer is there or the deadline has passed. `body` is taken on success; on
    // error it is untouched. Errors: timeout (also a broker's word, `expired`); refused (a worker's
    // or the broker's word; the sentence begins with its ErrorCode); no_peer (no broker answered);
    // bad_option (service, deadline, id); too_large; too_many; stopped; transport.
    Result<Reply> call(std::string_view service, wire::Frames& body,
                       const CallOptions& options = {}, const OnPartial& on_partial = {});
    Result<Reply> call(std::string_view service, ByteView body, const CallOptions& options = {},
                       const OnPartial& on_partial = {});

    // What is spoken with the broker at hand; absent while that is not known.
    std::optional<Dialect> dialect() const noexcept;
    ClientCounters counters() const;

private:
    struct Rest;
    explicit Client(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::request
