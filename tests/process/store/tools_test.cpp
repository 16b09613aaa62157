// SPDX-License-Identifier: Apache-2.0
// flotilla-store verify, backup, restore, export, import.
#include <process/store/store_program.hpp>

#include <csignal>
#include <fstream>
#include <sstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

Completed run_store(std::vector<std::string> arguments, std::string_view input = {}) {
    arguments.insert(arguments.begin(), store_program);
    return run_program(arguments, input);
}

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
