// SPDX-License-Identifier: Apache-2.0
// Every daemon over CURVE with peers of czmq and pyzmq: each with certificates that it made itself,
// and with those that zmq keys makes; users and rules; a key that is revoked meanwhile.
#include <flotilla/net/curve.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>
#include <support/text.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::test;

namespace {

using flotilla::test::patience;
const std::string peers = FLOTILLA_INTEROP_FOLDER "/peers/";

enum class Library { czmq, pyzmq };

// Compiled once: with the packages libczmq-dev and gcc.
const std::string& czmq_program() {
    static const ScratchFolder folder;
    static const std::string program = [] {
        const std::string file = folder.file("curve");
        const auto built = run_program({"cc", "-o", file, peers + "curve.c", "-lczmq", "-lzmq"});
        INFO("the packages gcc and libczmq-dev have to be installed: " << built.error);
        REQUIRE(built.exit == Exit::with(0));
        return file;
    }();
    return program;
}

Completed peer(Library library, std::vector<std::string> words) {
    if (library == Library::czmq)
        words.insert(words.begin(), czmq_program());
    else
        words.insert(words.begin(), {"/usr/bin/python3", "-B", peers + "curve.py"});
    return run_program(words);
}

// Keys of a daemon and of alice, who is let in, and of a stranger.
struct Keys {
    ScratchFolder folder{};
    std::string server = folder.file("server.key");
    std::string alice = folder.file("alice.key");
    std::string stranger = folder.file("stranger.key");
    std::string clients = folder.file("clients");
    std::string access = folder.file("access.toml");

