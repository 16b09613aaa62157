// SPDX-License-Identifier: Apache-2.0
// zmq queue as somebody who may not: rules, an address, a key that is revoked while it works.
#include <flotilla/net/curve.hpp>

#include <process/cli/zmq_program.hpp>
#include <process/store/store_program.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

// A store that knows alice, who may do everything to "open", and bob, who may do everything.
struct Guarded {
    ScratchFolder scratch{};
    net::CurveKeyPair server = saved("server");
    net::CurveKeyPair alice = saved("alice");
    net::CurveKeyPair bob = saved("bob");
    Store store = start();

    net::CurveKeyPair saved(const std::string& name) const {
        const auto keys = *net::generate_key_pair();
        REQUIRE(net::save_certificate(keys, scratch.file(name)));
        return keys;
    }
    void allow(const std::string& lines) const {
        std::ofstream(scratch.file("list.new")) << lines;
        std::filesystem::rename(scratch.file("list.new"), scratch.file("list"));
    }
    std::string line(const net::CurveKeyPair& keys, const std::string& name) const {
        return keys.public_key.z85() + " " + name + "\n";
    }
    Store start() const {
        allow(line(alice, "alice") + line(bob, "bob"));
        std::ofstream(scratch.file("access.toml"))
            << "[[rule]]\nwho = 'alice'\nallow = ['put', 'take', 'administer']\non = 'open'\n"
               "[[rule]]\nwho = 'bob'\nallow = ['put', 'take', 'administer']\non = '*'\n";
        return start_store_in(scratch.file("data"),
                              {"--auto-create", "*", "--curve-key", scratch.file("server_secret"),
                               "--allow-client-keys", scratch.file("list"), "--access",
                               scratch.file("access.toml")});
    }
    std::vector<std::string> as(const std::string& who, std::vector<std::string> words) const {
        words.insert(words.begin(), "queue");
        words.insert(words.begin() + 2,
                     {"--store", store.endpoints[0], "--curve-key", scratch.file(who + "_secret"),
                      "--server-key", scratch.file("server")});
        return words;
    }
};

} // namespace

TEST_CASE("queue put: what a rule refuses is told, leaves the outbox, and stops nothing",
          "[process][store]") {
    const Guarded with;
    const std::string outbox = with.scratch.file("outbox");
    const Completed refused =
        run_zmq(with.as("alice", {"put", "closed", "a", "b", "--outbox", outbox}));
    CHECK(refused.exit == Exit::with(4));
    CHECK(has(refused.error, "message 1: alice may not put to 'closed'"));
    CHECK(has(refused.error, "message 2: alice may not put to 'closed'"));
    const Completed good = run_zmq(with.as("alice", {"put", "open", "c", "--outbox", outbox}));
    INFO(good.error);
    CHECK(good.exit == Exit::with(0));
    CHECK(run_zmq(with.as("alice", {"take", "open", "--all"})).output == "c\n");
    CHECK(run_zmq(with.as("bob", {"ls"})).output.find("closed") == std::string::npos);
}

TEST_CASE("queue take: without the right it ends with 4 at once, and nothing is said to be lost",
          "[process][store]") {
    const Guarded with;
    for (const std::vector<std::string>& words : {std::vector<std::string>{"take", "closed"},
                                                  {"take", "closed", "--follow"},
                                                  {"take", "closed", "--follow", "--keep"},
                                                  {"take", "closed", "-j", "2", "--", "cat"}}) {
        const Completed take = run_zmq(with.as("alice", words));
        INFO(take.error);
        CHECK(take.exit == Exit::with(4));
        CHECK(has(take.error, "not_allowed: alice may not take from 'closed'"));
        CHECK_FALSE(has(take.error, "lost the store"));
        CHECK_FALSE(has(take.error, "trying again"));
    }
}

TEST_CASE("queue take: a right that is taken away meanwhile is refused, and ends it with 4",
          "[process][store]") {
    const Guarded with;
    REQUIRE(run_zmq(with.as("bob", {"put", "open", "one"})).exit == Exit::with(0));
    Process take = start_zmq(with.as("alice", {"take", "open", "--follow"}));
    REQUIRE(take.wait_line(Stream::output, "one"));
    std::ofstream(with.scratch.file("access.new"))
        << "[[rule]]\nwho = 'bob'\nallow = ['put', 'take', 'administer']\non = '*'\n";
    std::filesystem::rename(with.scratch.file("access.new"), with.scratch.file("access.toml"));
    CHECK(take.wait_exit() == Exit::with(4));
    const std::string said = take.text(Stream::error);
    INFO(said);
    CHECK(has(said, "the store at " + with.store.endpoints[0] + " refuses: not_allowed: "));
    CHECK_FALSE(has(said, "lost the store"));
}

