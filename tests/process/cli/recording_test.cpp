// SPDX-License-Identifier: Apache-2.0
// zmq tap, record and replay, whole and after accidents.
#include "zmq_program.hpp"

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <tuple>

using namespace flotilla::test;

namespace {

std::string numbers(int count) {
    std::string text;
    for (int i = 1; i <= count; ++i)
        text += std::to_string(i) + "\n";
    return text;
}

// Records the numbers from 1 to `count`, a message each.
Completed record_numbers(const std::string& file, int count, std::vector<std::string> more = {}) {
    Process push = start_zmq({"push", any_port, "-v", "-", "--linger", "30s"});
    push.write(numbers(count));
    push.close_input();
    std::vector<std::string> words{
        "record", file, "--type", "pull", bound_endpoint(push), "-n", std::to_string(count)};
    words.insert(words.end(), more.begin(), more.end());
    return run_zmq(std::move(words));
}

bool says(const Completed& run, const std::string& part) {
    INFO(run.error);
    return run.error.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("what was recorded is replayed, in order and at its pace") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    REQUIRE(record_numbers(file, 500).exit == Exit::with(0));
    const Completed check = run_zmq({"replay", file, "--check", "--json"});
    CHECK(check.exit == Exit::with(0));
    CHECK(check.output.find(R"("messages":500)") != std::string::npos);
    CHECK(check.output.find(R"("ended_in_order":true)") != std::string::npos);
    CHECK(run_zmq({"replay", file, "--print"}).output == numbers(500));
    for (const char* speed : {"1", "max"}) {
        Process pull = start_zmq({"pull", any_port, "-n", "500"});
        const Completed replay =
            run_zmq({"replay", file, bound_endpoint(pull), "--type", "push", "--speed", speed});
        CHECK(replay.exit == Exit::with(0));
        CHECK(pull.wait_exit() == Exit::with(0));
        CHECK(pull.text(Stream::output) == numbers(500));
    }
}

TEST_CASE("a subscriber gets a replay from its first message") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    REQUIRE(record_numbers(file, 50).exit == Exit::with(0));
    Process replay = start_zmq({"replay", file, any_port, "--speed", "max"});
    const Completed sub = run_zmq({"sub", bound_endpoint(replay), "-n", "50"});
    CHECK(sub.output == numbers(50));
    CHECK(replay.wait_exit() == Exit::with(0));
}

TEST_CASE("a second recording is refused, appended or put in place, as asked") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    REQUIRE(record_numbers(file, 3).exit == Exit::with(0));
    const Completed refused = run_zmq({"record", file, "tcp://127.0.0.1:1"});
    CHECK(refused.exit == Exit::with(1));
    CHECK(says(refused, "--append"));
    const Completed appended = record_numbers(file, 2, {"--append"});
    CHECK(appended.exit == Exit::with(0));
    CHECK(says(appended, "recorded 2 messages in " + file + ", which holds 5 messages"));
    CHECK(run_zmq({"replay", file, "--print"}).output == numbers(3) + numbers(2));
    CHECK(record_numbers(file, 2, {"--overwrite"}).exit == Exit::with(0));
    CHECK(run_zmq({"replay", file, "--print"}).output == numbers(2));
}

TEST_CASE("a cut recording says where, gives what is good, and can be repaired") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    REQUIRE(record_numbers(file, 100).exit == Exit::with(0));
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 40);
    const Completed print = run_zmq({"replay", file, "--print"});
    CHECK(print.exit == Exit::with(1));
    CHECK(print.output == numbers(99));
    CHECK(says(print, "cut or damaged from byte"));
    CHECK(says(print, "99 messages before are good"));
    CHECK(run_zmq({"replay", file, "--print", "--skip-damaged"}).exit == Exit::with(0));
    CHECK(run_zmq({"replay", file, "--check"}).exit == Exit::with(1));
    CHECK(run_zmq({"replay", file, "--repair", scratch.file("b.rec")}).exit == Exit::with(0));
    CHECK(run_zmq({"replay", scratch.file("b.rec"), "--print"}).output == numbers(99));
    const Completed append = run_zmq({"record", file, "--append", "tcp://127.0.0.1:1"});
    CHECK(append.exit == Exit::with(1));
    CHECK(says(append, "--repair"));
}

TEST_CASE("a damaged byte in the middle costs one message") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    REQUIRE(record_numbers(file, 100).exit == Exit::with(0));
    {
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file) / 2));
        bytes.put('\x5a');
    }
    const Completed stopped = run_zmq({"replay", file, "--print"});
    CHECK(stopped.exit == Exit::with(1));
    CHECK(says(stopped, "damaged at byte"));
    const Completed skipped = run_zmq({"replay", file, "--print", "--skip-damaged", "-o", "%n\\n"});
    CHECK(skipped.exit == Exit::with(0));
    CHECK(skipped.output == numbers(99));
}

