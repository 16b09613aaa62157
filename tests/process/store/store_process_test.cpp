// SPDX-License-Identifier: Apache-2.0
// flotilla-store as its operator meets it: start, signals, what it refuses, what it logs.
#include <process/store/store_program.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

} // namespace

TEST_CASE("store: ready is said after recovery and bind, and a stop is clean", "[process][store]") {
    const ScratchFolder scratch;
    net::Context context = *net::Context::open();
    {
        Store store = start_store_in(scratch.file("data"));
        REQUIRE(store.endpoints.size() == 1);
        RawPeer peer(context, store.endpoints[0]);
        CHECK(peer.ask("create", "queue=q").verb == "ok");
        CHECK(peer.ask("put", "queue=q", "one").verb == "ok");
        store.process.signal(SIGTERM);
        CHECK(store.process.wait_exit() == Exit::with(0));
        CHECK(has(store.process.text(Stream::error), "store_ready"));
        CHECK(has(store.process.text(Stream::error), "store_stopped"));
    }
    Store store = start_store_in(scratch.file("data"));
    RawPeer peer(context, store.endpoints[0]);
    const auto taken = peer.ask("take", "queue=q");
    REQUIRE(taken.verb == "deliver");
    CHECK(taken.body == "one");
    CHECK(taken.value("redelivered") == "no"); // a clean stop knows what was delivered
}

TEST_CASE("store: a stop waits for what consumers hold, until the deadline or a second signal",
          "[process][store]") {
    const ScratchFolder scratch;
    net::Context context = *net::Context::open();
    for (const bool hurry : {false, true}) {
        Store store =
            start_store_in(scratch.file(hurry ? "a" : "b"), {"--drain", hurry ? "1m" : "100ms"});
        RawPeer peer(context, store.endpoints[0]);
        REQUIRE(peer.ask("create", "queue=q").verb == "ok");
        REQUIRE(peer.ask("put", "queue=q", "held").verb == "ok");
        REQUIRE(peer.ask("take", "queue=q").verb == "deliver");
        store.process.signal(SIGTERM);
        REQUIRE(store.process.wait_line(Stream::error, "draining"));
        if (hurry)
            store.process.signal(SIGTERM);
        CHECK(store.process.wait_line(Stream::error, "warning store_stopped drained=no"));
        CHECK(store.process.wait_exit() == Exit::with(5));
    }
}

TEST_CASE("store: while it drains, puts are refused and what is held may be acknowledged",
          "[process][store]") {
    const ScratchFolder scratch;
    net::Context context = *net::Context::open();
    Store store = start_store_in(scratch.file("data"), {"--drain", "1m"});
    RawPeer peer(context, store.endpoints[0]);
    REQUIRE(peer.ask("create", "queue=q").verb == "ok");
    REQUIRE(peer.ask("put", "queue=q", "held").verb == "ok");
    const auto taken = peer.ask("take", "queue=q");
    REQUIRE(taken.verb == "deliver");
    store.process.signal(SIGTERM);
    REQUIRE(store.process.wait_line(Stream::error, "draining"));
    const auto refused = peer.ask("put", "queue=q", "too late");
    CHECK(refused.verb == "error");
    CHECK(refused.value("code") == "draining");
    CHECK(peer.ask("take", "queue=q").value("code") == "draining");
    CHECK(peer.ask("ack", "lease=" + taken.value("lease")).verb == "ok");
    CHECK(store.process.wait_exit() == Exit::with(0));
}

TEST_CASE("store: SIGUSR1 logs the counters of the store and of each queue", "[process][store]") {
    const ScratchFolder scratch;
    net::Context context = *net::Context::open();
    Store store = start_store_in(scratch.file("data"));
    RawPeer peer(context, store.endpoints[0]);
    REQUIRE(peer.ask("create", "queue=q").verb == "ok");
    REQUIRE(peer.ask("put", "queue=q", "one").verb == "ok");
    store.process.signal(SIGUSR1);
    const auto all = store.process.wait_line(Stream::error, "store_counters");
    REQUIRE(all);
    CHECK(has(*all, "queues_now=1"));
    const auto one = store.process.wait_line(Stream::error, "queue_counters");
    REQUIRE(one);
    CHECK(has(*one, "name=q"));
    CHECK(has(*one, "accepted=1"));
}

