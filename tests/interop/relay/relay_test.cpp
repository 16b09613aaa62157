// SPDX-License-Identifier: Apache-2.0
// flotilla-relay between foreign libraries: each as sender and as receiver, and the relay bound and
// connected.
#include <interop/support/peer.hpp>
#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/process.hpp>

#include <csignal>

using namespace flotilla;
using namespace flotilla::interop;
using namespace flotilla::test;

namespace {

constexpr std::uint32_t messages = 24;
const std::string count = std::to_string(messages);
const std::string any_port = "tcp://127.0.0.1:*";

struct Kind {
    const char* name;
    std::string front; // the peer's type, and after the endpoint its role
    std::string front_role;
    std::string back;
    std::string back_role;
};

const Kind kinds[] = {
    {"streamer", "push", " --send " + count, "pull", " --receive " + count},
    {"forwarder", "pub", " --topic news --send " + count, "sub",
     " --subscribe news --receive " + count},
    {"queue", "req", " --request " + count, "rep", " --echo " + count},
};

Process start_relay(const Kind& kind, const std::string& front, const std::string& back) {
    return Process::start({FLOTILLA_RELAY_PROGRAM, kind.name, "--frontend", front, "--backend",
                           back, "--ready-json"});
}

// Where it is bound, when it says that it is ready.
nlohmann::json await_ready(Process& relay) {
    const auto line = relay.wait_line(Stream::output);
    INFO(relay.text(Stream::error));
    REQUIRE(line);
    return nlohmann::json::parse(*line).at("relays").at(0);
}

void talk_through(Process& relay, const Kind& kind, Peer& front, Peer& back) {
    const bool publishes = kind.front == "pub";
    if (publishes) {
        REQUIRE(back.probed(Process::patience)); // the subscription has gone upstream
        front.go();
    }
    Corpus corpus;
    if (publishes)
        corpus.topic = "news";
    corpus.frame_bytes_max = 8'000;
    const Tally all = tally_of(messages, corpus);
    CHECK(back.finish().received == all);
    const Peer::Outcome sent = front.finish();
    CHECK(sent.sent == all);
    CHECK(sent.received == (kind.front == "req" ? all : tally_of(0)));
    relay.signal(SIGTERM);
    CHECK(relay.wait_exit() == Exit::with(0));
}

// JeroMQ 0.3.6 holds back what follows a large frame until still more arrives.
std::string role_of(const std::string& role) {
    return role + " --frame-max 8000";
}

} // namespace

TEST_CASE("flotilla-relay carries messages from each foreign library to the next", "[interop]") {
    for (const Kind& kind : kinds)
        for (std::size_t i = 0; i < languages.size(); ++i) {
            const Language from = languages[i];
            const Language to = languages[(i + 1) % languages.size()];
            INFO(kind.name << " from " << name(from) << " to " << name(to));
            Process relay = start_relay(kind, any_port, any_port);
            const auto ready = await_ready(relay);
            const std::string front_at = ready.at("frontend").at(0).get<std::string>();
            const std::string back_at = ready.at("backend").at(0).get<std::string>();
            Peer back =
                Peer::start(to, kind.back + " connect " + back_at + role_of(kind.back_role));
            Peer front =
                Peer::start(from, kind.front + " connect " + front_at + role_of(kind.front_role));
            talk_through(relay, kind, front, back);
        }
}

TEST_CASE("flotilla-relay stands between foreign libraries that only bind", "[interop]") {
    for (const Kind& kind : kinds)
        for (std::size_t i = 0; i < languages.size(); ++i) {
            const Language from = languages[(i + 1) % languages.size()];
            const Language to = languages[i];
            INFO(kind.name << " from " << name(from) << " to " << name(to));
            Peer back = Peer::start(to, kind.back + " bind " + any_port + role_of(kind.back_role));
            Peer front =
                Peer::start(from, kind.front + " bind " + any_port + role_of(kind.front_role));
            Process relay =
                start_relay(kind, ">" + front.endpoint().text(), ">" + back.endpoint().text());
            (void)await_ready(relay);
            talk_through(relay, kind, front, back);
        }
}
