// SPDX-License-Identifier: Apache-2.0
// A worker and the sizes that it was given: the body's, the message's.
#include "scripted_broker.hpp"

#include <atomic>
#include <future>
#include <mutex>
#include <string>

using namespace flotilla;
using namespace flotilla::request;
using test::RunningWorker;
using test::Said;
using test::ScriptedBroker;

namespace {

constexpr std::size_t body_bytes_max = 64 << 10;

request::WorkerOptions small(const ScriptedBroker& broker, Dialect dialect) {
    auto options = test::worker_options(broker.endpoint());
    options.heartbeat = 1s;
    options.dialect = dialect;
    options.message_bytes_max = body_bytes_max;
    return options;
}

} // namespace

TEST_CASE("worker: message_bytes_max is the limit of the body, whatever stands around it",
          "[integration][request]") {
    const Dialect dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    INFO(name(dialect));
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    RunningWorker worker(context, small(broker, dialect), test::echo);
    const Said ready = broker.expect(Verb::ready);
    const std::string most(body_bytes_max, 'x');
    broker.give(ready, std::string(50, 'a'), most);
    const Said answer = broker.expect(Verb::final);
    CHECK(answer.message.body[0] == ByteView{most});
}

TEST_CASE("worker: a request with too large a body fails, and the broker learns it",
          "[integration][request]") {
    const Dialect dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    INFO(name(dialect));
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    RunningWorker worker(context, small(broker, dialect), test::echo);
    Said ready = broker.expect(Verb::ready);
    Message large = broker.message(ready, Verb::request, "t", "x");
    large.body.add(std::string(body_bytes_max, 'x')); // more in one frame costs the connection
    broker.send(ready.peer, std::move(large));
    const std::string first = ready.peer;
    if (dialect == Dialect::flotilla) {
        const Said failed = broker.expect(Verb::error);
        CHECK(failed.message.address == ByteView{"t"});
        CHECK(failed.message.code == ErrorCode::worker_failed);
    } else {
        broker.expect(Verb::disconnect); // there is no other word for it
        ready = broker.expect(Verb::ready);
        CHECK(ready.peer != first);
    }
    broker.give(ready, "u", "fits");
    CHECK(broker.expect(Verb::final).message.body[0] == ByteView{"fits"});
    REQUIRE(worker.stop());
    CHECK(worker->counters().failed_total == 1);
}

TEST_CASE("worker: too large an answer fails its request alone, and too large a piece is not taken",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    auto options = small(broker, Dialect::flotilla);
    options.capacity = 2;
    std::promise<Status> piece_taken;
    RunningWorker worker(context, options, [&](Job& job) -> Outcome {
        if (job.body[0] != ByteView{"large"})
            return Answer{std::move(job.body)};
        wire::Frames piece;
        piece.add(std::string(body_bytes_max + 1, 'x'));
        piece_taken.set_value(job.partial(piece));
        return Answer{std::move(piece)};
    });
    const Said ready = broker.expect(Verb::ready);
    broker.give(ready, "a", "large");
    broker.give(ready, "b", "small");
    const Status taken = piece_taken.get_future().get();
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == Errc::too_large);
    const Said failed = broker.expect(Verb::error);
    CHECK(failed.message.address == ByteView{"a"});
    CHECK(failed.message.code == ErrorCode::worker_failed);
    CHECK(failed.message.text == "the answer has 65537 bytes, and message_bytes_max is 65536");
    CHECK(broker.expect(Verb::final).message.address == ByteView{"b"});
}

TEST_CASE("worker: a message that is dropped unread ends the conversation, and another begins",
          "[integration][request]") {
    const Dialect dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    INFO(name(dialect));
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    RunningWorker worker(context, small(broker, dialect), test::echo);
    const Said ready = broker.expect(Verb::ready);
    Message large = broker.message(ready, Verb::request, "t");
    for (int i = 0; i < 3; ++i) // each frame for itself would cost nothing
        large.body.add(std::string(body_bytes_max, 'x'));
    broker.send(ready.peer, std::move(large));
    broker.expect(Verb::disconnect);
    const Said again = broker.expect(Verb::ready);
    CHECK(again.peer != ready.peer);
    broker.give(again, "u", "fits");
    CHECK(broker.expect(Verb::final).message.body[0] == ByteView{"fits"});
    REQUIRE(worker.stop());
    CHECK(worker->counters().malformed_total == 1);
}

TEST_CASE("worker: a broker that asks and does not read its answers is kept waiting, then left",
          "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    auto options = small(broker, Dialect::mdp_02);
    options.heartbeat = 50ms;
    std::promise<void> left;
    std::once_flag first;
    options.on_registration = [&](const net::Endpoint&, WorkerOptions::Registration what) {
        if (what == WorkerOptions::Registration::ended)
            std::call_once(first, [&] { left.set_value(); });
    };
    std::atomic<int> handled{0};
    RunningWorker worker(context, options, [&](Job&) -> Outcome {
        ++handled;
        return Answer{wire::Frames{std::string(60'000, 'x')}};
    });
    const Said ready = broker.expect(Verb::ready);
    for (int i = 0; i < 5'000; ++i)
        broker.give(ready, "t" + std::to_string(i), "go");
    // Nothing is read before the worker has left, which is when nothing has gone out for 150 ms.
    REQUIRE(left.get_future().wait_for(60s) == std::future_status::ready);
    // libzmq's queues, 1,000 messages a side, and the kernel's buffers; beyond them one or two.
    CHECK(handled < 2'500);
    std::optional<Said> said = broker.hear();
    while (said && (said->message.verb != Verb::ready || said->peer == ready.peer))
        said = broker.hear();
    REQUIRE(said);
    broker.give(*said, "u", "go");
    while (said && said->message.address != ByteView{"u"})
        said = broker.hear();
    REQUIRE(said);
    REQUIRE(worker.stop());
}
