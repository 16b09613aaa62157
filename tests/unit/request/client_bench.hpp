// SPDX-License-Identifier: Apache-2.0
// A ClientMachine on the test bench: its clock is turned by hand, and what it says is kept for the
// test to look at.
#pragma once

#include <flotilla/request/client_machine.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace flotilla::test {

class ClientBench {
public:
    using Outputs = request::ClientOutputs;

    explicit ClientBench(request::ClientOptions options, std::size_t brokers = 1)
        : machine(with(std::move(options), brokers), 7) {}

    static request::ClientOptions speaking(request::Dialect dialect) {
        request::ClientOptions options;
        options.dialect = dialect;
        return options;
    }

    request::CallId call(std::string_view service, ByteView body = "body",
                         const request::CallOptions& options = {}) {
        wire::Frames frames{body};
        const auto number = machine.call(service, frames, options, now, out);
        REQUIRE(number);
        take();
        return *number;
    }
    void pass(Duration time) {
        now += time;
        machine.tick(now, out);
        take();
    }
    // To the next thing that is due.
    void pass_to_deadline() {
        REQUIRE(machine.next_deadline() != never);
        pass(time_left(now, machine.next_deadline()));
    }
    void receive(request::LinkId link, request::Message message) {
        machine.receive(link, std::move(message), now, out);
        take();
    }
    // A message about one that was sent.
    static request::Message about(const Outputs::Send& sent, request::Verb verb,
                                  ByteView body = {}) {
        request::Message message;
        message.dialect = sent.message.dialect;
        message.verb = verb;
        message.id = sent.message.id;
        message.service = sent.message.service.share();
        if (verb == request::Verb::final || verb == request::Verb::partial)
            message.body.add(body);
        return message;
    }
    void answer(const Outputs::Send& sent, ByteView body) {
        receive(sent.link, about(sent, request::Verb::final, body));
    }
    void refuse(const Outputs::Send& sent, request::ErrorCode code) {
        request::Message error = about(sent, request::Verb::error);
        error.code = code;
        receive(sent.link, std::move(error));
    }
    void piece(const Outputs::Send& sent, std::uint32_t attempt, std::uint32_t part) {
        request::Message partial = about(sent, request::Verb::partial, "piece");
        partial.attempt = attempt;
        partial.part = part;
        receive(sent.link, std::move(partial));
    }

    // The acts since the last time this was called.
    struct Acts {
        std::vector<Outputs::Open> opened{};
        std::vector<request::LinkId> closed{};
        std::vector<Outputs::Send> sent{};
    };
    Acts acts() { return std::exchange(acts_, {}); }
    // The only one of these is a message.
    Outputs::Send only_sent() {
        Acts done = acts();
        REQUIRE(done.sent.size() == 1);
        return std::move(done.sent[0]);
    }
    std::vector<request::PartialReply> partials() { return std::exchange(partials_, {}); }
    std::vector<std::pair<request::CallId, Result<request::Reply>>> ended() {
        return std::exchange(ended_, {});
    }
    Result<request::Reply> only_ended(request::CallId number) {
        auto all = ended();
        REQUIRE(all.size() == 1);
        REQUIRE(all[0].first == number);
        return std::move(all[0].second);
    }

    void take() {
        for (auto& act : out.acts) {
            if (auto* send = std::get_if<Outputs::Send>(&act))
                acts_.sent.push_back(std::move(*send));
            else if (const auto* open = std::get_if<Outputs::Open>(&act))
                acts_.opened.push_back(*open);
            else
                acts_.closed.push_back(std::get<Outputs::Close>(act).link);
        }
        for (auto& event : out.events) {
            if (auto* partial = std::get_if<request::PartialReply>(&event.what))
                partials_.push_back(std::move(*partial));
            else
                ended_.emplace_back(event.call,
                                    std::move(std::get<Result<request::Reply>>(event.what)));
        }
        out.acts.clear();
        out.events.clear();
    }

    Instant now{std::chrono::hours{1}};
    request::ClientMachine machine;
    Outputs out;

private:
    static request::ClientOptions with(request::ClientOptions options, std::size_t brokers) {
        for (std::size_t i = 0; i < brokers; ++i)
            options.brokers.push_back(
                *net::Endpoint::parse("inproc://broker-" + std::to_string(i)));
        return options;
    }

    Acts acts_;
    std::vector<request::PartialReply> partials_;
    std::vector<std::pair<request::CallId, Result<request::Reply>>> ended_;
};

} // namespace flotilla::test
