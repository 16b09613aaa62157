// SPDX-License-Identifier: Apache-2.0
// zmq call, zmq serve and zmq services, through flotilla-broker.
#include "with_broker.hpp"

#include <process/cli/zmq_program.hpp>
#include <support/scratch.hpp>

#include <csignal>
#include <string>

using namespace flotilla;
using namespace flotilla::test;

namespace {

Process serve(const Daemon& broker, std::vector<std::string> words) {
    words.insert(words.begin(), "serve");
    Process server = start_zmq(with_broker(std::move(words), broker));
    REQUIRE(server.wait_line(Stream::error, "serving '"));
    return server;
}

Completed call(const Daemon& broker, std::vector<std::string> words, std::string_view input = {}) {
    words.insert(words.begin(), "call");
    return run_zmq(with_broker(std::move(words), broker), input);
}

void end(Process& server) {
    server.signal(SIGTERM);
    CHECK(server.wait_exit() == Exit::with(143));
}

std::string numbers(int count, const std::string& after = "\n") {
    std::string lines;
    for (int i = 1; i <= count; ++i)
        lines += std::to_string(i) + after;
    return lines;
}

} // namespace

TEST_CASE("call asks, serve answers: an echo, a command, a command of lines") {
    Daemon broker = start_broker_anywhere();
    Process echo = serve(broker, {"echo", "--echo"});
    Process upper = serve(broker, {"upper", "--", "tr", "a-z", "A-Z"});
    Process count = serve(broker, {"count", "--lines", "--", "sh", "-c",
                                   "n=0; while read l; do n=$((n+1)); echo \"$n $l\"; done"});
    CHECK(call(broker, {"echo", "hello"}).output == "hello\n");
    CHECK(call(broker, {"echo", "--frame", "a", "--frame", "b"}).output == "a\tb\n");
    CHECK(call(broker, {"upper", "hello", "you"}).output == "HELLO\nYOU\n");
    CHECK(call(broker, {"count", "-n", "3", "x"}).output == "1 x\n2 x\n3 x\n");
    end(echo);
    end(upper);
    end(count);
    CHECK(has(upper.text(Stream::error), "2 requests: 2 answered, 0 given back, 0 failed"));
}