TEST_CASE("store: a second one on the same directory is refused, and says why",
          "[process][store]") {
    const ScratchFolder scratch;
    Store first = start_store_in(scratch.file("data"));
    const Completed second =
        run_store({"--bind", "tcp://127.0.0.1:*", "--data", scratch.file("data")});
    CHECK(second.exit == Exit::with(1));
    CHECK(has(second.error, "flotilla-store: "));
    CHECK(has(second.error, "data"));
    first.process.signal(SIGTERM);
    CHECK(first.process.wait_exit() == Exit::with(0));
}

TEST_CASE("store: queues and doors of a settings file are there when it is ready",
          "[process][store]") {
    const ScratchFolder scratch;
    net::Context context = *net::Context::open();
    write(scratch.file("store.toml"),
          "bind = \"tcp://127.0.0.1:*\"\n"
          "data = \"data\"\n"
          "write_ahead_bytes = \"1MiB\"\n"
          "[[queue]]\nname = \"orders\"\nattempts_max = 5\nlease = \"1m\"\n"
          "[[auto_create]]\npattern = \"logs.*\"\nttl = \"1h\"\n"
          "[[door]]\nkind = \"pull\"\nqueue = \"logs.app\"\nendpoints = "
          "[\"tcp://127.0.0.1:*\"]\n");
    Store store = start_store({"--config", scratch.file("store.toml")});
    RawPeer peer(context, store.endpoints[0]);
    const auto stat = peer.ask("stat", "queue=orders");
    REQUIRE(stat.verb == "ok");
    CHECK(has(stat.options + stat.body, "attempts_max=5"));
    CHECK(has(stat.options + stat.body, "lease_ms=60000"));

    net::Socket push = *net::Socket::open(context, net::SocketType::push);
    REQUIRE(push.connect(
        *net::Endpoint::parse(store.said.at("doors")[0].at("endpoints").get<std::string>())));
    REQUIRE(push.send(ByteView{"a line"}, patience));
    const auto taken = peer.ask("take", "queue=logs.app\nwait_ms=30000");
    REQUIRE(taken.verb == "deliver");
    CHECK(taken.body == "a line");
    CHECK(peer.ask("put", "queue=other", "x").value("code") == "no_queue");
}

TEST_CASE("store: what is wrong in a settings file is said at its place", "[process][store]") {
    const ScratchFolder scratch;
    write(scratch.file("wrong.toml"), "bind = \"tcp://127.0.0.1:*\"\n"
                                      "data = \"data\"\n"
                                      "[[queue]]\nname = \"a b\"\nattempts_max = 0\n"
                                      "[[door]]\nkind = \"pull\"\nqueue = \"q\"\n");
    const Completed run = run_store({"--config", scratch.file("wrong.toml"), "--check-config"});
    CHECK(run.exit == Exit::with(2));
    CHECK(has(run.error, "wrong.toml:4"));
    CHECK(has(run.error, "wrong.toml:5"));
    CHECK(has(run.error, "endpoints"));
    write(scratch.file("own.toml"), "bind = \"tcp://127.0.0.1:*\"\ndata = \"data\"\n"
                                    "[[queue]]\nname = \"a\"\ndead_letter_queue = \"a\"\n");
    const Completed own = run_store({"--config", scratch.file("own.toml"), "--check-config"});
    CHECK(own.exit == Exit::with(2));
    CHECK(has(own.error, "queue 'a': dead_letter_queue must be another queue"));
}

