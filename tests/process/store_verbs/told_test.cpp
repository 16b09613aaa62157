// SPDX-License-Identifier: Apache-2.0
// zmq queue: what it says of input that it did not put, of repeats, of leases and of the dead.
#include <process/store_verbs/store_shop.hpp>

#include <csignal>

using namespace flotilla;
using namespace flotilla::test;

namespace {

struct ToldShop : StoreShop {
    void create(std::vector<std::string> properties = {}) const {
        properties.insert(properties.begin(), {"create", "q"});
        REQUIRE(queue(std::move(properties)).exit == Exit::with(0));
    }
};

} // namespace

TEST_CASE("queue put: --id is for one message, and a repeat or a missing window is told",
          "[process][store]") {
    const ToldShop shop;
    shop.create();
    const Completed many = shop.queue({"put", "q", "--id", "x", "a", "b", "c"});
    CHECK(many.exit == Exit::with(2));
    CHECK(has(many.error, "--id names one message, and 3 are to be put"));
    CHECK(shop.queue({"put", "q", "--id", "x", "-n", "2", "a"}).exit == Exit::with(2));
    const Completed vain = shop.queue({"put", "q", "--id", "x", "a"});
    CHECK(vain.exit == Exit::with(0));
    CHECK(has(vain.error, "--id has no effect: 'q' has no duplicate window"));
    REQUIRE(shop.queue({"alter", "q", "duplicate_window=1h", "duplicate_messages_max=100"}).exit ==
            Exit::with(0));
    const Completed first = shop.queue({"put", "q", "--id", "x", "a"});
    CHECK(first.exit == Exit::with(0));
    CHECK(first.error.empty());
    for (const char* wait : {"--literal", "--wait-acked"}) {
        const Completed again = shop.queue({"put", "q", "--id", "x", "a", wait});
        INFO(again.error);
        CHECK(again.exit == Exit::with(0));
        CHECK(has(again.error, "not stored again: the queue had --id x already, as message "));
    }
    const Completed lines = shop.queue({"put", "q", "--id", "y"}, "one\ntwo\n");
    CHECK(lines.exit == Exit::with(2));
    CHECK(has(lines.error, "of the 1 before it 1 are stored"));
}

TEST_CASE("queue: a command behind -- that is empty is a mistake, and takes nothing",
          "[process][store]") {
    const ToldShop shop;
    shop.create();
    REQUIRE(shop.queue({"put", "q", "one"}).exit == Exit::with(0));
    for (const std::vector<std::string>& end : {std::vector<std::string>{"--"}, {"--", ""}}) {
        auto words = shop.words({"take", "q"});
        words.insert(words.end(), end.begin(), end.end());
        const Completed take = run_zmq(words);
        CHECK(take.exit == Exit::with(2));
        CHECK(has(take.error, "the command after -- is empty"));
        std::vector<std::string> serve{"serve", "s", "-b", shop.store.endpoints[0]};
        serve.insert(serve.end(), end.begin(), end.end());
        const Completed served = run_zmq(serve);
        CHECK(served.exit == Exit::with(2));
        CHECK(has(served.error, "the command after -- is empty"));
    }
    CHECK(run_zmq({"queue", "take", "--store", shop.store.endpoints[0], "--", "cat"}).exit ==
          Exit::with(2));
    CHECK(shop.queue({"take", "q"}).output == "one\n");
}

TEST_CASE("queue put: before a bad record all are stored, and it is told where it is",
          "[process][store]") {
    const ToldShop shop;
    shop.create();
    const Completed bad = shop.queue({"put", "q", "--json"}, "{\"frames\":[\"a\"]}\n"
                                                             "{\"frames\":[\"b\"]}\n"
                                                             "nonsense\n"
                                                             "{\"frames\":[\"d\"]}\n");
    INFO(bad.error);
    CHECK_FALSE(bad.exit == Exit::with(0));
    CHECK(has(bad.error, "stdin, record 3: not JSON"));
    CHECK(has(bad.error, "of the 2 before it 2 are stored"));
    CHECK(shop.queue({"take", "q", "--all"}).output == "a\nb\n");
}

