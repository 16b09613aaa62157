// SPDX-License-Identifier: Apache-2.0
// How the program ends: exit codes, and what it says about bad input and absent peers.
#include "plain_server.hpp"
#include "zmq_program.hpp"

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <csignal>
#include <string>

using namespace flotilla::test;

namespace {

// Ends with `code`, prints no data, and says all of `parts` on stderr.
void check_says(const Completed& run, int code, const std::vector<std::string>& parts) {
    CHECK(run.exit == Exit::with(code));
    CHECK(run.output.empty());
    INFO(run.error);
    for (const std::string& part : parts)
        CHECK(run.error.find(part) != std::string::npos);
}

} // namespace

TEST_CASE("wrong usage ends with 2 and says what would be right") {
    check_says(run_zmq({}), 2, {"Usage: zmq VERB"});
    check_says(run_zmq({"psh"}), 2, {"there is no verb 'psh'", "did you mean push?"});
    check_says(run_zmq({"--nonsense"}), 2, {"unknown option --nonsense"});
    check_says(run_zmq({"push", "tcp://127.0.0.1:1", "--tiemout", "1s"}), 2,
               {"unknown option --tiemout", "did you mean --timeout?", "zmq push --help"});
    check_says(run_zmq({"push", "tcp://127.0.0.1:1", "-t", "10"}), 2, {"10", "ms"});
    check_says(run_zmq({"push", "tcp://127.0.0.1:1", "-n", "many"}), 2, {"--count", "many"});
    check_says(run_zmq({"push", "tcp://127.0.0.1:1", "-n"}), 2, {"--count"});
    check_says(run_zmq({"sub", "tcp://127.0.0.1:1", "--format", "yaml"}), 2, {"'yaml'", "base64"});
    check_says(run_zmq({"push", "tcp://127.0.0.1:1", "--max-size", "0", "x"}), 2,
               {"--max-size is 0B; it must be from 1B to 1TiB"});
    check_says(run_zmq({"dealer", "tcp://127.0.0.1:1", "--id", "0xzz", "x"}), 2,
               {"--id: '0xzz' begins with 0x"});
    check_says(run_zmq({"push"}), 2, {"which endpoint?"});
    check_says(run_zmq({"push", "tcp:/127.0.0.1"}), 2,
               {"'tcp:/127.0.0.1'", "tcp://127.0.0.1:5555"});
    check_says(run_zmq({"push", "--connect", any_port, "x"}), 2, {"wildcard"});
    check_says(run_zmq({"sub", "tcp://127.0.0.1:1", "surplus"}), 2, {"'surplus'"});
    check_says(run_zmq({"push", "tcp://127.0.0.1:1", "--linger", "2h", "x"}), 2,
               {"--linger", "1h"});
    check_says(run_zmq({"pull", "tcp://127.0.0.1:1", "--bind"}), 2, {"--bind", "before"});
    check_says(run_zmq({"record", "tcp://127.0.0.1:1"}), 2,
               {"which file?", "zmq record FILE ENDPOINT"});
    check_says(run_zmq({"replay", "tcp://127.0.0.1:1", "feed.rec"}), 2,
               {"which file?", "zmq replay FILE ENDPOINT"});
    check_says(run_zmq({"rep", any_port, "--echo", "--reply", "x"}), 2, {"--reply", "--echo"});
}

TEST_CASE("options that contradict each other are named") {
    const std::string peer = "tcp://127.0.0.1:1";
    check_says(run_zmq({"push", peer, "x", "-f", "y"}), 2, {"exclude each other"});
    check_says(run_zmq({"push", peer, "--whole", "--json"}), 2, {"exclude each other"});
    check_says(run_zmq({"push", peer, "x", "--json"}), 2,
               {"here the messages are arguments", "say --format json"});
    check_says(run_zmq({"push", peer, "-d", ""}), 2, {"--whole"});
    check_says(run_zmq({"push", peer, "-d", "\\q"}), 2, {"\\q"});
    check_says(run_zmq({"push", peer, "{{rand 2 1}}"}), 2, {"{{rand 10 100}}"});
    check_says(run_zmq({"sub", peer, "-o", "%q"}), 2, {"'%q'", "%n %t %p"});
    check_says(run_zmq({"sub", peer, "-o", "%t", "--format", "json"}), 2, {"exclude each other"});
    check_says(run_zmq({"sub", peer, "-O", "SNDBUFF=1"}), 2, {"-O SNDBUFF=1", "SNDBUF"});
    check_says(run_zmq({"sub", peer, "-O", "SNDBUF"}), 2, {"NAME=VALUE"});
}

