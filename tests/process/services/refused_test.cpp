// SPDX-License-Identifier: Apache-2.0
// zmq serve, call and services as somebody who is not let in, or may not serve.
#include <flotilla/net/curve.hpp>

#include <process/broker/broker_program.hpp>
#include <process/cli/zmq_program.hpp>
#include <support/scratch.hpp>

#include <csignal>
#include <fstream>

using namespace flotilla;
using namespace flotilla::test;

namespace {

// A broker with CURVE, that knows alice, who may call, and bob, who may serve "price" as well.
struct Guarded {
    ScratchFolder scratch{};
    net::CurveKeyPair server = saved("server");
    net::CurveKeyPair alice = saved("alice");
    net::CurveKeyPair bob = saved("bob");
    Daemon broker = start();

    net::CurveKeyPair saved(const std::string& name) const {
        const auto keys = *net::generate_key_pair();
        REQUIRE(net::save_certificate(keys, scratch.file(name)));
        return keys;
    }
    Daemon start() const {
        std::ofstream(scratch.file("list")) << alice.public_key.z85() << " alice\n"
                                            << bob.public_key.z85() << " bob\n";
        std::ofstream(scratch.file("access.toml"))
            << "[[rule]]\nwho = ['alice', 'bob']\nallow = 'call'\non = '*'\n"
               "[[rule]]\nwho = 'bob'\nallow = 'serve'\non = 'price'\n";
        return start_broker_anywhere({"--curve-key", scratch.file("server_secret"),
                                      "--allow-client-keys", scratch.file("list"), "--access",
                                      scratch.file("access.toml")});
    }
    std::string at() const { return broker.endpoints[0].text(); }
    std::vector<std::string> plain(std::vector<std::string> words) const {
        words.insert(words.end(), {"--broker", at()});
        return words;
    }
    std::vector<std::string> with_keys(std::vector<std::string> words, const std::string& who,
                                       const std::string& server_key) const {
        words = plain(std::move(words));
        words.insert(words.end(), {"--curve-key", scratch.file(who + "_secret"), "--server-key",
                                   scratch.file(server_key)});
        return words;
    }
};

} // namespace

TEST_CASE(
    "serve says once why it does not come in, and goes on, without keys or with a wrong one") {
    const Guarded with;
    for (const std::vector<std::string>& words :
         {with.plain({"serve", "price", "--echo"}),
          with.with_keys({"serve", "price", "--echo"}, "alice", "bob")}) {
        Process server = start_zmq(words);
        const bool told =
            server.wait_line(Stream::error, with.at() + ": it broke off the handshake").has_value();
        INFO(server.text(Stream::error));
        REQUIRE(told);
        server.signal(SIGTERM);
        CHECK(server.wait_exit() == Exit::with(143));
        const std::string said = server.text(Stream::error);
        INFO(said);
        CHECK(said.find("broke off") == said.rfind("broke off"));
        CHECK_FALSE(has(said, "serving"));
        CHECK_FALSE(has(said, "::ffff"));
    }
}

TEST_CASE("serve ends with 4 where a rule forbids it, and never says that it serves") {
    const Guarded with;
    const Completed run = run_zmq(with.with_keys({"serve", "price", "--echo"}, "alice", "server"));
    INFO(run.error);
    CHECK(run.exit == Exit::with(4));
    CHECK(has(run.error, "alice may not serve 'price'"));
    CHECK_FALSE(has(run.error, "serving 'price'"));
    CHECK_FALSE(has(run.error, "left the broker"));
    CHECK_FALSE(has(run.error, "say READY"));
}

TEST_CASE("serve says that it serves when the broker has taken it") {
    const Guarded with;
    Process server = start_zmq(with.with_keys({"serve", "price", "--echo"}, "bob", "server"));
    REQUIRE(server.wait_line(Stream::error, "serving 'price' at " + with.at()));
    const Completed call = run_zmq(with.with_keys({"call", "price", "x"}, "alice", "server"));
    CHECK(call.output == "x\n");
    server.signal(SIGTERM);
    CHECK(server.wait_exit() == Exit::with(143));
}

TEST_CASE("call and services do not take a broker with CURVE for nobody") {
    const Guarded with;
    for (const std::vector<std::string>& words :
         {with.plain({"call", "price", "x", "-t", "5s"}), with.plain({"services", "-t", "5s"})}) {
        const Completed run = run_zmq(words);
        INFO(run.error);
        CHECK(run.exit == Exit::with(3));
        CHECK(has(run.error, with.at() + ": it broke off the handshake: does it use CURVE"));
        CHECK_FALSE(has(run.error, "nobody listens"));
        CHECK_FALSE(has(run.error, "::ffff"));
    }
}