TEST_CASE("a recorder that is killed leaves a readable file") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    Process record = start_zmq({"record", file, "--type", "pull", any_port});
    const std::string endpoint = bound_endpoint(record);
    REQUIRE(run_zmq({"push", endpoint, "one", "two"}).exit == Exit::with(0));
    // The file grows when nothing more waits to be recorded.
    for (int i = 0; i < 3000; ++i)
        if (run_zmq({"replay", file, "--print"}).output == "one\ntwo\n")
            break;
    record.signal(SIGKILL);
    REQUIRE(record.wait_exit() == Exit::by(SIGKILL));
    const Completed print = run_zmq({"replay", file, "--print"});
    CHECK(print.output == "one\ntwo\n");
    CHECK(print.exit == Exit::with(0));
    CHECK(says(print, "no end marker"));
}

TEST_CASE("a signal ends a recording in order") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    Process record = start_zmq({"record", file, "--type", "pull", any_port});
    REQUIRE(run_zmq({"push", bound_endpoint(record), "one"}).exit == Exit::with(0));
    for (int i = 0; i < 3000; ++i)
        if (run_zmq({"replay", file, "--print"}).output == "one\n")
            break;
    record.signal(SIGINT);
    CHECK(record.wait_exit() == Exit::with(130));
    const Completed check = run_zmq({"replay", file, "--check", "--json"});
    CHECK(check.output.find(R"("messages":1)") != std::string::npos);
    CHECK(check.output.find(R"("ended_in_order":true)") != std::string::npos);
}