TEST_CASE("lines of standard input are requests, many at once, answered in their order") {
    Daemon broker = start_broker_anywhere();
    Process server = serve(broker, {"echo", "--echo", "--capacity", "32"});
    const std::string lines = numbers(5'000);
    const Completed ordered = call(broker, {"echo", "--parallel", "64"}, lines);
    INFO(ordered.error);
    CHECK(ordered.exit == Exit::with(0));
    CHECK(ordered.output == lines);
    const Completed unordered = call(broker, {"echo", "-P", "64", "--unordered"}, lines);
    CHECK(unordered.exit == Exit::with(0));
    CHECK(unordered.output.size() == lines.size());
    // Of an input that stays open, each line is asked for when it comes.
    Process asking = start_zmq(with_broker({"call", "echo"}, broker));
    REQUIRE(asking.write("first\n"));
    CHECK(asking.wait_line(Stream::output) == std::string("first"));
    REQUIRE(asking.write("second\n"));
    CHECK(asking.wait_line(Stream::output) == std::string("second"));
    asking.close_input();
    CHECK(asking.wait_exit() == Exit::with(0));
}

TEST_CASE("a slow request is overtaken with -j, and its answer keeps its place") {
    Daemon broker = start_broker_anywhere();
    const ScratchFolder scratch;
    const std::string fifo = scratch.file("fifo");
    // The first request waits until the last one is at work.
    Process server = serve(broker, {"work", "-j", "4", "--", "sh", "-c",
                                    "read n; case $n in 1) read x < " + fifo + ";; 4) echo go > " +
                                        fifo + ";; esac; printf '%s' \"$n\""});
    REQUIRE(run_program({"/usr/bin/mkfifo", fifo}).exit == Exit::with(0));
    CHECK(call(broker, {"work", "-P", "4"}, numbers(4)).output == numbers(4));
    end(server);
}

TEST_CASE("a negative answer ends with 4 and its sentence, and the others are printed") {
    Daemon broker = start_broker_anywhere();
    Process server = serve(broker, {"some", "--", "sh", "-c", "read n; [ $n != 2 ] && echo $n"});
    const Completed asked = call(broker, {"some"}, numbers(3));
    CHECK(asked.exit == Exit::with(4));
    CHECK(asked.output == "1\n\n3\n\n");
    CHECK(has(asked.error, "zmq call: request 2: worker_failed"));
    CHECK(has(asked.error, "the command ended with exit code 1"));
    CHECK(server.wait_line(Stream::error, "failed: the command ended with exit code 1"));
    end(server);
}

TEST_CASE("exit 75 gives a request to another worker") {
    // It is given to the same one again while there is no other.
    Daemon broker = start_broker_anywhere({"--requeue", "--attempts-max", "1000"});
    Process later = serve(broker, {"work", "--", "sh", "-c", "exit 75"});
    Process asking = start_zmq(with_broker({"call", "work", "x"}, broker));
    REQUIRE(later.wait_line(Stream::error, "not done: the command asks to try again (exit 75)"));
    Process done = serve(broker, {"work", "--chomp", "--", "sh", "-c", "echo $FLOTILLA_ATTEMPT"});
    later.signal(SIGTERM);
    CHECK(later.wait_exit() == Exit::with(143));
    CHECK(asking.wait_exit() == Exit::with(0));
    CHECK(std::stoi(asking.text(Stream::output)) > 1);
    end(done);
}

TEST_CASE("a command that hangs is killed, and the request failed") {
    Daemon broker = start_broker_anywhere();
    Process server = serve(broker, {"hang", "--timeout", "200ms", "--", "tail", "-f", "/dev/null"});
    const Completed asked = call(broker, {"hang", "x"});
    CHECK(asked.exit == Exit::with(4));
    CHECK(has(asked.error, "the command took longer than 200ms (--timeout)"));
    end(server);
}

TEST_CASE("SIGTERM lets serve finish what it holds") {
    Daemon broker = start_broker_anywhere();
    const ScratchFolder scratch;
    const std::string fifo = scratch.file("fifo");
    REQUIRE(run_program({"/usr/bin/mkfifo", fifo}).exit == Exit::with(0));
    Process server = serve(broker, {"slow", "--", "sh", "-c", "echo begun >&2; cat " + fifo});
    Process asking = start_zmq(with_broker({"call", "slow", "x"}, broker));
    REQUIRE(server.wait_line(Stream::error, "begun"));
    server.signal(SIGTERM);
    REQUIRE(run_program({"/bin/sh", "-c", "printf finished > " + fifo}).exit == Exit::with(0));
    CHECK(server.wait_exit() == Exit::with(143));
    CHECK(asking.wait_exit() == Exit::with(0));
    CHECK(asking.text(Stream::output) == "finished\n");
    CHECK(has(server.text(Stream::error), "1 requests: 1 answered"));
}

TEST_CASE("-n ends serve after so many requests") {
    Daemon broker = start_broker_anywhere();
    Process server = serve(broker, {"echo", "--echo", "-n", "2"});
    CHECK(call(broker, {"echo", "a", "b"}).output == "a\nb\n");
    CHECK(server.wait_exit() == Exit::with(0));
}

TEST_CASE("an answer as JSON says whose it is, and reads back as input") {
    Daemon broker = start_broker_anywhere();
    Process server = serve(broker, {"echo", "--echo"});
    const Completed asked = call(broker, {"echo", "--format", "json", "a"});
    const auto line = nlohmann::json::parse(asked.output);
    CHECK(line.at("type") == "call");
    CHECK(line.at("endpoint") == broker.endpoints[0].text());
    CHECK(line.at("frames") == nlohmann::json::array({"a"}));
    CHECK(line.at("meta").at("service") == "echo");
    CHECK(line.at("meta").at("request") == "1");
    CHECK(line.at("meta").at("final") == "yes");
    CHECK(call(broker, {"echo", "--json"}, asked.output).output == "a\n");
}

TEST_CASE("pieces of an answer are printed as they come") {
    Daemon broker = start_broker_anywhere({"--heartbeat", "1m"});
    auto context = net::Context::open();
    auto worker = dealer(*context, broker.endpoints[0]);
    ready(worker, "parts");
    Process asking = start_zmq(with_broker({"call", "parts", "x"}, broker));
    const Taken taken = take(worker);
    for (const char* piece : {"one", "two"}) {
        send(worker, {"MDPW02", "\x03", taken.address, "", piece});
        CHECK(asking.wait_line(Stream::output) == std::string(piece));
    }
    answer(worker, taken, "three");
    CHECK(asking.wait_exit() == Exit::with(0));
    CHECK(asking.text(Stream::output) == "one\ntwo\nthree\n");
}

TEST_CASE("no answer in time ends with 3, a broker that is not there too") {
    Daemon broker = start_broker_anywhere();
    const Completed asked = call(broker, {"nobody", "-t", "300ms"}, numbers(100));
    CHECK(asked.exit == Exit::with(3));
    CHECK(asked.output.empty());
    CHECK(has(asked.error, "request 1: "));
    const ScratchFolder scratch;
    const Completed alone =
        run_zmq({"call", "echo", "x", "-t", "300ms", "-b", scratch.ipc("none").text()});
    CHECK(alone.exit == Exit::with(3));
    CHECK_FALSE(alone.error.empty());
    const std::string nowhere = scratch.ipc("none").text();
    const Completed listed = run_zmq({"services", "-t", "300ms", "-b", nowhere});
    CHECK(listed.exit == Exit::with(3));
    CHECK(has(listed.error, "nobody listens"));
    CHECK(has(listed.error, "zmq doctor " + nowhere));
}

TEST_CASE("a call with an empty input ends with 0, and says that nothing was asked") {
    Daemon broker = start_broker_anywhere();
    const Completed asked = call(broker, {"nobody"}, "");
    CHECK(asked.exit == Exit::with(0));
    CHECK(asked.output.empty());
    CHECK(has(asked.error, "nothing was asked"));
}

TEST_CASE("every dialect can be asked for by name, on both sides") {
    Daemon broker = start_broker_anywhere();
    for (const char* worker : {"mdp-0.1", "mdp-0.2", "flotilla"}) {
        Process server = serve(broker, {worker, "--echo", "--dialect", worker});
        for (const char* client : {"mdp-0.1", "mdp-0.2", "flotilla"}) {
            INFO(worker << " serves " << client);
            CHECK(call(broker, {worker, "x", "--dialect", client}).output == "x\n");
        }
        end(server);
    }
}

TEST_CASE("services lists what there is, for people and for programs") {
    Daemon broker = start_broker_anywhere({"--heartbeat", "1m"});
    const std::string at = broker.endpoints[0].text();
    CHECK(run_zmq({"services", "-b", at}).output == "no services\n");
    auto context = net::Context::open();
    auto worker = dealer(*context, broker.endpoints[0]);
    auto client = dealer(*context, broker.endpoints[0]);
    ready(worker, "echo");
    ask(client, "echo", "x");
    const Taken taken = take(worker);
    ask(client, "echo", "y"); // waits
    std::string line;
    while (!has(line, "\"queued\":1"))
        line = run_zmq({"services", "-b", at, "--json"}).output;
    CHECK(line == "{\"name\":\"echo\",\"has_workers\":true,\"workers\":1,\"waiting\":0,"
                  "\"queued\":1,\"running\":1}\n");
    const Completed table = run_zmq({"services", "-b", at});
    CHECK(table.output == "SERVICE  WORKERS  WAITING  QUEUED  RUNNING\n"
                          "echo           1        0       1        1\n");
    const Completed named = run_zmq({"services", "echo", "none", "-b", at, "--json"});
    CHECK(named.exit == Exit::with(4)); // nobody serves the second
    CHECK(has(named.output, "\"name\":\"none\",\"has_workers\":false"));
    CHECK(run_zmq({"services", "echo", "-b", at}).exit == Exit::with(0));
    const Completed watched =
        run_zmq({"services", "--watch", "-i", "10ms", "-n", "3", "-b", at, "--json"});
    CHECK(watched.output == line + line + line);
}

TEST_CASE("services lists all, however many there are") {
    Daemon broker = start_broker_anywhere({"--heartbeat", "1m"});
    const std::string at = broker.endpoints[0].text();
    auto context = net::Context::open();
    auto client = dealer(*context, broker.endpoints[0]);
    constexpr int count = 2'100; // three pages of 999
    for (int i = 0; i < count; ++i)
        ask(client, "s " + std::to_string(10'000 + i), "x"); // a blank: percent-encoded in the list
    ask(client, "mmi.service", "none");
    CHECK(answer_of(client) == "404"); // so all of them wait by now
    const Completed listed = run_zmq({"services", "-b", at, "--json"});
    INFO(listed.error);
    std::string whole;
    for (int i = 0; i < count; ++i)
        whole += "{\"name\":\"s " + std::to_string(10'000 + i) +
                 "\",\"has_workers\":false,\"workers\":0,\"waiting\":0,\"queued\":1,"
                 "\"running\":0}\n";
    CHECK((listed.output == whole)); // too long to be shown
    const Completed named = run_zmq({"services", "s 12099", "-b", at, "--json"});
    CHECK(has(named.output, "\"queued\":1"));
}

TEST_CASE("a list that starts anew instead of going on is not asked for again and again") {
    auto context = net::Context::open();
    auto broker = net::Socket::open(*context, net::SocketType::router);
    const auto at = broker->bind(any_tcp());
    Process listing = start_zmq({"services", "-b", at->text(), "--dialect", "mdp-0.2"});
    for (const char* after : {"", "s10998"}) {
        wire::Frames asked = next(*broker);
        REQUIRE(asked.size() == 5);
        CHECK(asked[3] == ByteView{"mmi.services"});
        CHECK(asked[4] == ByteView{after});
        wire::Frames page{asked[0], "MDPC02", "\x03", "mmi.services", "200"};
        for (int i = 0; i < 999; ++i)
            page.add("name=s" + std::to_string(10'000 + i) + "\nworkers=1\n");
        send(*broker, std::move(page));
    }
    CHECK_FALSE(listing.wait_exit() == Exit::with(0));
    CHECK(has(listing.text(Stream::error), "starts anew instead of going on"));
}

TEST_CASE("a broker of others is asked for each service by name") {
    auto context = net::Context::open();
    auto broker = net::Socket::open(*context, net::SocketType::router);
    const auto at = broker->bind(any_tcp());
    const auto answer_next = [&](std::string_view service, std::string_view status) {
        wire::Frames asked = next(*broker);
        while (asked.size() == 5 && asked[3] != service) { // what only flotilla-broker knows
            wire::Frames unknown{asked[0], "MDPC02", "\x03", asked[3], "501"};
            send(*broker, std::move(unknown));
            asked = next(*broker);
        }
        REQUIRE(asked.size() == 5);
        CHECK(asked[1] == ByteView{"MDPC02"});
        send(*broker, wire::Frames{asked[0], "MDPC02", "\x03", service, status});
        return std::string(asked[4].view());
    };
    Process asking = start_zmq({"services", "echo", "gone", "-b", at->text()});
    CHECK(answer_next("mmi.service", "200") == "echo");
    CHECK(answer_next("mmi.service", "404") == "gone");
    CHECK(asking.wait_exit() == Exit::with(4));
    CHECK(has(asking.text(Stream::output), "echo         yes"));
    Process listing = start_zmq({"services", "-b", at->text()});
    answer_next("mmi.services", "501");
    CHECK(listing.wait_exit() == Exit::with(4));
    CHECK(has(listing.text(Stream::error), "zmq services NAME..."));
}

TEST_CASE("wrong words of the verbs of services are told, with what would be right") {
    const auto refused = [](std::vector<std::string> words, const std::string& part) {
        const Completed run = run_zmq(std::move(words));
        INFO(run.error);
        CHECK(run.exit == Exit::with(2));
        CHECK(run.output.empty());
        CHECK(has(run.error, part));
    };
    const std::string at = "tcp://127.0.0.1:1";
    refused({"call"}, "SERVICE");
    refused({"call", "echo", "x"}, "which broker? For example --broker");
    refused({"call", "", "x", "-b", at}, "a service's name has 1 to 255 bytes, not 0");
    refused({"call", "echo", "x", "-b", "tcp//x"}, "--broker: 'tcp//x'");
    refused({"call", "echo", "x", "-b", "tcp://*:5555"}, "nobody can connect to");
    refused({"call", "echo", "x", "-b", "tcp://198.51.100.1:1"}, "--server-key for CURVE");
    refused({"call", "echo", "x", "-b", at, "--dialect", "mdp-0.3"},
            "is none of mdp-0.1, mdp-0.2, flotilla");
    refused({"call", "echo", "x", "-b", at, "--parallel", "0"}, "--parallel");
    refused({"call", "echo", "x", "-f", "y", "-b", at}, "exclude each other");
    refused({"serve", "echo", "-b", at}, "Write a command after --");
    refused({"serve", "-b", at, "--", "env", "cat"}, "for which service?");
    refused({"serve", "echo", "-b", at, "--"}, "Write a command after --");
    refused({"serve", "echo", "-b", at, "--echo", "--", "cat"}, "leave out the command");
    refused({"serve", "echo", "-b", at, "-j", "4", "--capacity", "2", "--echo"}, "at least -j, 4");
    refused({"serve", "echo", "-b", at, "--timeout", "0s", "--", "cat"}, "--timeout is 0s");
    refused({"serve", "mmi.mine", "-b", at, "--echo"}, "mmi.");
    refused({"services"}, "which broker?");
    const Completed no_program = run_zmq({"serve", "echo", "-b", at, "--", "no-such-program"});
    CHECK(no_program.exit == Exit::with(1));
    CHECK(has(no_program.error, "there is no such program in PATH"));
}