TEST_CASE("queue put: --json keeps what take and peek print beside a message", "[process][store]") {
    const ToldShop shop;
    shop.create({"priority_levels=4"});
    REQUIRE(shop.queue({"put", "q", "--key", "k1", "--ttl", "1h", "a"}).exit == Exit::with(0));
    const Completed peeked = shop.queue({"peek", "q", "--format", "json"});
    const Completed taken = shop.queue({"take", "q", "--format", "json"});
    for (const std::string& line : {peeked.output, taken.output}) {
        REQUIRE(shop.queue({"put", "q", "--json"}, line).exit == Exit::with(0));
        const auto said =
            nlohmann::json::parse(shop.queue({"peek", "q", "--format", "json"}).output);
        INFO(said.dump());
        CHECK(said.at("meta").at("key") == "k1");
        CHECK(said.at("meta").contains("expiry_ms") == (line == peeked.output));
        REQUIRE(shop.queue({"take", "q"}).output == "a\n");
    }
    REQUIRE(shop.queue({"put", "q", "--json"}, R"({"frames":["last"],"meta":{"priority":3}}
                                                  {"frames":["first"],"meta":{"priority":"1"}})")
                .exit == Exit::with(0));
    CHECK(shop.queue({"take", "q", "--all"}).output == "first\nlast\n");
    const Completed bad =
        shop.queue({"put", "q", "--json"}, R"({"frames":["a"],"meta":{"priority":"high"}})");
    CHECK_FALSE(bad.exit == Exit::with(0));
    CHECK(has(bad.error, R"("priority" in "meta" is 'high')"));
}

TEST_CASE("queue take: --keep prints in JSON, and with -q, the lease that ack takes",
          "[process][store]") {
    const ToldShop shop;
    shop.create();
    REQUIRE(shop.queue({"put", "q", "one", "two"}).exit == Exit::with(0));
    const Completed json = shop.queue({"take", "q", "--keep", "-q", "--format", "json"});
    const auto said = nlohmann::json::parse(json.output);
    CHECK(shop.queue({"ack", said.at("meta").at("lease")}).exit == Exit::with(0));
    CHECK(json.error.empty());
    const Completed text = shop.queue({"take", "q", "--keep", "-q"});
    const std::size_t at = text.error.find("lease ");
    REQUIRE(at != std::string::npos);
    const std::string lease = text.error.substr(at + 6, text.error.find(',', at) - at - 6);
    CHECK(shop.queue({"ack", lease}).exit == Exit::with(0));
}

TEST_CASE("queue put: --wait-acked says that a message is stored when nobody acknowledges it",
          "[process][store]") {
    const ToldShop shop;
    shop.create();
    const Completed put = shop.queue({"put", "q", "--wait-acked", "-t", "300ms", "one"});
    CHECK(put.exit == Exit::with(5));
    CHECK_FALSE(has(put.error, "nothing was put"));
    CHECK(has(put.error, "message 1: it is stored, and was not acknowledged within 300ms"));
    CHECK(shop.queue({"take", "q"}).output == "one\n");
    const Completed two = shop.queue({"put", "q", "--wait-acked", "-t", "300ms", "one", "two"});
    CHECK(has(two.error, "nothing was put of what follows message 1"));
    CHECK(shop.queue({"take", "q", "--all"}).output == "one\n");
}

TEST_CASE("queue take: what a failed command printed is on standard error, and the dead are told",
          "[process][store]") {
    const ToldShop shop;
    shop.create({"attempts_max=2", "retry_delays=0s"});
    REQUIRE(shop.queue({"put", "q", "one", "two"}).exit == Exit::with(0));
    auto words = shop.words({"take", "q", "--all", "-w", "1s"});
    words.insert(words.end(), {"--", "sh", "-c", "echo on the way; exit 1"});
    const Completed run = run_zmq(words);
    INFO(run.error);
    CHECK(run.exit == Exit::with(4));
    CHECK(run.output.empty());
    CHECK(has(run.error, "on the way\n"));
    CHECK(has(run.error,
              "2 messages are dead after 2 attempts and gone: 'q' has no dead_letter_queue"));
}

