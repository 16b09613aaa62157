// SPDX-License-Identifier: Apache-2.0
// zmq queue, against flotilla-store.
#include <process/cli/zmq_program.hpp>
#include <process/store/store_program.hpp>

#include <csignal>
#include <fstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

struct VerbsShop {
    ScratchFolder scratch{};
    Store store = start_store_in(scratch.file("data"));

    Completed queue(std::vector<std::string> words, std::string_view input = {}) {
        words.insert(words.begin(), "queue");
        words.insert(words.begin() + 2, {"--store", store.endpoints[0]});
        return run_zmq(std::move(words), input);
    }
    void create(const std::string& name, std::vector<std::string> properties = {}) {
        properties.insert(properties.begin(), {"create", name});
        const Completed made = queue(std::move(properties));
        INFO(made.error);
        REQUIRE(made.exit == Exit::with(0));
    }
};

std::string number_lines(int count) {
    std::string lines;
    for (int i = 1; i <= count; ++i)
        lines += std::to_string(i) + "\n";
    return lines;
}

} // namespace

TEST_CASE("queue: lines are put, taken in order, and gone", "[process][store]") {
    VerbsShop shop;
    shop.create("q");
    CHECK(shop.queue({"put", "q"}, number_lines(2000)).exit == Exit::with(0));
    const Completed some = shop.queue({"take", "q", "-n", "3"});
    CHECK(some.output == "1\n2\n3\n");
    const Completed rest = shop.queue({"take", "q", "--all"});
    CHECK(rest.exit == Exit::with(0));
    CHECK("1\n2\n3\n" + rest.output == number_lines(2000));
    const Completed none = shop.queue({"take", "q"});
    CHECK(none.exit == Exit::with(3));
    CHECK(none.output.empty());
    CHECK(has(none.error, "'q' has no message to give"));
}

TEST_CASE("queue: without standard input and output nothing is taken, and input has ended",
          "[process][store]") {
    VerbsShop shop;
    shop.create("q");
    CHECK(shop.queue({"put", "q", "one"}).exit == Exit::with(0));
    const auto closed = [&](const std::string& words, const std::string& files) {
        const std::string line = "exec \"$0\" queue " + words + " --store \"$1\" " + files;
        return run_program({"sh", "-c", line, zmq_command({})[0], shop.store.endpoints[0]});
    };
    CHECK(closed("take q -n 1 --wait 20s", "<&- >&-").exit == Exit::with(1));
    CHECK(closed("take q -n 1 --wait 20s", ">&-").exit == Exit::with(1));
    CHECK(closed("put q -", "<&-").exit == Exit::with(0)); // no lines
    CHECK(shop.queue({"take", "q", "-n", "1", "--wait", "20s"}).output == "one\n");
}

