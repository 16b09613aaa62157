// SPDX-License-Identifier: Apache-2.0
// Every raw verb with its partner, through real sockets.
#include "zmq_program.hpp"

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <csignal>
#include <string>

using namespace flotilla::test;
using namespace std::string_literals;

namespace {}

TEST_CASE("push sends its input to pull, line by line, in order") {
    Process pull = start_zmq({"pull", any_port, "-n", "5000"});
    const std::string endpoint = bound_endpoint(pull);
    std::string lines;
    for (int i = 0; i < 5000; ++i)
        lines += "line " + std::to_string(i) + "\n";
    const Completed push = run_zmq({"push", endpoint}, lines);
    CHECK(push.exit == Exit::with(0));
    CHECK(push.output.empty());
    CHECK(push.error.empty());
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == lines);
}

TEST_CASE("push sends its arguments, each one message") {
    Process pull = start_zmq({"pull", any_port, "-n", "3"});
    const Completed push = run_zmq({"push", bound_endpoint(pull), "one", "[two,2]", "{}"});
    CHECK(push.exit == Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == "one\n[two,2]\n{}\n");
}

TEST_CASE("a count repeats arguments and fills their patterns") {
    Process pull = start_zmq({"pull", any_port, "-n", "4"});
    const Completed push =
        run_zmq({"push", bound_endpoint(pull), "-n", "4", "-i", "1ms", "job {{count}}", "{{x}}"});
    CHECK(push.exit == Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == "job 1\n{{x}}\njob 3\n{{x}}\n");
}

TEST_CASE("pub waits for its subscriber and loses none of a flood") {
    Process pub = start_zmq({"pub", any_port, "--wait-peers", "1", "--hwm", "10"});
    Process sub = start_zmq({"sub", bound_endpoint(pub), "-n", "5000", "--hwm", "10"});
    std::string lines;
    for (int i = 0; i < 5000; ++i)
        lines += std::to_string(i) + "\n";
    REQUIRE(pub.write(lines));
    pub.close_input();
    CHECK(sub.wait_exit() == Exit::with(0));
    CHECK(sub.text(Stream::output) == lines);
    CHECK(pub.wait_exit() == Exit::with(0));
}

TEST_CASE("pub sets the topic, waits for it, and sub filters by prefix") {
    Process pub = start_zmq({"pub", any_port, "--wait-sub", "app.web", "--topic", "app.web"});
    const std::string endpoint = bound_endpoint(pub);
    REQUIRE(pub.write("first\nsecond\n"));
    Process other = start_zmq({"sub", endpoint, "-s", "log.", "-t", "2s"});
    Process sub = start_zmq({"sub", endpoint, "-s", "app.", "-n", "2", "-o", "%n %t: %p\\n"});
    CHECK(sub.wait_exit() == Exit::with(0));
    CHECK(sub.text(Stream::output) == "1 app.web: first\n2 app.web: second\n");
    pub.close_input();
    CHECK(pub.wait_exit() == Exit::with(0));
    CHECK(other.wait_exit() == Exit::with(3));
    CHECK(other.text(Stream::output).empty());
}

TEST_CASE("pub says how many messages nobody had subscribed to") {
    const Completed pub = run_zmq({"pub", any_port, "one", "two"});
    CHECK(pub.exit == Exit::with(0));
    CHECK(pub.error.find("2 of 2 messages had no subscriber") != std::string::npos);
}

TEST_CASE("req prints the replies of rep, in order") {
    Process rep = start_zmq({"rep", any_port, "--echo", "-n", "3"});
    const Completed req = run_zmq({"req", bound_endpoint(rep)}, "a\nb\nc\n");
    CHECK(req.exit == Exit::with(0));
    CHECK(req.output == "a\nb\nc\n");
    CHECK(rep.wait_exit() == Exit::with(0));
    CHECK(rep.text(Stream::output) == "a\nb\nc\n");
}

TEST_CASE("rep answers with a text, or with the lines of its input") {
    Process fixed = start_zmq({"rep", any_port, "--reply", "no {{count}}", "-n", "2"});
    CHECK(run_zmq({"req", bound_endpoint(fixed), "-n", "2", "ask"}).output == "no 1\nno 2\n");
    CHECK(fixed.wait_exit() == Exit::with(0));
    Process lines = start_zmq({"rep", any_port});
    REQUIRE(lines.write("yes\nperhaps\n"));
    lines.close_input();
    CHECK(run_zmq({"req", bound_endpoint(lines), "a", "b"}).output == "yes\nperhaps\n");
    CHECK(lines.wait_exit() == Exit::with(0));
}

