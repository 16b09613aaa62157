// SPDX-License-Identifier: Apache-2.0
// zmq keys, monitor and bench.
#include "zmq_program.hpp"

#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <support/text.hpp>
#include <sys/stat.h>

#include <string>

using namespace flotilla::test;

TEST_CASE("keys: a pair is made once, shown without its secret, and named") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("server");
    const Completed made = run_zmq({"keys", "new", file, "--json"});
    REQUIRE(made.exit == Exit::with(0));
    struct stat status {};
    REQUIRE(::stat((file + "_secret").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK_FALSE(has(made.output, "secret_key"));
    CHECK(run_zmq({"keys", "new", file}).exit == Exit::with(1));
    const Completed shown = run_zmq({"keys", "show", file + "_secret"});
    CHECK_FALSE(has(shown.output, "secret key"));
    CHECK(has(run_zmq({"keys", "show", file + "_secret", "--secret"}).output, "secret key"));
    const Completed public_half = run_zmq({"keys", "show", file, "--secret"});
    CHECK(public_half.exit == Exit::with(2));
    CHECK(has(public_half.error, "is in " + file + "_secret"));
    const std::string name = run_zmq({"keys", "fingerprint", file}).output;
    CHECK(name.size() == 9);
    CHECK(has(made.output, name.substr(0, 8)));
    ::chmod((file + "_secret").c_str(), 0644);
    const Completed open = run_zmq({"keys", "show", file + "_secret", "--secret"});
    CHECK(open.exit == Exit::with(2));
    CHECK(has(open.error, "chmod 600"));
}

TEST_CASE("keys: wrong commands and keys are told") {
    CHECK(run_zmq({"keys"}).exit == Exit::with(2));
    CHECK(has(run_zmq({"keys", "shw"}).error, "did you mean show?"));
    CHECK(run_zmq({"keys", "show", "/nonexistent"}).exit != Exit::with(0));
    CHECK(has(run_zmq({"keys", "fingerprint", "x"}).error, "neither a key"));
}

TEST_CASE("monitor: connections and their failures are explained") {
    Process pull = start_zmq({"pull", any_port});
    const Completed good =
        run_zmq({"monitor", "push", bound_endpoint(pull), "-n", "3", "-t", "20s"});
    CHECK(good.exit == Exit::with(0));
    CHECK(has(good.output, "  connected  "));
    CHECK(has(good.output, "  handshake_succeeded  "));
    const ScratchFolder scratch;
    const Completed bad = run_zmq(
        {"monitor", "push", "ipc://" + scratch.file("none"), "-n", "2", "--json", "-t", "20s"});
    CHECK(has(bad.output, R"("event":"connect_retried")"));
    const Completed quiet = run_zmq({"monitor", "pair", any_port, "-n", "5", "-t", "300ms"});
    CHECK(has(quiet.output, "  listening  "));
    CHECK(run_zmq({"monitor", "pish", any_port}).exit == Exit::with(2));
}

TEST_CASE("bench: every pattern counts what it sent and got") {
    for (const char* pattern : {"pipeline", "pubsub", "request"})
        for (const char* over : {"tcp", "ipc", "inproc"}) {
            const Completed run = run_zmq(
                {"bench", pattern, "--over", over, "-n", "2000", "--warm-up", "100", "--json"});
            INFO(pattern << " over " << over << ": " << run.error);
            CHECK(run.exit == Exit::with(0));
            CHECK(has(run.output, R"("received":2000,)"));
            CHECK(has(run.output, R"("lost":0,"duplicated":0,"out_of_order":0)"));
        }
    const Completed batched = run_zmq({"bench", "pipeline", "--batch", "-n", "20000", "--json"});
    CHECK(batched.exit == Exit::with(0));
    CHECK(has(batched.output, R"("received":20000,)"));
    const Completed paced = run_zmq({"bench", "pipeline", "--rate", "2000", "-n", "500", "--json"});
    CHECK(has(paced.output, R"("p99.9":)"));
}

TEST_CASE("bench: its two sides can be two processes") {
    const ScratchFolder scratch;
    const std::string endpoint = "ipc://" + scratch.file("bench");
    Process receive = start_zmq({"bench", "pubsub", "--receive", "@" + endpoint, "-n", "5000"});
    const Completed send = run_zmq({"bench", "pubsub", "--send", endpoint, "-n", "5000"});
    INFO(send.error);
    CHECK(send.exit == Exit::with(0));
    CHECK(receive.wait_exit() == Exit::with(0));
    CHECK(has(receive.text(Stream::output), "lost         0\n"));
}

TEST_CASE("bench: what does not go together, and nobody on the other side, are told") {
    CHECK(run_zmq({"bench", "pubsub", "--batch"}).exit == Exit::with(2));
    CHECK(run_zmq({"bench", "pipeline", "--lossy"}).exit == Exit::with(2));
    CHECK(run_zmq({"bench", "pipeline", "--size", "8B"}).exit == Exit::with(2));
    CHECK(run_zmq({"bench", "pipeline", "--send", "tcp://127.0.0.1:1", "--receive",
                   "tcp://127.0.0.1:2"})
              .exit == Exit::with(2));
    for (std::vector<std::string> words :
         {std::vector<std::string>{"pubsub"}, {"pipeline"}, {"pipeline", "--batch"}, {"request"}}) {
        CAPTURE(words);
        words.insert(words.begin(), "bench");
        words.insert(words.end(), {"--send", "tcp://127.0.0.1:1", "-t", "300ms"});
        const Completed alone = run_zmq(words);
        CHECK(alone.exit == Exit::with(3));
        CHECK(has(alone.error, "nobody is there to take messages"));
        CHECK(alone.output.empty());
    }
    const Completed nothing =
        run_zmq({"bench", "pubsub", "--receive", "tcp://127.0.0.1:1", "-t", "300ms"});
    CHECK(nothing.exit == Exit::with(3));
}
