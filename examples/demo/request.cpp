// SPDX-License-Identifier: Apache-2.0
#include "lines.hpp"
#include "role.hpp"

#include <flotilla/net/context.hpp>
#include <flotilla/request/async_client.hpp>
#include <flotilla/request/worker.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>

namespace demo {

using namespace flotilla;

namespace {

// Of a large file many lines go in one request, a frame each, so that the demo is not a test of
// patience: a request is a round trip through three processes.
constexpr std::uint64_t requests_wanted = 20'000;
constexpr std::uint64_t lines_each_max = 500;

std::uint64_t lines_each(const Lines& lines) {
    return std::clamp<std::uint64_t>(lines.size() / requests_wanted, 1, lines_each_max);
}

// Asks for lines, and writes down what it was answered.
class Asker {
public:
    Asker(request::AsyncClient client, const Lines& lines, const std::string& journal)
        : client_(std::move(client)), lines_(lines), journal_(journal) {}

    // For the lines from `number` up to `end`, in one request.
    Status ask(std::uint64_t number, std::uint64_t end) {
        wire::Frames body;
        for (std::uint64_t each = number; each < end; ++each) {
            write_message(message_, each, lines_[each]);
            body.add(ByteView{message_});
        }
        auto accepted = try_ask(number, body);
        while (!accepted && accepted.error().code == Errc::would_block) {
            if (auto served = serve(1s); !served)
                return served;
            accepted = try_ask(number, body);
        }
        return accepted ? Status{} : fail(accepted.error());
    }
    Status serve(Duration wait) {
        if (auto served = client_.process(wait); !served)
            return served;
        return failed_ ? Status{fail(*failed_)} : Status{};
    }
    Status serve_until_answered() {
        while (client_.under_way() > 0)
            if (auto served = serve(1s); !served)
                return served;
        journal_.flush();
        return {};
    }
    // Answers to another line than that which was asked for.
    std::uint64_t misplaced() const { return misplaced_; }

private:
    Result<request::CallId> try_ask(std::uint64_t number, wire::Frames& body) {
        return client_.call("lines", body, {},
                            [this, number](request::CallId, Result<request::Reply> reply) {
                                take(number, std::move(reply));
                            });
    }
    void take(std::uint64_t number, Result<request::Reply> reply) {
        if (!reply) {
            failed_ = reply.error();
            return;
        }
        for (std::size_t i = 0; i < reply->body.size(); ++i) {
            write_message(begin_, number + i, {});
            const ByteView answer = reply->body[i];
            misplaced_ += answer.substr(0, begin_.size()) == begin_ ? 0 : 1;
            journal_.add(answer);
        }
    }

    request::AsyncClient client_;
    const Lines& lines_;
    Journal journal_;
    std::string message_;
    std::string begin_;
    std::uint64_t misplaced_ = 0;
    std::optional<Error> failed_;
};

Result<net::Endpoint> broker_of(const Arguments& arguments) {
    return net::Endpoint::parse(arguments["at"]);
}

} // namespace

// Half of its lines, a pause in which one worker is told to stop, and the other half.
Status run_ask(const Arguments& arguments) {
    const auto lines = Lines::read(arguments["file"], arguments.number("rounds"));
    auto context = net::Context::open();
    const auto broker = broker_of(arguments);
    if (!lines || !context || !broker)
        return fail(!lines ? lines.error() : !context ? context.error() : broker.error());
    request::ClientOptions options;
    options.brokers = {*broker};
    options.deadline = 300s;
    options.calls_max = 4'096;
    auto client = request::AsyncClient::open(*context, std::move(options));
    if (!client)
        return fail(client.error());
    Asker asker(std::move(*client), *lines, arguments["journal"]);
    say("ready");
    while (listen(60s) == Heard::nothing) {
    }
    const std::string began = now_text();
    const std::uint64_t each = lines_each(*lines);
    const std::uint64_t step = each * arguments.number("askers");
    bool half_told = false;
    for (std::uint64_t number = each * arguments.number("first"); number < lines->size();
         number += step) {
        if (!half_told && number >= lines->size() / 2) {
            half_told = true;
            say("half");
            while (listen(Duration::zero()) == Heard::nothing)
                if (auto served = asker.serve(10ms); !served)
                    return served;
        }
        if (auto asked = asker.ask(number, std::min(number + each, lines->size())); !asked)
            return asked;
    }
    if (auto answered = asker.serve_until_answered(); !answered)
        return answered;
    say("sent " + began);
    say("done last=" + now_text() + " misplaced=" + std::to_string(asker.misplaced()));
    return {};
}

Status run_serve(const Arguments& arguments) {
    auto context = net::Context::open();
    const auto broker = broker_of(arguments);
    if (!context || !broker)
        return fail(!context ? context.error() : broker.error());
    request::WorkerOptions options;
    options.brokers = {*broker};
    options.service = "lines";
    options.capacity = 64;
    auto worker = request::Worker::open(*context, std::move(options));
    if (!worker)
        return fail(worker.error());
    say("ready");

    std::atomic<bool> stopping{false};
    std::thread listener([&] {
        for (Heard heard = Heard::nothing; heard != Heard::end; heard = listen(60s))
            if (heard == Heard::line) {
                stopping = true;
                say("stopping");
            }
        worker->stop_soon();
    });
    const Status served = worker->run([&stopping](request::Job& job) -> request::Outcome {
        if (stopping) { // with this request in hand, and whatever else it was given
            say("holding");
            while (true)
                (void)::pause();
        }
        return request::Answer{std::move(job.body)};
    });
    listener.join();
    return served;
}

} // namespace demo