TEST_CASE("dealer and router talk both ways, by routing id") {
    Process router = start_zmq({"router", any_port, "-n", "1", "-F", "\\t"});
    Process dealer = start_zmq({"dealer", bound_endpoint(router), "--id", "alice", "-n", "1", "-"});
    REQUIRE(dealer.write("hello\n"));
    CHECK(router.wait_exit(Process::patience) == Exit::with(0));
    CHECK(router.text(Stream::output) == "alice\thello\n");
    dealer.signal(SIGINT);
    CHECK(dealer.wait_exit() == Exit::with(130));

    Process answering = start_zmq({"router", any_port, "-F", "\\t"});
    Process asking = start_zmq({"dealer", bound_endpoint(answering), "-n", "1", "question"});
    const auto question = answering.wait_line(Stream::output, "question");
    REQUIRE(question);
    CHECK(question->substr(0, 2) == "0x"); // an id made by the router, which is not readable
    REQUIRE(answering.write(question->substr(0, question->find('\t')) + "\tanswer\n"));
    CHECK(asking.wait_exit() == Exit::with(0));
    CHECK(asking.text(Stream::output) == "answer\n");
    answering.close_input();
    CHECK(answering.wait_exit() == Exit::with(0));

    // What the peer took before it left is not lost.
    Process greeting = start_zmq(
        {"router", any_port, "--wait-peers", "1", "--frame", "alice", "--frame", "hello"});
    CHECK(run_zmq({"dealer", bound_endpoint(greeting), "--id", "alice", "-n", "1"}).output ==
          "hello\n");
    CHECK(greeting.wait_exit() == Exit::with(0));
}

TEST_CASE("dealer is a requester for rep when it sends the empty frame") {
    Process rep = start_zmq({"rep", any_port, "--echo", "-n", "1"});
    const Completed dealer = run_zmq({"dealer", bound_endpoint(rep), "--frame", "", "--frame",
                                      "question", "-n", "1", "--format", "quoted"});
    CHECK(dealer.exit == Exit::with(0));
    CHECK(dealer.output == "\"\"\t\"question\"\n");
    CHECK(rep.wait_exit() == Exit::with(0));
}

TEST_CASE("pair and pair exchange messages") {
    Process left = start_zmq({"pair", any_port, "-n", "1", "pong"});
    const Completed right = run_zmq({"pair", bound_endpoint(left), "-n", "1", "ping"});
    CHECK(right.exit == Exit::with(0));
    CHECK(right.output == "pong\n");
    CHECK(left.wait_exit() == Exit::with(0));
    CHECK(left.text(Stream::output) == "ping\n");
}

TEST_CASE("pub -v tells subscriptions, and takes nothing else for one") {
    Process pub = start_zmq({"pub", any_port, "-v", "--wait-sub", "app.", "a message"});
    CHECK(run_zmq({"xsub", bound_endpoint(pub), "hello", "\1app."}).exit == Exit::with(0));
    CHECK(pub.wait_line(Stream::error, "subscribed: 'app.'"));
    CHECK(pub.text(Stream::error).find("ello") == std::string::npos);
}

TEST_CASE("xpub prints the subscriptions and xsub the messages") {
    Process xpub = start_zmq({"xpub", any_port, "--format", "quoted", "-F", "|"});
    const std::string endpoint = bound_endpoint(xpub);
    Process xsub = start_zmq({"xsub", endpoint, "-s", "app.", "-n", "1", "-F", "|"});
    CHECK(xpub.wait_line(Stream::output) == "\"\\x01app.\""s);
    REQUIRE(xpub.write("log.|no\napp.x|yes\n"));
    CHECK(xsub.wait_exit() == Exit::with(0));
    CHECK(xsub.text(Stream::output) == "app.x\tyes\n");
    CHECK(xpub.wait_line(Stream::output) == "\"\\x00app.\""s);
    xpub.close_input();
    CHECK(xpub.wait_exit() == Exit::with(0));
}

