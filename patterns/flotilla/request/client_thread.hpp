// SPDX-License-Identifier: Apache-2.0
//
// ClientThread: an AsyncClient on a thread of its own, for programs without a loop. Any thread may
// call; what crosses to the client's thread is values under a mutex, and a byte that wakes it.
//
//     auto client = ClientThread::open(context, {.brokers = {...}});
//     std::future<Result<Reply>> later = client->call("echo", wire::Frames{"hello"});
//     Result<Reply> reply = later.get();
//
// The promise is that of AsyncClient. A call costs two hops between threads, about as much as a
// round trip on one machine: where one thread does nothing but wait for answers, a Client is
// faster.
//
// Every member may be used by every thread, except moving and destruction.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/request/client_model.hpp>
#include <flotilla/wire/frames.hpp>

#include <functional>
#include <future>
#include <memory>
#include <string_view>

namespace flotilla::request {

class ClientThread {
public:
    using OnReply = std::function<void(Result<Reply>)>;
    using OnPartial = std::function<void(PartialReply&&)>;

    // Does not wait for a broker. `context` must outlive it, and stay where it is. Errors:
    // bad_option; insecure; bad_endpoint; out_of_files; too_many; stopped.
    static Result<ClientThread> open(net::Context& context, ClientOptions options);
    ClientThread(ClientThread&&) noexcept;
    ClientThread& operator=(ClientThread&&) noexcept;
    // Waits for the thread, and so for a callback that runs. What is under way ends with `stopped`.
    ~ClientThread();

    // Never waits, and always takes the body: what AsyncClient::call refuses is the answer,
    // would_block (calls_max or calls_bytes_max) included.
    std::future<Result<Reply>> call(std::string_view service, wire::Frames body,
                                    const CallOptions& options = {});
    // The same, told to `on_reply`, which must be one, on the client's thread, which has to be let
    // go soon; it may call(). A refusal may be told on the calling thread, before this returns.
    void call(std::string_view service, wire::Frames body, const CallOptions& options,
              OnReply on_reply, OnPartial on_partial = {});

    // As of the end of the thread's last turn.
    ClientCounters counters() const;

private:
    struct Rest;
    explicit ClientThread(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::request
