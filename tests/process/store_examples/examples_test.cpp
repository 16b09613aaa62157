// SPDX-License-Identifier: Apache-2.0
// The examples of examples/queue, and the drill of each: what happens when something is killed.
#include <process/store/store_program.hpp>

#include <csignal>
#include <fstream>
#include <sstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

const std::string examples = FLOTILLA_QUEUE_EXAMPLES;
constexpr const char* python = "/usr/bin/python3";

struct Shop {
    ScratchFolder scratch{};
    std::string at = scratch.ipc("store").text();
    Store store = start();

    Store start() const {
        return start_store({"--config", examples + "/queues.toml", "--bind", at, "--data",
                            scratch.file("data"), "--write-ahead-bytes", "1MiB"});
    }
    void kill_store() { kill(store); }
    void restart() {
        kill_store();
        store = start();
    }
    std::string door() const {
        return store.said.at("doors")[0].at("endpoints").get<std::string>();
    }
    // Takes and acknowledges until nothing is there: "a;b;".
    std::string drain(const std::string& queue) {
        net::Context context = *net::Context::open();
        RawPeer peer(context, at);
        std::string all;
        for (;;) {
            const auto taken = peer.ask("take", "queue=" + queue + "\nwait_ms=500");
            if (taken.verb != "deliver")
                return all;
            all += taken.body + ";";
            REQUIRE(peer.ask("ack", "lease=" + taken.value("lease")).verb == "ok");
        }
    }
    void put(const std::string& queue, const std::vector<std::string>& bodies) {
        net::Context context = *net::Context::open();
        RawPeer peer(context, at);
        for (const std::string& each : bodies)
            REQUIRE(peer.ask("put", "queue=" + queue, each).verb == "ok");
    }
};

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

} // namespace

TEST_CASE("examples: orders survive the shop's death and the store's absence, once each",
          "[process][store]") {
    Shop shop;
    shop.kill_store(); // away when the first orders come
    const std::string outbox = shop.scratch.file("outbox");
    Process first = Process::start({FLOTILLA_QUEUE_ORDER, shop.at, outbox});
    REQUIRE(first.write("one\ntwo\n"));
    REQUIRE(first.wait_line(Stream::output, "accepted two"));
    first.signal(SIGKILL);
    REQUIRE(first.wait_exit() == Exit::by(SIGKILL));

    shop.store = shop.start();
    const Completed second = run_program({FLOTILLA_QUEUE_ORDER, shop.at, outbox}, "three\n");
    INFO(second.error);
    CHECK(second.exit == Exit::with(0));
    CHECK(has(second.output, "2 orders of an earlier run"));
    CHECK(has(second.output, "all orders are stored"));
    CHECK(shop.drain("orders") == "one;two;three;");
}

TEST_CASE("examples: a mail that cannot be sent is a dead letter, and a killed sender's goes out",
          "[process][store]") {
    Shop shop;
    const std::string sent = shop.scratch.file("sent");
    shop.put("mail", {"a@b hello", "nobody", "c@d bye"});
    Process killed = Process::start({FLOTILLA_QUEUE_MAIL, shop.at, sent});
    REQUIRE(killed.wait_line(Stream::output, "attempt 1"));
    killed.signal(SIGKILL);
    REQUIRE(killed.wait_exit() == Exit::by(SIGKILL));
    shop.restart();
    const Completed rest = run_program({FLOTILLA_QUEUE_MAIL, shop.at, sent});
    CHECK(rest.exit == Exit::with(0));
    CHECK(has(text_of(sent), "a@b hello"));
    CHECK(has(text_of(sent), "c@d bye"));
    CHECK(shop.drain("mail.dead") == "nobody;");
}

TEST_CASE("examples: log lines of plain PUSH sockets are stored, and survive the store",
          "[process][store]") {
    Shop shop;
    std::string lines;
    std::string stored;
    for (int i = 0; i < 500; ++i) {
        lines += "line " + std::to_string(i) + "\n";
        stored += "line " + std::to_string(i) + ";";
    }
    const Completed shipped = run_program({python, examples + "/logs.py", shop.door()}, lines);
    INFO(shipped.error);
    CHECK(shipped.exit == Exit::with(0));
    net::Context context = *net::Context::open();
    {
        RawPeer peer(context, shop.at);
        const auto ready = [&] {
            const auto stat = peer.ask("stat", "queue=logs");
            return has(stat.options + "\n" + stat.body, "ready=500\n");
        };
        for (int i = 0; i < 10'000 && !ready(); ++i) {
        }
    }
    shop.restart();
    CHECK(shop.drain("logs") == stored);
}

TEST_CASE("examples: a task that is due while the store is down runs when it is back",
          "[process][store]") {
    Shop shop;
    const Completed made = run_program(
        {python, examples + "/tasks.py", shop.at, "schedule", "0.3", "echo one", "echo two"});
    INFO(made.error);
    REQUIRE(made.exit == Exit::with(0));
    shop.restart();
    const Completed run = run_program({python, examples + "/tasks.py", shop.at, "run", "2"});
    INFO(run.error);
    CHECK(run.exit == Exit::with(0));
    CHECK(has(run.output, "ran echo one"));
    CHECK(has(run.output, "ran echo two"));
    CHECK(shop.drain("tasks").empty());
}

TEST_CASE("examples: workers of a source of work take from a store by its endpoint alone",
          "[process][store]") {
    const ScratchFolder scratch;
    Store store = start_store_in(scratch.file("data"),
                                 {"--auto-create", "lines", "--default-queue", "lines"});
    const std::string at = store.endpoints[0];
    net::Context context = *net::Context::open();
    RawPeer peer(context, at);
    for (const char* line : {"one", "two", "three"})
        REQUIRE(peer.ask("put", "queue=lines", line).verb == "ok");
    CHECK(run_program({FLOTILLA_WORK_WORKER, at}).output == "one\ntwo\nthree\n");
    REQUIRE(peer.ask("put", "queue=lines", "four").verb == "ok");
    const std::string worker = FLOTILLA_WORK_EXAMPLES "/worker.py";
    CHECK(run_program({python, worker, at}).output == "four\n");
    CHECK(peer.ask("take", "queue=lines\nwait_ms=0").verb == "empty");
}