TEST_CASE("queue put: a damaged outbox is told and kept, a torn one is told and sent",
          "[process][store]") {
    VerbsShop shop;
    shop.create("q");
    const std::string outbox = shop.scratch.file("ob");
    const std::string file = outbox + "/0000000000000001.outbox";
    const auto kept = run_zmq({"queue", "put", "q", "--outbox", outbox, "--store",
                               "ipc://" + shop.scratch.file("nobody"), "-t", "100ms"},
                              number_lines(1000));
    CHECK(has(kept.error, "1000 messages are not confirmed"));
    const auto change = [&](std::streamoff at) {
        std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
        bytes.seekg(at);
        const auto is = static_cast<char>(bytes.get());
        bytes.seekp(at);
        bytes.put(static_cast<char>(is ^ 1));
    };
    for (const std::streamoff at : {0, 15, 200, 20'000}) {
        CAPTURE(at);
        change(at);
        const Completed refused = shop.queue({"put", "q", "more", "--outbox", outbox});
        CHECK(refused.exit == Exit::with(1));
        CHECK(has(refused.error, "'" + file + "' is damaged at byte "));
        change(at);
    }
    change(60'000); // behind the last entry, as if one had been begun there
    const Completed sent = shop.queue({"put", "q", "more", "--outbox", outbox});
    CHECK(sent.exit == Exit::with(0));
    CHECK(has(sent.error, "the outbox '" + file + "' was cut at byte "));
    CHECK(shop.queue({"take", "q", "--all"}).output == number_lines(1000) + "more\n");
}

TEST_CASE("queue: one after the other, as many as were asked for are put", "[process][store]") {
    VerbsShop shop;
    shop.create("q");
    Process take = start_zmq(
        {"queue", "take", "q", "-n", "3", "--wait", "30s", "--store", shop.store.endpoints[0]});
    CHECK(shop.queue({"put", "q", "x", "-n", "3", "--wait-acked"}).exit == Exit::with(0));
    CHECK(take.wait_exit() == Exit::with(0));
    CHECK(take.text(Stream::output) == "x\nx\nx\n");
}

TEST_CASE("queue: other framings and frames are kept", "[process][store]") {
    VerbsShop shop;
    shop.create("q");
    CHECK(shop.queue({"put", "q", "-0"}, std::string("a\nb\0c", 5)).exit == Exit::with(0));
    CHECK(shop.queue({"put", "q", "--frame", "x", "--frame", "y"}).exit == Exit::with(0));
    CHECK(shop.queue({"put", "q", "--json"}, R"({"frames":["AP8="],"enc":"base64"})").exit ==
          Exit::with(0));
    const Completed all = shop.queue({"take", "q", "--all", "--format", "quoted"});
    CHECK(all.output == "\"a\\nb\"\n\"c\"\n\"x\"\t\"y\"\n\"\\x00\\xff\"\n");
}

TEST_CASE("queue: a command works on each message; its exit code is the answer",
          "[process][store]") {
    VerbsShop shop;
    shop.create("q", {"attempts_max=2", "dead_letter_queue=dead"});
    CHECK(shop.queue({"put", "q", "one", "two", "bad"}).exit == Exit::with(0));
    const Completed run = shop.queue(
        {"take", "q", "--all", "--", "sh", "-c",
         "read -r m || true; [ \"$m\" = bad ] && exit 9; echo \"$m $FLOTILLA_ATTEMPT\""});
    INFO(run.error);
    CHECK(run.exit == Exit::with(4));
    CHECK(has(run.output, "one 1\n"));
    CHECK(has(run.output, "two 1\n"));
    CHECK(has(run.error, "exit code 9"));
    const Completed dead = shop.queue({"peek", "dead", "--format", "json"});
    CHECK(has(dead.output, "bad"));
    CHECK(has(dead.output, "exit code 9"));
    // Back to where it came from, and done there.
    const Completed redriven = shop.queue({"redrive", "dead"});
    CHECK(redriven.exit == Exit::with(0));
    const Completed again = shop.queue({"take", "q", "--wait", "30s"});
    CHECK(again.output == "bad\n");
}

TEST_CASE("queue: a lease that is kept is renewed, given back and acknowledged",
          "[process][store]") {
    VerbsShop shop;
    shop.create("q");
    CHECK(shop.queue({"put", "q", "m"}).exit == Exit::with(0));
    const auto lease = [&] {
        const Completed kept = shop.queue({"take", "q", "--keep", "--wait", "30s"});
        const std::size_t at = kept.error.find("lease ");
        REQUIRE(at != std::string::npos);
        return kept.error.substr(at + 6, kept.error.find(',', at) - at - 6);
    };
    const std::string first = lease();
    CHECK(shop.queue({"touch", first}).exit == Exit::with(0));
    CHECK(shop.queue({"nack", first, "--reason", "not me"}).exit == Exit::with(0));
    const std::string second = lease();
    CHECK(shop.queue({"ack", first}).exit == Exit::with(4));
    CHECK(shop.queue({"ack", second}).exit == Exit::with(0));
    CHECK(shop.queue({"take", "q"}).exit == Exit::with(3));
    CHECK(shop.queue({"ack", "nonsense"}).exit == Exit::with(2));
}

TEST_CASE("queue: queues are listed, told, changed, emptied and deleted", "[process][store]") {
    VerbsShop shop;
    shop.create("orders", {"lease=1m"});
    shop.create("mail");
    CHECK(shop.store.process.wait_line(Stream::error, "queue_created queue=orders"));
    CHECK(shop.queue({"put", "orders", "a", "b"}).exit == Exit::with(0));
    const Completed listed = shop.queue({"ls"});
    CHECK(has(listed.output, "QUEUE"));
    CHECK(has(listed.output, "orders"));
    CHECK(has(shop.queue({"ls", "ma", "--json"}).output, R"("name":"mail")"));
    CHECK(has(shop.queue({"stat", "orders", "--json"}).output, R"("ready":2)"));
    CHECK(has(shop.queue({"stat", "orders"}).output, "lease_ms"));
    CHECK(has(shop.queue({"watch", "-n", "1"}).output, "DRAINED IN"));
    CHECK(shop.queue({"alter", "orders", "lease=2m"}).exit == Exit::with(0));
    CHECK(has(shop.queue({"stat", "orders", "--json"}).output, R"("lease_ms":120000)"));
    CHECK(shop.queue({"delete", "orders", "--if-empty"}).exit == Exit::with(4));
    CHECK(shop.queue({"purge", "orders"}).exit == Exit::with(0));
    CHECK(shop.queue({"take", "orders"}).exit == Exit::with(3));
    CHECK(shop.queue({"delete", "orders"}).exit == Exit::with(0));
    CHECK(shop.queue({"take", "orders"}).exit == Exit::with(4));
}

TEST_CASE("queue: what is wrong has its own exit code, and says what to do", "[process][store]") {
    VerbsShop shop;
    const Completed unknown = shop.queue({"put", "nowhere", "x"});
    CHECK(unknown.exit == Exit::with(4));
    CHECK(has(unknown.error, "create"));
    CHECK(shop.queue({"create", "q", "atempts_max=3"}).exit == Exit::with(2));
    CHECK(shop.queue({"create", "a b"}).exit == Exit::with(2));
    shop.create("q");
    CHECK(shop.queue({"create", "q"}).exit == Exit::with(4));
    CHECK(shop.queue({"create", "q", "--or-same"}).exit == Exit::with(0));
    const std::string nobody = shop.scratch.ipc("nobody").text();
    CHECK(run_zmq({"queue", "ls", "--store", nobody, "-t", "200ms"}).exit == Exit::with(3));
    for (std::vector<std::string> put : {std::vector<std::string>{"queue", "put", "q", "x"},
                                         {"queue", "put", "q", "x", "--wait-acked"}}) {
        put.insert(put.end(), {"--store", nobody, "-t", "200ms"});
        const Completed unstored = run_zmq(std::move(put));
        CHECK(unstored.exit == Exit::with(5)); // not everything left
        CHECK(has(unstored.error, "this says more: zmq doctor " + nobody));
    }
    CHECK(run_zmq({"queue", "ls"}).exit == Exit::with(2));
}

TEST_CASE("queue: what one store exports another imports", "[process][store]") {
    VerbsShop shop;
    shop.create("q", {"attempts_max=7"});
    CHECK(shop.queue({"put", "q"}, number_lines(50)).exit == Exit::with(0));
    const Completed out = shop.queue({"export"});
    CHECK(out.exit == Exit::with(0));
    VerbsShop other;
    const Completed in = other.queue({"import"}, out.output);
    INFO(in.error);
    CHECK(in.exit == Exit::with(0));
    CHECK(has(other.queue({"stat", "q", "--json"}).output, R"("attempts_max":7)"));
    CHECK(other.queue({"take", "q", "--all"}).output == number_lines(50));
}

TEST_CASE("queue: bench puts and takes everything once, and leaves nothing", "[process][store]") {
    VerbsShop shop;
    const Completed run = run_zmq({"bench", "queue", "-n", "2000", "--producers", "3", "--json",
                                   "--store", shop.store.endpoints[0]});
    INFO(run.error);
    CHECK(run.exit == Exit::with(0));
    const auto said = nlohmann::json::parse(run.output);
    CHECK(said.at("lost") == 0);
    CHECK(said.at("repeats") == 0);
    CHECK(said.at("put_rate") > 0);
    CHECK(shop.queue({"ls"}).output == "no queues\n");
}

TEST_CASE("queue: what contradicts itself or names nothing is refused, with advice",
          "[process][store]") {
    VerbsShop shop;
    shop.create("q", {"priority_levels=2"});
    CHECK(shop.queue({"take", "q", "--all", "-n", "3"}).exit == Exit::with(2));
    CHECK(shop.queue({"take", "q", "--follow", "-n", "3"}).exit == Exit::with(2));
    const Completed none = shop.queue({"delete", "nowhere"});
    CHECK(none.exit == Exit::with(4));
    CHECK(has(none.error, "zmq queue ls"));
    const Completed level = shop.queue({"put", "q", "x", "-p", "2"});
    CHECK(level.exit == Exit::with(4));
    CHECK(has(level.error, "priority_levels"));
    CHECK(shop.queue({"put", "q", "x", "-p", "1"}).exit == Exit::with(0));
    CHECK(has(shop.queue({"purge", "q"}).error, "1 message is gone"));
}

TEST_CASE("queue: -v says what happens to the connection", "[process][store]") {
    VerbsShop shop;
    shop.create("q");
    CHECK(has(shop.queue({"put", "q", "x", "-v"}).error, "connected"));
    for (const char* verb : {"ls", "stat"})
        CHECK(has(shop.queue({verb, "q", "-v"}).error, "connecting to " + shop.store.endpoints[0]));
    CHECK(has(shop.queue({"take", "q", "-v", "--", "true"}).error,
              "connecting to " + shop.store.endpoints[0]));
    CHECK_FALSE(has(shop.queue({"ls"}).error, "connect"));
}

TEST_CASE("queue: a command whose answer the store does not take is not counted as done",
          "[process][store]") {
    VerbsShop shop;
    shop.create("q");
    CHECK(shop.queue({"put", "q", "x"}).exit == Exit::with(0));
    // Its queue goes while it works, and its lease with it.
    const Completed run = shop.queue(
        {"take", "q", "--", "sh", "-c",
         std::string(FLOTILLA_ZMQ_PROGRAM) + " queue delete q --store " + shop.store.endpoints[0]});
    INFO(run.error);
    CHECK(run.exit == Exit::with(4));
    CHECK(has(run.error, "0 done"));
    CHECK(has(run.error, "1 not settled"));
}