    // Made by zmq keys when there is no library.
    explicit Keys(std::optional<Library> made_by) {
        for (const auto& [file, user] : {std::pair{server, "server"}, std::pair{alice, "alice"},
                                         std::pair{stranger, "stranger"}}) {
            if (!made_by) {
                REQUIRE(run_program({FLOTILLA_ZMQ_PROGRAM, "keys", "new", file, "--name", user,
                                     "--group", "billing"})
                            .exit == Exit::with(0));
                continue;
            }
            const auto made = peer(*made_by, {"keys", file, user, "billing"});
            INFO(made.error);
            REQUIRE(made.exit == Exit::with(0));
        }
        std::filesystem::create_directory(clients);
        if (made_by == Library::pyzmq) // has no place for names in what it gives away
            REQUIRE(run_program({FLOTILLA_ZMQ_PROGRAM, "keys", "allow", clients, alice, "--name",
                                 "alice", "--group", "billing"})
                        .exit == Exit::with(0));
        else
            std::filesystem::copy(alice, clients);
        std::ofstream(access) << "[[rule]]\nwho = 'alice'\nallow = '*'\non = ['orders', 'mmi.*', "
                                 "'guarded']\n"
                                 // Behind the relay, in plaintext on this machine.
                                 "[[rule]]\nwho = '*'\nallow = 'serve'\non = ['guarded']\n";
    }
    std::vector<std::string> flags() const {
        return {"--curve-key", server + "_secret", "--allow-client-keys",
                clients,       "--access",         access};
    }
};

struct Running {
    Process process;
    nlohmann::json said;
};

Running start(const char* program, std::vector<std::string> arguments, const Keys& keys) {
    arguments.insert(arguments.begin(), program);
    for (const std::string& each : keys.flags())
        arguments.push_back(each);
    arguments.push_back("--ready-json");
    Process process = Process::start(arguments);
    const auto line = process.wait_line(Stream::output);
    INFO(process.text(Stream::error));
    REQUIRE(line);
    return {std::move(process), nlohmann::json::parse(*line)};
}

// The answer, or how it ended without one.
std::string ask(Library library, const std::string& endpoint, const Keys& keys,
                const std::string& who, const std::vector<std::string>& frames,
                const std::string& wait = "20000") {
    std::vector<std::string> words{"ask", endpoint, keys.server, who, wait};
    words.insert(words.end(), frames.begin(), frames.end());
    const auto done = peer(library, words);
    return done.exit == Exit::with(0) ? done.output : "no answer\n";
}

// From the outside: a stranger gets no answer, and the daemon says why.
void check_stranger(Library library, Running& daemon, const std::string& endpoint, const Keys& keys,
                    const std::vector<std::string>& frames) {
    CHECK(ask(library, endpoint, keys, keys.stranger, frames, "300") == "no answer\n");
    CHECK(daemon.process.wait_line(Stream::error, "handshake_refused reason=unknown_key"));
}

// Until the daemon has looked at its files again.
void check_revoked(Library library, Running& daemon, const std::string& endpoint, const Keys& keys,
                   const std::vector<std::string>& frames) {
    const auto revoked =
        run_program({FLOTILLA_ZMQ_PROGRAM, "keys", "revoke", keys.clients, "alice"});
    CHECK(revoked.exit == Exit::with(0));
    CHECK(daemon.process.wait_line(Stream::error, "access_reloaded"));
    CHECK(ask(library, endpoint, keys, keys.alice, frames, "300") == "no answer\n");
    CHECK(daemon.process.wait_line(Stream::error, "handshake_refused reason=revoked_key"));
}

void check_store(Library library, const Keys& keys) {
    Running store = start(FLOTILLA_STORE_PROGRAM,
                          {"--bind", "tcp://127.0.0.1:*", "--data", keys.folder.file("data"),
                           "--write-ahead-bytes", "1MiB", "--auto-create", "*"},
                          keys);
    const std::string at = store.said["endpoints"][0];
    const auto put = [&](const std::string& queue) {
        return std::vector<std::string>{"", "FLQ1", "put", "c", "queue=" + queue + "\n", "hello"};
    };
    CHECK(has(ask(library, at, keys, keys.alice, put("orders")), "\nok\n"));
    CHECK(has(ask(library, at, keys, keys.alice, put("other")), "code=not_allowed"));
    check_stranger(library, store, at, keys, put("orders"));
    check_revoked(library, store, at, keys, put("orders"));
}

void check_broker(Library library, const Keys& keys) {
    Running broker = start(FLOTILLA_BROKER_PROGRAM, {"--bind", "tcp://127.0.0.1:*"}, keys);
    const std::string at = broker.said["endpoints"][0];
    const std::vector<std::string> who_serves{"", "MDPC01", "mmi.service", "echo"};
    CHECK(ask(library, at, keys, keys.alice, who_serves) == "\nMDPC01\nmmi.service\n404\n");
    check_stranger(library, broker, at, keys, who_serves);
    check_revoked(library, broker, at, keys, who_serves);
}

void check_relay(Library library, const Keys& keys) {
    Running relay = start(FLOTILLA_RELAY_PROGRAM,
                          {"queue", "--name", "guarded", "--frontend", "tcp://127.0.0.1:*",
                           "--backend", "tcp://127.0.0.1:*", "--curve-sides", "frontend"},
                          keys);
    const auto& said = relay.said["relays"][0];
    const std::string at = said["frontend"][0];
    auto context = net::Context::open();
    auto echo = net::Socket::open(*context, net::SocketType::rep);
    REQUIRE(echo->connect(*net::Endpoint::parse(said["backend"][0].get<std::string>())));
    Process asking = [&] {
        std::vector<std::string> words{"ask", at, keys.server, keys.alice, "20000", "", "hello"};
        words.insert(words.begin(), czmq_program());
        if (library == Library::pyzmq) {
            words.erase(words.begin());
            words.insert(words.begin(), {"/usr/bin/python3", "-B", peers + "curve.py"});
        }
        return Process::start(words);
    }();
    auto request = echo->receive(patience);
    REQUIRE(request);
    CHECK((*request)[0] == ByteView{"hello"});
    REQUIRE(echo->send(*request, patience));
    CHECK(asking.wait_line(Stream::output, "hello"));
    CHECK(asking.wait_exit() == Exit::with(0));
    check_stranger(library, relay, at, keys, {"", "hello"});
    check_revoked(library, relay, at, keys, {"", "hello"});
}

} // namespace

TEST_CASE("store: czmq and pyzmq put over CURVE, as far as rules allow", "[interop][security]") {
    for (const Library library : {Library::czmq, Library::pyzmq}) {
        check_store(library, Keys(library));
        check_store(library, Keys(std::nullopt));
    }
}

TEST_CASE("broker: czmq and pyzmq ask over CURVE", "[interop][security]") {
    for (const Library library : {Library::czmq, Library::pyzmq})
        check_broker(library, Keys(library));
}

TEST_CASE("relay: czmq and pyzmq ask through it over CURVE", "[interop][security]") {
    for (const Library library : {Library::czmq, Library::pyzmq})
        check_relay(library, Keys(library));
}
