// SPDX-License-Identifier: Apache-2.0
// flotilla-store verify, backup, restore, export, import.
#include <process/store/store_program.hpp>

#include <csignal>
#include <fstream>
#include <sstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

void fill(const std::string& data) {
    net::Context context = *net::Context::open();
    Store store = start_store_in(data);
    RawPeer peer(context, store.endpoints[0]);
    REQUIRE(peer.ask("create", "queue=orders\nattempts_max=5").verb == "ok");
    REQUIRE(peer.ask("create", "queue=other").verb == "ok");
    for (int i = 0; i < 5; ++i)
        REQUIRE(
            peer.ask("put", "queue=orders\nkey=k" + std::to_string(i), "order " + std::to_string(i))
                .verb == "ok");
    REQUIRE(peer.ask("put", "queue=other", std::string("\x00\xff", 2)).verb == "ok");
    REQUIRE(peer.ask("put", "queue=orders\ndelay_ms=3600000", "later").verb == "ok");
    store.process.signal(SIGTERM);
    REQUIRE(store.process.wait_exit() == Exit::with(0));
}

std::string taken_from(const std::string& data, const std::string& queue) {
    net::Context context = *net::Context::open();
    Store store = start_store_in(data);
    RawPeer peer(context, store.endpoints[0]);
    std::string all;
    for (;;) {
        const auto taken = peer.ask("take", "queue=" + queue);
        if (taken.verb != "deliver")
            break;
        all += taken.body + ";";
        REQUIRE(peer.ask("ack", "lease=" + taken.value("lease")).verb == "ok");
    }
    store.process.signal(SIGTERM);
    REQUIRE(store.process.wait_exit() == Exit::with(0));
    return all;
}

constexpr const char* orders = "order 0;order 1;order 2;order 3;order 4;";

} // namespace

TEST_CASE("store: a backup beside a running store is whole, and comes back", "[process][store]") {
    const ScratchFolder scratch;
    fill(scratch.file("data"));
    Store running = start_store_in(scratch.file("data"));
    const Completed verified = run_store({"verify", "--data", scratch.file("data")});
    CHECK(verified.exit == Exit::with(0));
    CHECK(has(verified.error, "nothing is damaged"));
    const Completed saved =
        run_store({"backup", "--data", scratch.file("data"), "--to", scratch.file("backup")});
    INFO(saved.error);
    CHECK(saved.exit == Exit::with(0));
    running.process.signal(SIGTERM);
    REQUIRE(running.process.wait_exit() == Exit::with(0));

    const Completed again =
        run_store({"backup", "--data", scratch.file("data"), "--to", scratch.file("backup")});
    CHECK_FALSE(again.exit == Exit::with(0)); // it is there already
    const Completed restored =
        run_store({"restore", "--from", scratch.file("backup"), "--data", scratch.file("new")});
    INFO(restored.error);
    CHECK(restored.exit == Exit::with(0));
    CHECK(taken_from(scratch.file("new"), "orders") == orders);
}

TEST_CASE("store: what is exported as lines can be imported elsewhere", "[process][store]") {
    const ScratchFolder scratch;
    fill(scratch.file("data"));
    const Completed out = run_store({"export", "--data", scratch.file("data")});
    INFO(out.error);
    REQUIRE(out.exit == Exit::with(0));
    CHECK(has(out.output, R"("type":"queue","endpoint":"orders")"));
    CHECK(has(out.output, R"("attempts_max":"5")"));
    CHECK(has(out.output, R"("frames":["order 3"],"enc":"utf8")"));
    CHECK(has(out.output, R"("frames":["AP8="],"enc":"base64")"));
    const Completed in = run_store({"import", "--data", scratch.file("new")}, out.output);
    INFO(in.error);
    REQUIRE(in.exit == Exit::with(0));
    CHECK(has(in.error, "7 messages"));
    CHECK(taken_from(scratch.file("new"), "orders") == orders); // "later" is not due yet
    CHECK(taken_from(scratch.file("new"), "other") == std::string("\x00\xff;", 3));
}

TEST_CASE("store: an import stops at a line that is wrong, and names it", "[process][store]") {
    const ScratchFolder scratch;
    const Completed in = run_store({"import", "--data", scratch.file("data")},
                                   "{\"type\":\"message\",\"endpoint\":\"q\",\"frames\":[\"a\"]}\n"
                                   "\nnonsense\n");
    CHECK(in.exit == Exit::with(1));
    CHECK(has(in.error, "line 3"));
}

TEST_CASE("store: an import that stops says how far it came, and is gone on with there",
          "[process][store]") {
    const ScratchFolder scratch;
    const std::string data = scratch.file("data");
    const auto line = [](int number) {
        return R"({"type":"message","endpoint":"q","frames":[")" + std::to_string(number) +
               "\"]}\n";
    };
    std::string good;
    std::string expected;
    for (int i = 1; i <= 3000; ++i) {
        good += line(i);
        expected += std::to_string(i) + ";";
    }
    const std::string end = line(3001) + line(3002);
    const Completed stopped = run_store({"import", "--data", data}, good + "broken\n" + end);
    CHECK(stopped.exit == Exit::with(1));
    CHECK(has(stopped.error, "line 3001: "));
    CHECK(has(stopped.error, "imported 1 queues, 3000 messages"));
    CHECK(has(stopped.error, "what is up to line 3000 is in; go on with --from-line 3001"));
    const Completed rest =
        run_store({"import", "--data", data, "--from-line", "3001"}, good + "\n" + end);
    INFO(rest.error);
    CHECK(rest.exit == Exit::with(0));
    CHECK(has(rest.error, " 2 messages"));
    CHECK(taken_from(data, "q") == expected + "3001;3002;");
    CHECK(run_store({"import", "--data", data, "--from-line", "0"}).exit == Exit::with(2));
}

TEST_CASE("store: an import that is interrupted says how far it came", "[process][store]") {
    const ScratchFolder scratch;
    const std::string data = scratch.file("data");
    std::string lines; // more than a pipe holds: some were read when all are written
    std::string expected;
    while (lines.size() < 200'000) {
        lines += R"({"type":"message","endpoint":"q","frames":["a message"]})"
                 "\n";
        expected += "a message;";
    }
    Process import = Process::start({store_program, "import", "--data", data});
    REQUIRE(import.write(lines));
    import.signal(SIGTERM); // it waits for more, or reads
    const std::string part = "go on with --from-line ";
    const auto told = import.wait_line(Stream::error, part);
    REQUIRE(told);
    CHECK(import.wait_exit() == Exit::with(1));
    const Completed rest = run_store(
        {"import", "--data", data, "--from-line", told->substr(told->find(part) + part.size())},
        lines);
    INFO(rest.error);
    CHECK(rest.exit == Exit::with(0));
    CHECK(taken_from(data, "q") == expected);
}
