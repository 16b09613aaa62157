// SPDX-License-Identifier: Apache-2.0
//
// AsyncClient: many calls under way at once, over as few connections as the dialect allows.
//
//     auto client = AsyncClient::open(context, {.brokers = {...}});
//     client->call("echo", "hello", {}, [](CallId, Result<Reply> reply) { ... });
//     std::future<Result<Reply>> later = *client->call("echo", "hello");
//     while (client->under_way() > 0)
//         if (!client->process(1s))
//             break;
//
// Every accepted call ends exactly once: in its callback or its future, with an answer, an error,
// or the deadline. The promise is that of Client. In the flotilla dialect all calls share a
// connection and answers are matched by id; in the RFC dialects each has a connection of its own
// from a bounded pool, and calls beyond it wait their turn here.
//
// Nothing moves by itself: the owner calls process(), or gives the client to a ClientThread, whose
// calls may come from any thread.
//
// One thread owns an AsyncClient at a time. Callbacks run inside process(); they may call() and
// cancel(), but not process() or move the client.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/request/client_model.hpp>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string_view>

namespace flotilla::request {

class AsyncClient {
public:
    using OnReply = std::function<void(CallId, Result<Reply>)>;
    using Partial = PartialReply;
    using OnPartial = std::function<void(Partial&&)>;

    // As Client::open. `context` must outlive the client, and stay where it is.
    static Result<AsyncClient> open(net::Context& context, ClientOptions options);
    AsyncClient(AsyncClient&&) noexcept;
    AsyncClient& operator=(AsyncClient&&) noexcept;
    ~AsyncClient(); // what is under way ends with `stopped`, in its callback too

    // Never waits. `body` is taken on success (none: one empty frame); on error it is untouched.
    // Errors: would_block (calls_max or calls_bytes_max are under way: process() first); bad_option
    // (service, deadline, or an id that is under way); too_large (over calls_bytes_max); too_many
    // (frames); stopped. What comes later is the callback's, with the errors of Client::call.
    Result<CallId> call(std::string_view service, wire::Frames& body, const CallOptions& options,
                        OnReply on_reply, OnPartial on_partial = {});
    Result<std::future<Result<Reply>>> call(std::string_view service, wire::Frames& body,
                                            const CallOptions& options = {});
    // The same with a body of one frame, which is copied.
    Result<CallId> call(std::string_view service, ByteView body, const CallOptions& options,
                        OnReply on_reply, OnPartial on_partial = {});
    Result<std::future<Result<Reply>>> call(std::string_view service, ByteView body,
                                            const CallOptions& options = {});
    // The call ends with `refused` (cancelled), told by the next process(); what its worker still
    // answers is dropped. Every other call is unharmed. In the flotilla dialect the broker is told,
    // in the others the call's connection is closed. False: it has ended already, though its
    // callback may still have to be told.
    bool cancel(CallId call);

    // Waits at most `wait` for something to do, and does it; a bounded amount, so call it again. On
    // an error every call has ended with it. Errors: stopped; transport.
    Status process(Duration wait);
    // For a foreign event loop, as Broker. The descriptor stays the same.
    int fd() const noexcept;
    bool has_input() const noexcept;
    Duration wait_max() const noexcept;

    std::uint64_t under_way() const noexcept; // calls whose end was not told yet
    std::optional<Dialect> dialect() const noexcept;
    ClientCounters counters() const;

private:
    struct Rest;
    explicit AsyncClient(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::request