TEST_CASE("store: the example settings are right, and are printed as they are read",
          "[process][store]") {
    const ScratchFolder scratch;
    CHECK(run_store({"--config", FLOTILLA_STORE_EXAMPLE_CONFIG, "--check-config"}).exit ==
          Exit::with(0));
    const Completed printed =
        run_store({"--config", FLOTILLA_STORE_EXAMPLE_CONFIG, "--print-config"});
    CHECK(printed.exit == Exit::with(0));
    write(scratch.file("again.toml"), printed.output);
    const Completed again = run_store({"--config", scratch.file("again.toml"), "--print-config"});
    CHECK(again.output == printed.output);
}

TEST_CASE("store: what is ordered through its own endpoint is in the log, with who did it",
          "[process][store]") {
    const ScratchFolder scratch;
    net::Context context = *net::Context::open();
    Store store = start_store_in(scratch.file("data"));
    RawPeer peer(context, store.endpoints[0]);
    REQUIRE(peer.ask("create", "queue=orders").verb == "ok");
    REQUIRE(peer.ask("purge", "queue=orders").verb == "ok");
    REQUIRE(peer.ask("delete", "queue=orders").verb == "ok");
    for (const char* verb : {"create", "purge", "delete"})
        CHECK(store.process.wait_line(Stream::error, std::string("verb=") + verb +
                                                         " object=orders address=127.0.0.1:"));
}

TEST_CASE("store: when its files are deleted it says so, and takes no more puts",
          "[process][store]") {
    const ScratchFolder scratch;
    net::Context context = *net::Context::open();
    Store store = start_store_in(scratch.file("data"));
    RawPeer peer(context, store.endpoints[0]);
    REQUIRE(peer.ask("create", "queue=orders").verb == "ok");
    REQUIRE(peer.ask("put", "queue=orders", "kept").verb == "ok");
    std::filesystem::remove_all(scratch.file("data"));
    CHECK(peer.ask("put", "queue=orders", "lost").verb == "error");
    CHECK(store.process.wait_line(Stream::error, "data_deleted"));
    CHECK(peer.ask("take", "queue=orders").body == "kept");
}

TEST_CASE("store: a door to a queue that is not there is told at the start", "[process][store]") {
    const ScratchFolder scratch;
    const std::string settings = scratch.file("store.toml");
    std::ofstream(settings) << "[[door]]\nkind = \"pull\"\nqueue = \"lgos\"\n"
                               "endpoints = [\"@tcp://127.0.0.1:*\"]\n";
    Store store = start_store_in(scratch.file("data"), {"--config", settings});
    CHECK(store.process.wait_line(Stream::error, "door_without_queue"));
}

TEST_CASE("store: a queue that is not named, or whose name cannot be one, costs a refusal",
          "[process][store]") {
    const ScratchFolder scratch;
    net::Context context = *net::Context::open();
    Store store = start_store_in(scratch.file("data"), {"--auto-create", "*"});
    for (const std::string verb : {"hello", "take", "put", "create", "alter", "delete", "purge",
                                   "peek", "kick", "redrive", "stat"})
        for (const std::string& name :
             {std::string(), std::string("queue="), "queue=" + std::string(200, '*'),
              "queue=" + std::string(255, 'x'), std::string("queue=a b"),
              std::string("queue=\1")}) {
            INFO(verb << " " << name);
            const bool is_of_the_store = verb == "stat" && name.size() <= 6;
            RawPeer peer(context, store.endpoints[0]);
            CHECK(peer.ask(verb, name, verb == "put" ? "body" : "").verb ==
                  (is_of_the_store ? "ok" : "error"));
        }
    RawPeer peer(context, store.endpoints[0]);
    const auto unnamed = peer.ask("take", "wait_ms=100");
    CHECK(unnamed.value("code") == "bad_option");
    CHECK(has(unnamed.value("text"), "queue=NAME"));
    CHECK(peer.ask("put", "queue=orders", "one").verb == "ok");
}
