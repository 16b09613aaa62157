// SPDX-License-Identifier: Apache-2.0
#include "scripted_broker.hpp"

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

using namespace flotilla;
using namespace flotilla::request;
using test::RunningWorker;
using test::Said;
using test::ScriptedBroker;

namespace {

struct Spoken {
    std::string mmi; // what mmi.flotilla is answered; empty: nothing
    Dialect dialect;
};

} // namespace

TEST_CASE("worker: it finds out what its broker speaks, registers and answers",
          "[integration][request]") {
    const Spoken spoken = GENERATE(Spoken{"200", Dialect::flotilla}, Spoken{"501", Dialect::mdp_02},
                                   Spoken{"404", Dialect::mdp_02}, Spoken{"", Dialect::mdp_01});
    INFO(name(spoken.dialect));
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    RunningWorker worker(context, test::worker_options(broker.endpoint()), test::echo);
    const Said ready = broker.expect(Verb::ready, spoken.mmi);
    CHECK(ready.message.dialect == spoken.dialect);
    CHECK(ready.message.service == ByteView{"echo"});
    CHECK(ready.message.capacity == 1);
    for (const std::string text : {"one", "", "three"}) {
        broker.give(ready, "token-" + text, text);
        const Said answer = broker.expect(Verb::final);
        CHECK(answer.peer == ready.peer);
        CHECK(answer.message.address == ByteView{"token-" + text});
        REQUIRE(answer.message.body.size() == 1);
        CHECK(answer.message.body[0] == ByteView{text});
    }
    CHECK(worker->is_registered());
    worker.stop_soon();
    if (spoken.dialect == Dialect::flotilla)
        broker.expect(Verb::draining);
    broker.expect(Verb::disconnect);
    REQUIRE(worker.join());
    CHECK_FALSE(worker->is_registered());
    CHECK(worker->counters().requests_total == 3);
    CHECK(worker->counters().answered_total == 3);
}

TEST_CASE("worker: a dialect that is asked for is spoken without asking, over inproc too",
          "[integration][request]") {
    const Dialect dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context, test::fresh_inproc());
    auto options = test::worker_options(broker.endpoint());
    options.dialect = dialect;
    RunningWorker worker(context, options, test::echo);
    const auto first = broker.hear();
    REQUIRE(first);
    CHECK(first->message.verb == Verb::ready);
    CHECK(first->message.dialect == dialect);
    broker.give(*first, "a", "b");
    CHECK(broker.expect(Verb::final).message.body[0] == ByteView{"b"});
}

TEST_CASE("worker: a handler says what it wants the client to know", "[integration][request]") {
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    RunningWorker worker(context, test::worker_options(broker.endpoint()), [](Job& job) -> Outcome {
        if (job.body[0] == ByteView{"retry"})
            return Retry{"later"};
        if (job.body[0] == ByteView{"fail"})
            return Failure{"never"};
        if (job.body[0] == ByteView{"throw"})
            throw std::runtime_error("oops");
        if (job.body[0] == ByteView{"long"}) {
            Answer answer;
            for (std::size_t i = 0; i <= limits::body_frames_max; ++i)
                answer.body.add(ByteView{});
            return answer;
        }
        if (job.body[0] == ByteView{"none"})
            return Answer{};
        return Answer{wire::Frames{job.id, job.service, std::to_string(job.attempt),
                                   std::to_string(job.expires->count())}};
    });
    const Said ready = broker.expect(Verb::ready, "200");
    Message given = broker.message(ready, Verb::request, "t", "tell");
    given.attempt = 3;
    given.expires = 2s;
    broker.send(ready.peer, std::move(given));
    CHECK(broker.expect(Verb::final).message.body ==
          wire::Frames{"id-t", "echo", "3", "2000000000"});
    broker.give(ready, "t", "none");
    CHECK(broker.expect(Verb::final).message.body == wire::Frames{""});
    broker.give(ready, "t", "retry");
    const Said retry = broker.expect(Verb::error);
    CHECK(retry.message.code == ErrorCode::retry);
    CHECK(retry.message.text == "later");
    for (const auto& [what, text] : {std::pair{"fail", "never"},
                                     {"throw", "the handler threw: oops"},
                                     {"long", "the answer has more than 1000 frames"}}) {
        broker.give(ready, "t", what);
        const Said failed = broker.expect(Verb::error);
        CHECK(failed.message.code == ErrorCode::worker_failed);
        CHECK(failed.message.text == text);
    }
    REQUIRE(worker.stop());
    CHECK(worker->counters().repeats_total == 1);
    CHECK(worker->counters().retry_total == 1);
    CHECK(worker->counters().failed_total == 3);
}

TEST_CASE("worker: pieces of an answer come before it, and in 0.1 in front of it",
          "[integration][request]") {
    const std::uint32_t threads = GENERATE(1U, 3U);
    const Dialect dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    auto options = test::worker_options(broker.endpoint());
    options.dialect = dialect;
    options.threads = threads;
    RunningWorker worker(context, options, [](Job& job) -> Outcome {
        for (int i = 0; i < 100; ++i) {
            wire::Frames piece{std::to_string(i)};
            if (!job.partial(piece))
                return Failure{};
        }
        return Answer{wire::Frames{"end"}};
    });
    const Said ready = broker.expect(Verb::ready);
    broker.give(ready, "t", "go");
    if (dialect == Dialect::mdp_01) {
        const Said all = broker.expect(Verb::final);
        REQUIRE(all.message.body.size() == 101);
        CHECK(all.message.body[7] == ByteView{"7"});
        CHECK(all.message.body[100] == ByteView{"end"});
        return;
    }
    for (std::uint32_t i = 0; i < 100; ++i) {
        const Said piece = broker.expect(Verb::partial);
        CHECK(piece.message.address == ByteView{"t"});
        CHECK(piece.message.body[0] == ByteView{std::to_string(i)});
        if (dialect == Dialect::flotilla)
            CHECK(piece.message.part == i);
    }
    CHECK(broker.expect(Verb::final).message.body[0] == ByteView{"end"});
}

TEST_CASE("worker: with one thread a piece from another thread is refused, and kept",
          "[integration][request]") {
    const Dialect dialect = GENERATE(Dialect::mdp_01, Dialect::mdp_02, Dialect::flotilla);
    INFO(name(dialect));
    net::Context context = *net::Context::open();
    ScriptedBroker broker(context);
    auto options = test::worker_options(broker.endpoint());
    options.dialect = dialect;
    RunningWorker worker(context, options, [](Job& job) -> Outcome {
        wire::Frames piece{"piece"};
        Status said;
        std::thread other([&] { said = job.partial(piece); });
        other.join();
        if (said || said.error().code != Errc::refused || piece.size() != 1)
            return Answer{wire::Frames{"not refused"}};
        return Answer{wire::Frames{ByteView{said.error().detail}}};
    });
    const Said ready = broker.expect(Verb::ready);
    broker.give(ready, "t", "go");
    const Said all = broker.expect(Verb::final);
    REQUIRE(all.message.body.size() == 1);
    CHECK(all.message.body[0].view().find("only from the thread") != std::string_view::npos);
}
