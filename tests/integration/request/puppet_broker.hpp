// SPDX-License-Identifier: Apache-2.0
// A broker that does what a test says and nothing else: a ROUTER whose messages the test reads and
// answers one by one.
#pragma once

#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/client_model.hpp>
#include <flotilla/request/codec.hpp>

#include <support/scratch.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace flotilla::test {

class PuppetBroker {
public:
    struct Got {
        std::string peer;
        request::Message message;
    };

    explicit PuppetBroker(net::Context& context) : PuppetBroker(context, any_tcp()) {}
    PuppetBroker(net::Context& context, const net::Endpoint& at)
        : router_(*net::Socket::open(context, net::SocketType::router)), at_(*router_.bind(at)) {}

    const net::Endpoint& at() const noexcept { return at_; }

    // Frames that are no message are dropped.
    std::optional<Got> next(Duration wait = Duration::zero()) {
        auto frames = router_.receive(wait);
        if (!frames)
            return std::nullopt;
        wire::Frames rest;
        for (std::size_t i = 1; i < frames->size(); ++i)
            rest.add(std::move((*frames)[i]));
        auto message = request::read_at_broker(rest);
        if (!message)
            return std::nullopt;
        return Got{std::string((*frames)[0].view()), std::move(*message)};
    }

    // A message of any kind about what was got.
    static request::Message about(const Got& got, request::Verb verb, ByteView body = {}) {
        request::Message message;
        message.dialect = got.message.dialect;
        message.verb = verb;
        message.id = got.message.id;
        message.service = got.message.service.share();
        if (verb == request::Verb::final || verb == request::Verb::partial)
            message.body.add(body);
        return message;
    }

    void send(const std::string& peer, request::Message message) {
        wire::Frames frames{peer};
        request::write(std::move(message), frames);
        send(frames);
    }
    void send(wire::Frames& frames) { (void)router_.send(frames, std::chrono::seconds{1}); }
    void answer(const Got& got, ByteView body) {
        send(got.peer, about(got, request::Verb::final, body));
    }

    // Answers what asks for the dialect, and pings. False: it is something else.
    bool answer_question(const Got& got, ByteView status) {
        if (got.message.verb == request::Verb::ping)
            return send(got.peer, about(got, request::Verb::pong)), true;
        if (got.message.service != ByteView{"mmi.flotilla"})
            return false;
        answer(got, status);
        return true;
    }

private:
    net::Socket router_;
    net::Endpoint at_;
};

// One on a thread of its own, which is told what to do with each message that is neither a ping nor
// the question for the dialect, which is answered with `status`.
class BrokerThread {
public:
    using Script = std::function<void(PuppetBroker&, PuppetBroker::Got&)>;

    BrokerThread(net::Context& context, std::string status, Script script)
        : broker_(context), thread_([this, status = std::move(status), play = std::move(script)] {
              while (!done_)
                  if (auto got = broker_.next(std::chrono::milliseconds{5});
                      got && !broker_.answer_question(*got, status))
                      play(broker_, *got);
          }) {}
    BrokerThread(const BrokerThread&) = delete;
    BrokerThread& operator=(const BrokerThread&) = delete;
    ~BrokerThread() {
        done_ = true;
        thread_.join();
    }
    const net::Endpoint& at() const noexcept { return broker_.at(); }

private:
    std::atomic<bool> done_{false};
    PuppetBroker broker_;
    std::thread thread_;
};

// A client's options for a quick test.
inline request::ClientOptions client_of(std::vector<net::Endpoint> brokers) {
    request::ClientOptions options;
    options.brokers = std::move(brokers);
    options.reconnect_min = std::chrono::milliseconds{1};
    options.reconnect_max = std::chrono::milliseconds{20};
    return options;
}

} // namespace flotilla::test