TEST_CASE("a file that is not there is a runtime error that names it") {
    check_says(run_zmq({"push", any_port, "-f", "/nonexistent/jobs"}), 1, {"/nonexistent/jobs"});
}

TEST_CASE("plaintext beyond this machine has to be asked for") {
    check_says(run_zmq({"pull", "tcp://*:*"}), 2, {"beyond this machine", "--allow-plaintext"});
    Process pull = start_zmq({"pull", "tcp://*:*", "--allow-plaintext"});
    CHECK_FALSE(bound_endpoint(pull).empty());
}

TEST_CASE("a port in use is said to be, and ends with 1") {
    Process first = start_zmq({"pull", any_port});
    const std::string endpoint = bound_endpoint(first);
    check_says(run_zmq({"pull", "@" + endpoint}), 1, {endpoint, "in use"});
}

TEST_CASE("who waited in vain is told where, and what is known of why") {
    const ScratchFolder scratch;
    const std::string nobody = scratch.ipc("nobody").text();
    for (const char* verb : {"pull", "sub", "req"}) {
        CAPTURE(verb);
        std::vector<std::string> words{verb, nobody, "-t", "1s"};
        if (std::string(verb) == "req")
            words.push_back("x");
        check_says(run_zmq(std::move(words)), 3,
                   {nobody + ": nobody listens there",
                    "this says more: zmq doctor " + nobody + " --type " + verb});
    }
    check_says(run_zmq({"tap", nobody, "--type", "sub", "-t", "1s"}), 3,
               {nobody + ": nobody listens there", "this says more: zmq doctor " + nobody});
    check_says(run_zmq({"pull", "@" + nobody, "-t", "100ms"}), 3,
               {"nobody has connected to " + nobody});
    // A socket of a type that does not talk to ours: it hangs up during the handshake or breaks it
    // off, as libzmq saw it.
    Process publisher = start_zmq({"pub", "@tcp://127.0.0.1:*", "x", "--interval", "20ms"});
    const std::string endpoint = bound_endpoint(publisher);
    check_says(run_zmq({"pull", endpoint, "-t", "1s"}), 3, {endpoint + ": it ", " the handshake"});
    check_says(run_zmq({"sub", endpoint, "-s", "a b", "-t", "1s"}), 3,
               {"a peer is connected at " + endpoint, "--type sub --topic 'a b'"});
}

TEST_CASE("no peer, no message and no reply end with 3") {
    const ScratchFolder scratch;
    const std::string nobody = scratch.ipc("nobody").text();
    check_says(run_zmq({"push", nobody, "-t", "50ms", "x"}), 3, {"no peer within 50ms"});
    check_says(run_zmq({"req", nobody, "-t", "50ms", "x"}), 3, {"no peer within 50ms"});
    check_says(run_zmq({"pub", any_port, "--wait-peers", "1", "-t", "50ms", "x"}), 3,
               {"no peer within 50ms"});
    check_says(run_zmq({"sub", nobody, "-t", "50ms"}), 3, {"nothing received within 50ms"});
    check_says(run_zmq({"pair", nobody, "-t", "50ms"}), 3, {"nothing received within 50ms"});
    Process silent = start_zmq({"rep", any_port});
    check_says(run_zmq({"req", bound_endpoint(silent), "-t", "1s", "x"}), 3,
               {"no reply within 1s"});
}

TEST_CASE("fewer messages than asked for end with 3, after printing them") {
    // Longer than it takes to start another program on a busy machine.
    Process pull = start_zmq({"pull", any_port, "-n", "3", "-t", "3s"});
    CHECK(run_zmq({"push", bound_endpoint(pull), "one", "two"}).exit == Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(3));
    CHECK(pull.text(Stream::output) == "one\ntwo\n");
    CHECK(pull.text(Stream::error).find("only 2 of 3") != std::string::npos);
}

