// SPDX-License-Identifier: Apache-2.0
// zmq doctor before daemons with CURVE, rules and limits.
#include <flotilla/net/curve.hpp>

#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>

#include <fstream>

using namespace flotilla;
using namespace flotilla::test;
using Json = nlohmann::json;

namespace {

std::vector<std::string> zmq(std::vector<std::string> words) {
    words.insert(words.begin(), FLOTILLA_ZMQ_PROGRAM);
    return words;
}

struct Daemon {
    Process process;
    Json said;
};

Daemon start(std::vector<std::string> command) {
    command.push_back("--ready-json");
    Process process = Process::start(command);
    const auto line = process.wait_line(Stream::output);
    if (!line) {
        (void)process.wait_exit();
        FAIL(process.text(Stream::error));
    }
    return {std::move(process), Json::parse(*line)};
}

// Keys of a server, and of alice, whom it knows.
struct Keys {
    ScratchFolder scratch{};
    net::CurveKeyPair alice{};

    Keys() {
        alice = *net::generate_key_pair();
        REQUIRE(net::save_certificate(*net::generate_key_pair(), scratch.file("server")));
        REQUIRE(net::save_certificate(alice, scratch.file("alice")));
        std::ofstream(scratch.file("list")) << alice.public_key.z85() << " alice\n";
    }
    void rules(const std::string& text) const {
        std::ofstream(scratch.file("access.toml")) << text;
    }
    std::string admin() const { return "ipc://" + scratch.file("admin"); }
    Daemon serve(std::vector<std::string> command) const {
        command.insert(command.end(), {"--curve-key", scratch.file("server_secret"),
                                       "--allow-client-keys", scratch.file("list"), "--access",
                                       scratch.file("access.toml"), "--admin", admin()});
        return start(std::move(command));
    }
    Completed doctor(std::vector<std::string> words) const {
        words.insert(words.begin(), "doctor");
        words.insert(words.end(), {"--listen", "500ms", "--curve-key", scratch.file("alice_secret"),
                                   "-t", "20s"});
        return run_program(zmq(std::move(words)));
    }
    std::string key() const { return scratch.file("server"); }
};

void check_finds(const Completed& run, int code, const std::string& finding) {
    INFO(run.output);
    INFO(run.error);
    CHECK(run.exit == Exit::with(code));
    CHECK(run.output.find("verdict     " + finding + ":") != std::string::npos);
}

} // namespace

TEST_CASE("doctor: a denied address is not a wrong server key") {
    const Keys keys;
    keys.rules("[[address]]\ndeny = ['127.0.0.0/8']\n");
    const Daemon store =
        keys.serve({FLOTILLA_STORE_PROGRAM, "--bind", "tcp://127.0.0.1:*", "--data",
                    keys.scratch.file("data"), "--write-ahead-bytes", "1MiB"});
    const std::string at = store.said.at("endpoints").at(0);
    check_finds(keys.doctor({at, "--server-key", keys.key()}), 1, "closes_at_once");
    check_finds(keys.doctor({at, "--server-key", keys.key(), "--admin", keys.admin()}), 4,
                "address_denied");
    // The daemon's opinion is to be had while the server key is in doubt.
    check_finds(keys.doctor({at, "--server-key", keys.scratch.file("alice"), "--admin",
                             keys.admin(), "--admin-server-key", keys.key()}),
                4, "address_denied");
}

TEST_CASE("doctor: a wrong server key is found where the daemon can be asked, too") {
    const Keys keys;
    keys.rules("[[rule]]\nwho = 'alice'\nallow = '*'\non = '*'\n");
    const Daemon store =
        keys.serve({FLOTILLA_STORE_PROGRAM, "--bind", "tcp://127.0.0.1:*", "--data",
                    keys.scratch.file("data"), "--write-ahead-bytes", "1MiB"});
    const std::string at = store.said.at("endpoints").at(0);
    check_finds(keys.doctor({at, "--server-key", keys.scratch.file("alice"), "--admin",
                             keys.admin(), "--admin-server-key", keys.key()}),
                4, "wrong_server_key");
}

TEST_CASE("doctor: a subscription that a rule refuses is told as such") {
    const Keys keys;
    keys.rules("[[rule]]\nwho = 'alice'\nallow = 'subscribe'\non = 'open.*'\n");
    const Daemon relay = keys.serve({FLOTILLA_RELAY_PROGRAM, "forwarder", "--frontend",
                                     "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"});
    const std::string at = relay.said.at("relays").at(0).at("backend").at(0);
    const auto asked = [&](const std::string& topic) {
        return keys.doctor({at, "--server-key", keys.key(), "--type", "sub", "--topic", topic,
                            "--admin", keys.admin()});
    };
    check_finds(asked("feed."), 4, "topic_not_allowed");
    const Completed silent = asked("open.x");
    check_finds(silent, 3, "nothing_arrives");
    // With the right keys a visit leaves no handshake unfinished.
    CHECK(silent.output.find("turned away") == std::string::npos);
}

TEST_CASE("doctor: where no more connections are taken, it is not let in, however often it looks") {
    const ScratchFolder scratch;
    const Daemon store =
        start({FLOTILLA_STORE_PROGRAM, "--bind", "tcp://127.0.0.1:*", "--data",
               scratch.file("data"), "--write-ahead-bytes", "1MiB", "--connections-max", "1"});
    const std::string at = store.said.at("endpoints").at(0);
    Process holds = Process::start(zmq({"dealer", at, "-v"}));
    REQUIRE(holds.wait_line(Stream::error, "handshake done"));
    for (int i = 0; i < 3; ++i)
        check_finds(run_program(zmq({"doctor", at})), 1, "closes_at_once");
}