TEST_CASE("queue take: a revoked key ends it with 4, and what it held is another's",
          "[process][store]") {
    const Guarded with;
    REQUIRE(run_zmq(with.as("bob", {"put", "open", "one", "two"})).exit == Exit::with(0));
    REQUIRE(run_program({"/usr/bin/mkfifo", with.scratch.file("fifo")}).exit == Exit::with(0));
    // Its first message is worked on all the while.
    Process works =
        start_zmq(with.as("alice", {"take", "open", "-t", "2s", "--", "sh", "-c",
                                    "echo begun >&2; cat; read x < " + with.scratch.file("fifo")}));
    REQUIRE(works.wait_line(Stream::error, "begun"));
    Process waits = start_zmq(with.as("alice", {"take", "open", "--follow"}));
    REQUIRE(waits.wait_line(Stream::output, "two"));
    Process runs = start_zmq(with.as("alice", {"take", "open", "--follow", "-v", "--", "cat"}));
    REQUIRE(runs.wait_line(Stream::error, "handshake done"));
    with.allow("revoked " + with.alice.public_key.z85() + "\n" + with.line(with.bob, "bob"));
    // The store's own word may be lost with the connection; then the next one is refused.
    for (Process* each : {&waits, &runs}) {
        CHECK(each->wait_exit() == Exit::with(4));
        INFO(each->text(Stream::error));
        CHECK((has(each->text(Stream::error), "not_allowed") ||
               has(each->text(Stream::error), "our key is not in its allow-list")));
    }
    // What was worked on meanwhile is done by somebody else.
    CHECK(run_zmq(with.as("bob", {"take", "open", "--wait", "30s"})).output == "one\n");
    REQUIRE(run_program({"/bin/sh", "-c", "echo > " + with.scratch.file("fifo")}).exit ==
            Exit::with(0));
    CHECK(works.wait_exit() != Exit::with(0));
    CHECK(has(works.text(Stream::error), "0 done"));
    CHECK(has(works.text(Stream::error), "1 not settled"));
}

TEST_CASE("queue: a key that is not in the list is told by put, take, ls and serve alike",
          "[process][store]") {
    const Guarded with;
    const net::CurveKeyPair stranger = with.saved("stranger");
    std::vector<std::vector<std::string>> all;
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"put", "open", "x"}, {"take", "open"}, {"ls"}})
        all.push_back(with.as("stranger", words));
    // A key is refused before anybody sees what is spoken.
    all.push_back({"serve", "s", "--echo", "--broker", with.store.endpoints[0], "--curve-key",
                   with.scratch.file("stranger_secret"), "--server-key",
                   with.scratch.file("server")});
    for (const std::vector<std::string>& words : all) {
        const Completed run = run_zmq(words);
        INFO(run.error);
        CHECK(run.exit == Exit::with(4));
        CHECK(has(run.error, "our key is not in its allow-list"));
    }
}

TEST_CASE("queue: an address that is denied gets no answer, and is told in time",
          "[process][store]") {
    const ScratchFolder scratch;
    std::ofstream(scratch.file("access.toml")) << "[[address]]\ndeny = ['127.0.0.0/8']\n";
    Store store = start_store_in(scratch.file("data"), {"--access", scratch.file("access.toml")});
    const auto asked = [&](std::vector<std::string> words, const std::string& timeout) {
        words.insert(words.end(), {"--store", store.endpoints[0], "-t", timeout});
        return run_zmq(words);
    };
    const Completed put = asked({"queue", "put", "q", "x"}, "500ms");
    CHECK_FALSE(put.exit == Exit::with(0));
    CHECK(has(put.error, store.endpoints[0]));
    // Told so, or only hung up on, where the word that says so is lost with the connection.
    const Completed take = asked({"queue", "take", "q"}, "2s");
    CHECK((take.exit == Exit::with(4) || take.exit == Exit::with(3)));
    CHECK(has(take.error, take.exit == Exit::with(4) ? "refused us" : "no store answers at "));
    const auto line = store.process.wait_line(Stream::error, "handshake_refused reason=address");
    REQUIRE(line);
    CHECK(has(*line, "address=127.0.0.1"));
}