TEST_CASE("xpub with --wait-peers sends when somebody subscribed, not when somebody is there") {
    Process xpub =
        start_zmq({"xpub", any_port, "--wait-peers", "1", "hello", "--format", "hex", "-v"});
    Process xsub = start_zmq({"xsub", bound_endpoint(xpub), "-n", "1"});
    REQUIRE(xpub.wait_line(Stream::error, "handshake done"));
    REQUIRE(xsub.write("\1hel\n"));
    CHECK(xsub.wait_exit() == Exit::with(0));
    CHECK(xsub.text(Stream::output) == "hello\n");
}

TEST_CASE("xsub subscribes by what it is given to send") {
    Process xpub = start_zmq({"xpub", any_port, "-n", "1", "--format", "hex"});
    Process xsub = start_zmq({"xsub", bound_endpoint(xpub)});
    REQUIRE(xsub.write("\1abc\n"));
    CHECK(xpub.wait_exit() == Exit::with(0));
    CHECK(xpub.text(Stream::output) == "01616263\n");
}

TEST_CASE("any bytes survive JSON lines out and in again") {
    const ScratchFolder scratch;
    const std::string bytes = "\0\1\n\xff\xfe"s;
    Process first = start_zmq({"pull", any_port, "--format", "json", "-n", "2"});
    const std::string endpoint = bound_endpoint(first);
    CHECK(run_zmq({"push", endpoint, "--whole"}, bytes).exit == Exit::with(0));
    CHECK(run_zmq({"push", endpoint, "--frame", "gr\xC3\xBC\xC3\x9F", "--frame", ""}).exit ==
          Exit::with(0));
    REQUIRE(first.wait_exit() == Exit::with(0));

    Process second =
        start_zmq({"pull", any_port, "-n", "2", "-o", "%f{0}{u32be-len}%f{1}{u32be-len}"});
    const Completed again =
        run_zmq({"push", bound_endpoint(second), "--json"}, first.text(Stream::output));
    CHECK(again.error.empty());
    CHECK(again.exit == Exit::with(0));
    REQUIRE(second.wait_exit() == Exit::with(0));
    CHECK(second.text(Stream::output) ==
          "\0\0\0\5"s + bytes + "\0\0\0\0"s + "\0\0\0\6gr\xC3\xBC\xC3\x9F\0\0\0\0"s);
}

TEST_CASE("messages with a length before them pass from verb to verb") {
    const std::string stream = "\0\0\0\2a\n\0\0\0\0\0\0\0\3\0\xff\n"s;
    Process pull = start_zmq({"pull", any_port, "-n", "3", "-o", "%t{u32be-len}"});
    CHECK(run_zmq({"push", bound_endpoint(pull), "--len-prefix", "u32"}, stream).exit ==
          Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == stream);
}

TEST_CASE("NUL ends messages and a separator splits their frames") {
    Process pull = start_zmq({"pull", any_port, "-n", "2", "--separator", "+"});
    CHECK(run_zmq({"push", bound_endpoint(pull), "-0", "-F", ", "}, "a, b\0c"s).exit ==
          Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == "a+b\nc\n");
}

TEST_CASE("a chain of pull and push forwards everything") {
    const ScratchFolder scratch;
    const std::string in = scratch.ipc("in").text();
    const std::string out = scratch.ipc("out").text();
    const std::string zmq = FLOTILLA_ZMQ_PROGRAM;
    Process last = start_zmq({"pull", "@" + out, "-n", "1000"});
    Process chain = Process::start(
        {"/bin/sh", "-c", zmq + " pull '@" + in + "' -n 1000 | " + zmq + " push '" + out + "'"});
    std::string lines;
    for (int i = 0; i < 1000; ++i)
        lines += std::to_string(i) + "\n";
    CHECK(run_zmq({"push", in}, lines).exit == Exit::with(0));
    CHECK(chain.wait_exit() == Exit::with(0));
    CHECK(last.wait_exit() == Exit::with(0));
    CHECK(last.text(Stream::output) == lines);
}

TEST_CASE("several endpoints are used, and --connect and --bind hold for those after them") {
    const ScratchFolder scratch;
    const std::string a = scratch.ipc("a").text();
    const std::string b = scratch.ipc("b").text();
    Process pull = start_zmq({"pull", "--bind", a, b, "-n", "2", "-v"});
    REQUIRE(pull.wait_line(Stream::error, "bound to " + b));
    CHECK(run_zmq({"push", b, "to b"}).exit == Exit::with(0));
    CHECK(run_zmq({"push", "--connect", a, "to a"}).exit == Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == "to b\nto a\n");
}