TEST_CASE("queue put: into a full queue it tells how far the input was read", "[process][store]") {
    const ToldShop shop;
    shop.create({"messages_max=3"});
    std::string lines;
    for (int i = 0; i < 300'000; ++i)
        lines += "x\n";
    const Completed put = shop.queue({"put", "q", "-t", "300ms"}, lines);
    INFO(put.error);
    CHECK(put.exit == Exit::with(5));
    CHECK(has(put.error, "the input was read as far as message "));
}

TEST_CASE("queue create: a queue that is there is told apart, and how to change it",
          "[process][store]") {
    const ToldShop shop;
    shop.create({"attempts_max=3", "lease=1m"});
    const Completed other = shop.queue({"create", "q", "attempts_max=3"});
    INFO(other.error);
    CHECK(other.exit == Exit::with(4));
    CHECK(has(other.error, "there is a queue 'q' with other properties; this shows them: "
                           "zmq queue stat q --store "));
    CHECK_FALSE(has(other.error, "alter"));
    CHECK(has(shop.queue({"create", "q"}).error, "with other properties; this shows them: "));
    // What nobody asked for is not changed by a line that is pasted.
    const Completed named = shop.queue({"create", "q", "attempts_max=3", "lease=2m"});
    INFO(named.error);
    CHECK(named.exit == Exit::with(4));
    CHECK(has(named.error, "which has lease_ms=60000; this changes it: zmq queue alter q "
                           "lease_ms=120000 --store "));
    CHECK(has(shop.queue({"create", "q", "attempts_max=7"}).error,
              "this changes it: zmq queue alter q attempts_max=7 --store "));
    const Completed same = shop.queue({"create", "q", "attempts_max=3", "lease=1m"});
    CHECK(has(same.error, "--or-same"));
    CHECK(has(shop.queue({"delete", "q"}).error, "'q' is deleted"));
}

TEST_CASE("queue: of a store that drains put and take say so, and not that it is away",
          "[process][store]") {
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"), {"--drain", "1m"});
    const auto queue = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "queue");
        words.insert(words.begin() + 2, {"--store", store.endpoints[0]});
        return run_zmq(words);
    };
    REQUIRE(queue({"create", "q"}).exit == Exit::with(0));
    REQUIRE(queue({"put", "q", "held"}).exit == Exit::with(0));
    const Completed held = queue({"take", "q", "--keep", "--format", "json"});
    store.process.signal(SIGTERM);
    REQUIRE(store.process.wait_line(Stream::error, "draining"));
    const Completed put = queue({"put", "q", "late", "-t", "2s"});
    INFO(put.error);
    CHECK(put.exit == Exit::with(5));
    CHECK(has(put.error, "1 message is not confirmed: " + store.endpoints[0] +
                             ": the store is draining, and takes nothing new; it ends soon"));
    // Long enough to come in again under a name, while the store still sees its last connection.
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"take", "q", "-t", "2s"}, {"take", "q", "-t", "2s", "--keep"}}) {
        const Completed take = queue(words);
        INFO(take.error);
        CHECK(take.exit == Exit::with(4));
        const std::string said = "the store at " + store.endpoints[0] + " refuses: draining: ";
        CHECK(has(take.error, said));
        CHECK(take.error.find(said) == take.error.rfind(said));
        CHECK_FALSE(has(take.error, "is back"));
    }
    const auto lease = nlohmann::json::parse(held.output).at("meta").at("lease");
    CHECK(queue({"ack", lease}).exit == Exit::with(0));
    CHECK(store.process.wait_exit() == Exit::with(0));
}