TEST_CASE("messages that could not leave end with 5, and are counted") {
    const ScratchFolder scratch;
    check_says(run_zmq({"push", scratch.ipc("nobody").text(), "--wait-peers", "0", "--linger",
                        "50ms", "one", "two"}),
               5, {"2 messages had not left within 50ms (--linger)"});
}

TEST_CASE("a puller that does not read leaves the pusher with 5") {
    Process pull = start_zmq({"pull", any_port, "--hwm", "1", "-n", "1"});
    const std::string endpoint = bound_endpoint(pull);
    pull.signal(SIGSTOP); // the kernel still accepts; the handshake cannot be done
    check_says(run_zmq({"push", endpoint, "-t", "200ms", "x"}), 3, {"no peer"});
    pull.signal(SIGCONT);
    Process push = start_zmq({"push", endpoint, "--hwm", "1", "-t", "3s", "--linger", "100ms"});
    REQUIRE(push.write("first\n"));
    REQUIRE(pull.wait_exit() == Exit::with(0)); // took one and went
    (void)push.write(std::string(1000, '\n'));
    push.close_input();
    CHECK(push.wait_exit() == Exit::with(5));
}

// A connection that ends takes what is queued for it along, and what had left this process.
TEST_CASE("whoever loses its puller with messages queued says so, also when it gives up") {
    Process push = start_zmq({"push", any_port, "--hwm", "100000", "-t", "300ms"});
    const std::string endpoint = bound_endpoint(push);
    Process pull = start_zmq({"pull", endpoint, "--hwm", "1"});
    const std::string line = std::string(999, 'x') + "\n";
    REQUIRE(push.write(line));
    REQUIRE(pull.wait_line(Stream::output));
    pull.signal(SIGSTOP);
    for (int i = 0; i < 80'000; ++i) // far more than kernels keep: the rest waits in the pusher
        REQUIRE(push.write(line));
    pull.signal(SIGKILL);
    while (push.write(line)) { // what comes now has nobody to go to
    }
    CHECK(push.wait_exit() == Exit::with(5));
    const std::string said = push.text(Stream::error);
    INFO(said);
    CHECK(said.find("whoever had connected to " + endpoint + " has left") != std::string::npos);
    CHECK(said.find("a peer left while messages were queued") != std::string::npos);
}

TEST_CASE("a publisher notes that a subscriber left with messages queued") {
    Process pub = start_zmq({"pub", any_port, "--hwm", "100000", "--wait-peers", "1"});
    const std::string endpoint = bound_endpoint(pub);
    Process sub = start_zmq({"sub", endpoint, "--hwm", "1"});
    const std::string line = std::string(999, 'x') + "\n";
    REQUIRE(pub.write(line));
    REQUIRE(sub.wait_line(Stream::output));
    sub.signal(SIGSTOP);
    for (int i = 0; i < 80'000; ++i)
        REQUIRE(pub.write(line));
    sub.signal(SIGKILL);
    pub.close_input();
    CHECK(pub.wait_exit() == Exit::with(0));
    CHECK(pub.text(Stream::error).find("a subscriber left while messages were queued") !=
          std::string::npos);
}

TEST_CASE("who accepts the connection and says nothing is not taken for a peer without a word") {
    const PlainServer silent(PlainServer::Listens::yes, "");
    const std::string endpoint = silent.endpoint();
    check_says(run_zmq({"push", endpoint, "--linger", "100ms", "x"}), 5,
               {"1 message had not left within 100ms", endpoint, "no handshake of ZeroMQ was seen",
                "this says more: zmq doctor " + endpoint});
    check_says(run_zmq({"pull", endpoint, "-t", "1s"}), 3,
               {"nothing received within 1s", "no handshake of ZeroMQ was seen"});
    check_says(run_zmq({"rep", endpoint, "--echo", "-t", "1s"}), 3,
               {"nothing received within 1s", "no handshake of ZeroMQ was seen"});
    // Nothing was on its way to it, so that nothing is waited for, and nothing was lost.
    const Completed pub = run_zmq({"pub", endpoint, "x"});
    check_says(pub, 0, {"1 of 1 messages had no subscriber"});
    CHECK(pub.error.find("had not left") == std::string::npos);
    check_says(run_zmq({"rep", endpoint}, ""), 0, {});
}

TEST_CASE("a router that knows nobody of that name drops, says so and ends with 5") {
    const Completed router = run_zmq({"router", any_port, "-F", ":"}, "bob:hello\n");
    check_says(router, 5, {"routing id bob"});
    check_says(run_zmq({"router", any_port, "-F", ":"}, "hello\nbob:hello\n"), 5,
               {"message 1: a router needs two frames", "routing id bob"});
    for (const std::vector<std::string>& one_frame : {std::vector<std::string>{"hello"},
                                                      {"--frame", "hello"},
                                                      {"-F", ":", "alice:one", "bare"}}) {
        std::vector<std::string> words{"router", any_port};
        words.insert(words.end(), one_frame.begin(), one_frame.end());
        check_says(run_zmq(words), 2, {"a router needs two frames", "--frame ID --frame TEXT"});
    }
}

TEST_CASE("input that cannot be read ends with 1 and names the record") {
    Process pull = start_zmq({"pull", any_port});
    const std::string endpoint = bound_endpoint(pull);
    check_says(run_zmq({"push", endpoint, "--json"}, "{\"frames\":[\"ok\"]}\n{\"frames\":1}\n"), 1,
               {"stdin, record 2", "frames"});
    CHECK(pull.wait_line(Stream::output) == std::string("ok")); // what came before it was sent
    check_says(run_zmq({"push", endpoint, "--max-size", "10B"}, "12345678901\n"), 1,
               {"--max-size", "10B"});
    check_says(run_zmq({"push", endpoint, "--len-prefix", "u32"}, "abc"), 1, {"inside a record"});
}

TEST_CASE("a message over the limit costs its sender the connection, not the receiver its run") {
    Process pull = start_zmq({"pull", any_port, "--max-size", "100B", "-n", "1"});
    const std::string endpoint = bound_endpoint(pull);
    Process large = start_zmq({"push", endpoint, std::string(1000, 'x'), "--linger", "100ms"});
    (void)large.wait_exit();
    CHECK(run_zmq({"push", endpoint, "small"}).exit == Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == "small\n");
}

TEST_CASE("signals end a run cleanly, with what was printed before") {
    for (const int number : {SIGINT, SIGTERM}) {
        Process pull = start_zmq({"pull", any_port});
        CHECK(run_zmq({"push", bound_endpoint(pull), "one"}).exit == Exit::with(0));
        CHECK(pull.wait_line(Stream::output) == std::string("one"));
        pull.signal(number);
        CHECK(pull.wait_exit() == Exit::with(128 + number));
    }
}

TEST_CASE("a reader that goes away ends a receiver quietly") {
    Process pull =
        Process::start({"/bin/sh", "-c",
                        std::string(FLOTILLA_ZMQ_PROGRAM) + " pull '" + any_port + "' | head -1"});
    const std::string endpoint = bound_endpoint(pull);
    Process push = start_zmq({"push", endpoint, "-i", "1ms", "tick"});
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == "tick\n");
    CHECK(pull.text(Stream::error).find("fail") == std::string::npos);
    // A puller takes messages from others, though, and can only note it.
    CHECK(pull.text(Stream::error).find("stdout was closed: ") != std::string::npos);
}

TEST_CASE("quiet keeps notes back and verbose adds the connections") {
    const Completed quiet = run_zmq({"pub", any_port, "-q", "x"});
    CHECK(quiet.error.empty());
    const Completed loud = run_zmq({"pub", "@tcp://127.0.0.1:*", "-v", "x"});
    CHECK(loud.error.find("zmq pub: bound to tcp://127.0.0.1:") != std::string::npos);
}

TEST_CASE("version says what it is made of, for people and for programs") {
    const Completed text = run_zmq({"version"});
    CHECK(text.exit == Exit::with(0));
    CHECK(text.output.find("\nlibzmq 4.") != std::string::npos);
    CHECK(text.error.empty());
    CHECK(run_zmq({"--version"}).output == text.output);
    CHECK(run_zmq({"version", "--json"}).output.find("{\"flotilla\":\"") == 0);
}

TEST_CASE("help goes to stdout and ends with 0") {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"--help"}, {"-h"}, {"push", "--help"}, {"help", "push"}}) {
        const Completed help = run_zmq(words);
        CHECK(help.exit == Exit::with(0));
        CHECK(help.error.empty());
        CHECK(help.output.find("Usage: ") != std::string::npos);
    }
}
