// SPDX-License-Identifier: Apache-2.0
// What `zmq serve` makes of a request, with the commands that every system has.
#include <cli/serve/servant.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

using namespace flotilla;
using namespace flotilla::cli;
using ServantKind = ServantOptions::Kind;

namespace {

ServantOptions shell(const std::string& script, ServantKind kind = ServantKind::command) {
    std::signal(SIGPIPE, SIG_IGN); // as in the program
    ServantOptions options;
    options.kind = kind;
    options.command = {"/bin/sh", "-c", script};
    return options;
}

Servant::Said ask(Servant& servant, std::initializer_list<ByteView> frames) {
    Servant::Asked asked;
    asked.body = wire::Frames(frames);
    return servant.answer(std::move(asked));
}

std::string text(const Servant::Said& said) {
    if (const auto* later = std::get_if<Servant::Later>(&said))
        return "later: " + later->why;
    if (const auto* failed = std::get_if<Servant::Failed>(&said))
        return "failed: " + failed->why;
    const auto& frames = std::get<wire::Frames>(said);
    std::string all;
    for (std::size_t i = 0; i < frames.size(); ++i)
        all += (i > 0 ? "|" : "") + std::string(frames[i].view());
    return all;
}

std::string answer(ServantOptions options, std::initializer_list<ByteView> frames) {
    Servant servant(std::move(options));
    return text(ask(servant, frames));
}

bool says(const std::string& whole, const std::string& part) {
    return whole.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("an echo answers with all frames of the request") {
    ServantOptions options;
    options.kind = ServantKind::echo;
    CHECK(answer(std::move(options), {"a", "", "b"}) == "a||b");
}

TEST_CASE("a command finds the request on its input, and its output is the answer") {
    CHECK(answer(shell("tr a-z A-Z"), {"hello"}) == "HELLO");
    CHECK(answer(shell("cat"), {""}).empty());
    CHECK(answer(shell("echo done"), {"not read"}) == "done\n");
    const std::string binary("\0\n\xff", 3);
    CHECK(answer(shell("cat"), {ByteView{binary}}) == binary);
    const std::string large(3 << 20, 'x');
    CHECK(answer(shell("cat"), {ByteView{large}}) == large);
    CHECK(answer(shell("exec 0<&-; echo closed"), {ByteView{large}}) == "closed\n");
    // What it leaves in the background holds its output open, and ends with it.
    CHECK(answer(shell("cat; tail -f /dev/null & exit 0"), {ByteView{large}}) == large);
}

TEST_CASE("frames are joined for the command, and its output is split where that is asked for") {
    ServantOptions options = shell("cat");
    options.frame_separator = "\t";
    CHECK(answer(options, {"a", "b"}) == "a|b");
    options.separator = "+";
    CHECK(answer(options, {"a", "b"}) == "a+b");
    options.last_newline = ServantOptions::LastNewline::leave_out;
    CHECK(answer(options, {"a\n"}) == "a");
    CHECK(answer(options, {"a\n\n"}) == "a\n");
    ServantOptions many = shell("yes | head -2000");
    many.frame_separator = "\n";
    CHECK(says(answer(std::move(many), {""}), "failed: the command's answer has more than 1024"));
}

TEST_CASE("exit codes say what became of the request") {
    CHECK(says(answer(shell("echo half; exit 75"), {""}), "later: the command asks to try again"));
    CHECK(answer(shell("exit 3"), {""}) == "failed: the command ended with exit code 3");
    CHECK(answer(shell("kill -9 $$"), {""}) == "failed: the command was killed by signal 9");
}

TEST_CASE("the command finds in its environment what it was asked, and nothing stale") {
    REQUIRE(::setenv("FLOTILLA_ATTEMPT", "stale", 1) == 0);
    Servant servant(shell("echo $FLOTILLA_SERVICE $FLOTILLA_ATTEMPT; env | grep -c ^FLOTILLA_ATT"));
    Servant::Asked asked;
    asked.body = wire::Frames{""};
    asked.environment = {"FLOTILLA_SERVICE=echo", "FLOTILLA_ATTEMPT=2"};
    CHECK(text(servant.answer(std::move(asked))) == "echo 2\n1\n");
    ::unsetenv("FLOTILLA_ATTEMPT");
}

TEST_CASE("a command that hangs is killed with all that it started") {
    const test::ScratchFolder scratch;
    const std::string fifo = scratch.file("fifo");
    ServantOptions options = shell("mkfifo " + fifo + "; (read line < " + fifo + ") & wait");
    options.timeout = 200ms;
    CHECK(answer(std::move(options), {""}) ==
          "failed: the command took longer than 200ms (--timeout) and was ended");
    // One that has closed its output and goes on counts as hanging too.
    ServantOptions silent = shell("exec 1>&-; mkfifo " + fifo + "2; read line < " + fifo + "2");
    silent.timeout = 200ms;
    CHECK(says(answer(std::move(silent), {""}), "failed: the command took longer than 200ms"));
}

TEST_CASE("a command that nobody waits for any more is ended") {
    Servant servant(shell("cat; tail -f /dev/null"));
    Servant::Asked asked;
    asked.body = wire::Frames{"x"};
    int looked = 0;
    asked.is_cancelled = [&looked] { return ++looked > 2; };
    CHECK(says(text(servant.answer(std::move(asked))), "nobody waits for it any more"));
}

TEST_CASE("an answer over the limit ends the command") {
    ServantOptions options = shell("yes");
    options.bytes_max = 100'000;
    CHECK(says(answer(options, {""}), "it printed more than 100000 bytes (--max-size)"));
    options.kind = ServantKind::lines;
    options.command = {"/bin/sh", "-c", "tr '\\n' x < /dev/zero"};
    CHECK(says(answer(options, {""}), "its line has more than 100000 bytes"));
}

TEST_CASE("a command of lines runs all the while") {
    Servant servant(
        shell("n=0; while read line; do n=$((n+1)); echo \"$n $line\"; done", ServantKind::lines));
    CHECK(text(ask(servant, {"a"})) == "1 a");
    CHECK(text(ask(servant, {"b", "c"})) == "2 b\tc");
    CHECK(text(ask(servant, {""})) == "3 ");
    CHECK(says(text(ask(servant, {"two\nlines"})), "failed: the request has a line feed in it"));
    CHECK(text(ask(servant, {"d"})) == "4 d");
}

TEST_CASE("a command of lines that says too much is ended before it answers another request") {
    const test::ScratchFolder scratch;
    const std::string file = scratch.file("twice"); // so that both lines come in one write
    Servant servant(shell("while read line; do printf '%s\\n%s\\n' \"$line\" \"$line\" > " + file +
                              "; cat " + file + "; done",
                          ServantKind::lines));
    std::string noted;
    for (const char* word : {"a", "b", "c"}) {
        Servant::Asked asked;
        asked.body = wire::Frames{word};
        asked.note = [&noted](const std::string& text) { noted = text; };
        CHECK(text(servant.answer(std::move(asked))) == word);
        CHECK(says(noted, "printed more than a line for a request; it was ended"));
        noted.clear();
    }
}

TEST_CASE("a line that a command of lines prints between two requests answers neither") {
    const test::ScratchFolder scratch;
    const std::string go = scratch.file("go");
    const std::string done = scratch.file("done");
    REQUIRE(::mkfifo(go.c_str(), 0600) == 0);
    REQUIRE(::mkfifo(done.c_str(), 0600) == 0);
    Servant servant(shell("read line; echo \"$line\"; read line < " + go +
                              "; echo too much; echo x > " + done + "; tail -f /dev/null",
                          ServantKind::lines));
    CHECK(text(ask(servant, {"a"})) == "a");
    std::ofstream(go) << "go\n";
    std::string line;
    std::ifstream(done) >> line; // by now the other line lies in the pipe
    CHECK(line == "x");
    CHECK(text(ask(servant, {"b"})) == "b");
}

TEST_CASE("a command of lines that nobody waits for any more is ended") {
    Servant servant(shell("read line; tail -f /dev/null", ServantKind::lines));
    Servant::Asked asked;
    asked.body = wire::Frames{"x"};
    int looked = 0;
    asked.is_cancelled = [&looked] { return ++looked > 2; };
    CHECK(says(text(servant.answer(std::move(asked))), "nobody waits for it any more"));
}

TEST_CASE("a command of lines that ends is started again for the next request") {
    Servant servant(shell("read line; [ \"$line\" = bye ] && exit 75; echo \"got $line\"; "
                          "read line; exit 3",
                          ServantKind::lines));
    CHECK(text(ask(servant, {"a"})) == "got a");
    CHECK(text(ask(servant, {"b"})) == "failed: the command ended with exit code 3");
    CHECK(text(ask(servant, {"c"})) == "got c");
    CHECK(says(text(ask(servant, {"bye"})), "exit code 3")); // the one of c reads it
    CHECK(says(text(ask(servant, {"bye"})), "later: "));
    CHECK(answer(shell("read line; exit 0", ServantKind::lines), {"x"}) ==
          "failed: the command ended without an answer");
}

TEST_CASE("a command of lines that hangs is killed, and another takes the next request") {
    ServantOptions options =
        shell("while read line; do [ \"$line\" = hang ] && tail -f /dev/null; echo \"$line\"; done",
              ServantKind::lines);
    options.timeout = 300ms;
    Servant servant(std::move(options));
    CHECK(says(text(ask(servant, {"hang"})), "failed: the command took longer than 300ms"));
    CHECK(text(ask(servant, {"go"})) == "go");
}

TEST_CASE("requests side by side have a command of lines each") {
    Servant servant(shell("while read line; do echo \"$line\"; done", ServantKind::lines));
    std::vector<std::thread> threads;
    std::vector<std::string> wrong(4);
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&servant, &wrong, t] {
            for (int i = 0; i < 50; ++i) {
                const std::string asked = std::to_string(t) + "/" + std::to_string(i);
                const std::string said = text(ask(servant, {ByteView{asked}}));
                if (said != asked)
                    wrong[static_cast<std::size_t>(t)] = said;
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    for (const std::string& each : wrong)
        CHECK(each.empty());
}

TEST_CASE("a program is found by its path or in PATH, or the lack of it is told") {
    CHECK(says(*find_program("sh"), "/sh"));
    CHECK(*find_program("/bin/sh") == "/bin/sh");
    CHECK(says(find_program("no-such-program").error().detail,
               "cannot run 'no-such-program': there is no such program in PATH"));
    CHECK(says(find_program("/nowhere/x").error().detail, "there is no such file"));
    const test::ScratchFolder scratch;
    std::ofstream(scratch.file("text")) << "not a program\n";
    CHECK(says(find_program(scratch.file("text")).error().detail, "may not be run"));
    CHECK_FALSE(find_program(""));
}

TEST_CASE("a command of lines that ends after its answer does not cost the next request") {
    // Whether it has ended, or is about to, when the next request comes.
    for (const char* end : {"", "; exec 0<&-; exec 1>&-", "; exit 3"}) {
        CAPTURE(end);
        Servant servant(shell("read line; echo \"$line\"" + std::string(end), ServantKind::lines));
        for (int i = 0; i < 50; ++i)
            REQUIRE(text(ask(servant, {"x" + std::to_string(i)})) == "x" + std::to_string(i));
    }
    // One that was asked, and ends without an answer, is not asked again with another.
    const test::ScratchFolder scratch;
    const std::string file = scratch.file("asked");
    Servant broken(shell("while read line; do echo \"$line\" >> " + file +
                             "; [ \"$line\" = bad ] && exit 3; echo ok; done",
                         ServantKind::lines));
    CHECK(text(ask(broken, {"good"})) == "ok");
    CHECK(text(ask(broken, {"bad"})) == "failed: the command ended with exit code 3");
    CHECK(text(ask(broken, {"good"})) == "ok");
    std::ifstream in(file);
    CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "good\nbad\ngood\n");
    CHECK(answer(shell("exit 3", ServantKind::lines), {"x"}) ==
          "failed: the command ended with exit code 3");
}

TEST_CASE("what a command has started goes with it, however it ends") {
    const test::ScratchFolder scratch;
    const auto is_running = [](const std::string& pid) {
        std::ifstream in("/proc/" + pid + "/stat");
        std::string word;
        return in >> word >> word >> word && word != "Z";
    };
    const std::string start = "tail -f /dev/null >/dev/null 2>&1 & echo $! > ";
    for (const ServantKind kind : {ServantKind::command, ServantKind::lines}) {
        for (const char* rest : {"", "; read line; read line", "; exit 3"}) {
            CAPTURE(static_cast<int>(kind), rest);
            const std::string file = scratch.file("pid");
            (void)answer(shell(start + file + "; cat " + file + rest, kind), {"x"});
            std::string pid;
            std::ifstream(file) >> pid;
            REQUIRE_FALSE(pid.empty());
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
            while (is_running(pid))
                REQUIRE(std::chrono::steady_clock::now() < deadline);
        }
    }
}