TEST_CASE("a full disk is said, and what was written before stays readable") {
    const Completed full = run_zmq({"record", "/dev/full", "tcp://127.0.0.1:1"});
    CHECK(full.exit == Exit::with(1));
    CHECK(says(full, "No space left on device"));

    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    Process push = start_zmq({"push", any_port, "-v", "-", "--linger", "1s"});
    const std::string endpoint = bound_endpoint(push);
    push.write(numbers(20'000));
    push.close_input();
    // A file size limit of 64 blocks of 1024 bytes.
    const Completed limited = run_program(
        {"bash", "-c", "ulimit -f 64; exec \"$0\" record \"$1\" --type pull \"$2\" -t 20s",
         FLOTILLA_ZMQ_PROGRAM, file, endpoint});
    CHECK(limited.exit == Exit::with(1));
    CHECK(says(limited, "File too large"));
    const Completed print = run_zmq({"replay", file, "--print"});
    CHECK(print.exit == Exit::with(0));
    const auto kept = std::count(print.output.begin(), print.output.end(), '\n');
    CHECK(kept > 100);
    CHECK(print.output == numbers(static_cast<int>(kept)));
    CHECK(says(limited, "the " + std::to_string(kept) + " messages before it"));
}

TEST_CASE("a disk that is full when a recording is ended by hand is told, too") {
    const ScratchFolder scratch;
    // One message, recorded under a limit of `blocks` of 1024 bytes until SIGINT. What the file had
    // before it, and has in the end.
    const auto record_one = [&](const std::string& file, std::size_t bytes, const char* blocks) {
        Process record = Process::start(
            {"bash", "-c",
             "ulimit -f $2; exec \"$0\" record \"$1\" --type pull '@tcp://127.0.0.1:*'",
             FLOTILLA_ZMQ_PROGRAM, file, blocks});
        const std::string one(bytes, 'x');
        REQUIRE(run_zmq({"push", bound_endpoint(record), one}).exit == Exit::with(0));
        while (run_zmq({"replay", file, "--print"}).output != one + "\n")
            std::this_thread::yield();
        const auto before = std::filesystem::file_size(file);
        record.signal(SIGINT);
        const auto exit = record.wait_exit();
        return std::tuple{exit, before, std::filesystem::file_size(file),
                          record.text(Stream::error)};
    };
    const auto [in_order, before, after, nothing] =
        record_one(scratch.file("a.rec"), 500, "unlimited");
    CHECK(in_order == Exit::with(130));
    REQUIRE(after > before);
    // So that the message fits and half of the end marker does.
    const std::size_t fitting = 500 + 1024 - before - (after - before) / 2;
    const auto [exit, kept, left, text] = record_one(scratch.file("b.rec"), fitting, "1");
    INFO(text);
    CHECK(exit == Exit::with(1));
    CHECK(left == kept);
    CHECK(text.find("the 1 message before it") != std::string::npos);
}

TEST_CASE("a recording behind something else in a file leaves that alone on a full disk") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    const std::string before(40'000, 'x');
    for (const char* into : {">", ">>"}) {
        CAPTURE(into);
        Process push = start_zmq({"push", any_port, "-v", "-", "--linger", "0s"});
        push.write(numbers(20'000));
        const std::string line =
            "ulimit -f 64; rm -f \"$1\"; { head -c 40000 /dev/zero | tr '\\0' x; "
            "exec \"$0\" record - --type pull \"$2\" -t 20s; } " +
            std::string(into) + " \"$1\"";
        const Completed record =
            run_program({"bash", "-c", line, FLOTILLA_ZMQ_PROGRAM, file, bound_endpoint(push)});
        CHECK(record.exit == Exit::with(1));
        std::ifstream in(file, std::ios::binary);
        const std::string all(std::istreambuf_iterator<char>(in), {});
        REQUIRE(all.size() > before.size());
        CHECK(all.compare(0, before.size(), before) == 0);
        std::ofstream(scratch.file("behind.rec"), std::ios::binary) << all.substr(before.size());
        CHECK(run_zmq({"replay", scratch.file("behind.rec"), "--check"}).exit == Exit::with(0));
    }
}

TEST_CASE("a repair goes into a new file, and one that has no room says what is there") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    REQUIRE(record_numbers(file, 2'000).exit == Exit::with(0));
    const Completed there = run_zmq({"replay", file, "--repair", file});
    CHECK(there.exit == Exit::with(1));
    CHECK(says(there, file + " exists; --repair writes a new file"));
    const Completed full =
        run_program({"bash", "-c", "ulimit -f 16; exec \"$0\" replay \"$1\" --repair \"$2\"",
                     FLOTILLA_ZMQ_PROGRAM, file, scratch.file("b.rec")});
    CHECK(full.exit == Exit::with(1));
    CHECK(says(full, "messages before it"));
}

TEST_CASE("replay through a router says who is not there, and ends with 5") {
    const ScratchFolder scratch;
    const std::string file = scratch.file("a.rec");
    REQUIRE(record_numbers(file, 3).exit == Exit::with(0));
    const Completed replay =
        run_zmq({"replay", file, any_port, "--type", "router", "--wait-peers", "0"});
    CHECK(replay.exit == Exit::with(5));
    CHECK(says(replay, "message 1: a router needs two frames"));
}

TEST_CASE("replay: wrong usage and wrong files are told") {
    const ScratchFolder scratch;
    std::ofstream{scratch.file("text")} << "once upon a time there was a file";
    const Completed text = run_zmq({"replay", scratch.file("text"), "--check"});
    CHECK(text.exit == Exit::with(1));
    CHECK(says(text, "not a recording"));
    CHECK(run_zmq({"replay", scratch.file("none"), "--check"}).exit == Exit::with(1));
    CHECK(run_zmq({"replay", "x", "--check", "--print"}).exit == Exit::with(2));
    CHECK(run_zmq({"replay", "x"}).exit == Exit::with(2));
    CHECK(run_zmq({"replay", "x", "tcp://127.0.0.1:1", "--print"}).exit == Exit::with(2));
}

TEST_CASE("a tap that stands inline passes messages on and prints them") {
    Process tap = start_zmq({"tap", "--kind", "streamer", "--frontend", any_port, "--backend",
                             any_port, "-n", "3", "--format", "json"});
    const auto line = tap.wait_line(Stream::error, "standing between");
    REQUIRE(line);
    const std::size_t at = line->find("frontend ") + 9;
    const std::size_t and_at = line->find(" and backend ");
    const std::string frontend = line->substr(at, and_at - at);
    const std::string backend = line->substr(and_at + 13);
    Process pull = start_zmq({"pull", backend, "-n", "3"});
    CHECK(run_zmq({"push", frontend, "a", "b", "c"}).exit == Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == "a\nb\nc\n");
    CHECK(tap.wait_exit() == Exit::with(0));
    CHECK(tap.text(Stream::output).find(R"("direction":"to_backend","sequence":"3")") !=
          std::string::npos);
}

TEST_CASE("tap: half of an inline tap, and a publisher taken for a relay, are told") {
    const Completed half = run_zmq({"tap", "--kind", "queue", "--frontend", any_port});
    CHECK(half.exit == Exit::with(2));
    CHECK(says(half, "--backend"));
    Process pub = start_zmq({"pub", any_port, "-i", "5ms", "x"});
    const Completed tap = run_zmq({"tap", bound_endpoint(pub), "-t", "1s"});
    CHECK(says(tap, "--type sub"));
}
