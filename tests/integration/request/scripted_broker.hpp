// SPDX-License-Identifier: Apache-2.0
// A broker that does only what a test tells it, one message at a time, and a worker on a thread of
// its own.
#pragma once

#include <flotilla/net/context.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/codec.hpp>
#include <flotilla/request/message_pack.hpp>
#include <flotilla/request/worker.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace flotilla::test {

// A message and whose it is.
struct Said {
    std::string peer{};
    request::Message message{};
};

class ScriptedBroker {
public:
    explicit ScriptedBroker(net::Context& context, const net::Endpoint& at = any_tcp())
        : router_(*net::Socket::open(context, net::SocketType::router)) {
        auto bound = router_.bind(at);
        // libzmq frees an address in the background.
        for (int i = 0; i < 2'000 && !bound; ++i) {
            (void)router_.wait_readable(5ms);
            bound = router_.bind(at);
        }
        REQUIRE(bound);
        endpoint_.emplace(*bound);
    }
    const net::Endpoint& endpoint() const { return *endpoint_; }

    // The next message of any kind; those of a pack one by one.
    std::optional<Said> hear(Duration wait = 10s) {
        if (!unpacked_.empty()) {
            Said said = std::move(unpacked_.front());
            unpacked_.pop_front();
            return said;
        }
        auto frames = router_.receive(wait);
        if (!frames)
            return std::nullopt;
        Said said{std::string((*frames)[0].view()), {}};
        wire::Frames rest;
        for (std::size_t i = 1; i < frames->size(); ++i)
            rest.add(std::move((*frames)[i]));
        if (request::PackReader::is_pack(rest)) {
            request::PackReader pack(std::move(rest), request::PackReader::At::broker);
            while (auto message = pack.next()) {
                REQUIRE(*message);
                unpacked_.push_back({said.peer, std::move(**message)});
            }
            return hear(wait);
        }
        auto read = request::read_at_broker(rest);
        REQUIRE(read);
        said.message = std::move(*read);
        return said;
    }
    // The next message with this verb; heartbeats, and questions that are answered with
    // `mmi_flotilla` (empty: they are not), are passed over, nothing else.
    Said expect(request::Verb verb, const std::string& mmi_flotilla = "") {
        for (;;) {
            auto said = hear();
            REQUIRE(said);
            request::Message& message = said->message;
            if (message.verb == verb && message.side == request::Side::worker)
                return std::move(*said);
            if (message.verb == request::Verb::request &&
                message.service == ByteView{"mmi.flotilla"}) {
                if (!mmi_flotilla.empty())
                    answer_mmi(*said, mmi_flotilla);
                continue;
            }
            if (message.verb == request::Verb::ping) {
                message.verb = request::Verb::pong;
                send(said->peer, std::move(message));
                continue;
            }
            INFO(request::name(message.verb));
            REQUIRE(message.verb == request::Verb::heartbeat);
        }
    }
    void answer_mmi(const Said& asked, const std::string& code) {
        request::Message reply;
        reply.dialect = asked.message.dialect;
        reply.side = request::Side::client;
        reply.verb = request::Verb::final;
        reply.service = asked.message.service.share();
        reply.body.add(ByteView{code});
        send(asked.peer, std::move(reply));
    }
    void send(const std::string& peer, request::Message message) {
        wire::Frames frames;
        frames.add(ByteView{peer});
        request::write(std::move(message), frames);
        // Who asked may have gone meanwhile: a broker lives with that.
        const Status sent = router_.send(frames, 10s);
        REQUIRE((sent || sent.error().code == Errc::peer_gone));
    }
    // A message of the broker to a worker that spoke as `to` did.
    request::Message message(const Said& to, request::Verb verb, ByteView address = {},
                             ByteView body = {}) {
        request::Message made;
        made.dialect = to.message.dialect;
        made.side = request::Side::worker;
        made.verb = verb;
        made.address = Blob::copy(address);
        made.id = "id-" + std::string(address);
        made.service = Blob::copy("echo");
        if (verb == request::Verb::request)
            made.body.add(body);
        return made;
    }
    void give(const Said& worker, ByteView address, ByteView body) {
        send(worker.peer, message(worker, request::Verb::request, address, body));
    }

private:
    net::Socket router_;
    std::optional<net::Endpoint> endpoint_{};
    std::deque<Said> unpacked_{};
};

class RunningWorker {
public:
    RunningWorker(net::Context& context, request::WorkerOptions options,
                  request::Worker::Handler handler)
        : worker_(*request::Worker::open(context, std::move(options))),
          thread_([this, with = std::move(handler)] { ended_ = worker_.run(with); }) {}
    RunningWorker(const RunningWorker&) = delete;
    RunningWorker& operator=(const RunningWorker&) = delete;
    ~RunningWorker() {
        if (thread_.joinable())
            (void)stop();
    }
    void stop_soon() { worker_.stop_soon(); }
    Status stop() {
        worker_.stop_soon();
        return join();
    }
    Status join() {
        thread_.join();
        return ended_;
    }
    request::Worker& operator*() { return worker_; }
    request::Worker* operator->() { return &worker_; }

private:
    request::Worker worker_;
    Status ended_{};
    std::thread thread_;
};

inline request::WorkerOptions worker_options(const net::Endpoint& at) {
    request::WorkerOptions options;
    options.brokers = {at};
    options.service = std::string{"echo"};
    options.heartbeat = 200ms;
    options.reconnect_min = 5ms;
    options.reconnect_max = 50ms;
    return options;
}

inline request::Outcome echo(request::Job& job) {
    return request::Answer{std::move(job.body)};
}

} // namespace flotilla::test
