// SPDX-License-Identifier: Apache-2.0
// Daemons that are told to reload a hundred times a second, while their settings are half written,
// removed, not a file, or replaced: nothing of the load is lost, and settings hold whole or not.
#include <flotilla/net/system.hpp>

#include <process/admin/daemon.hpp>

#include <csignal>
#include <functional>
#include <set>

using namespace flotilla;
using namespace flotilla::test;
using flotilla::net::Socket;
using flotilla::net::SocketType;
using flotilla::wire::Frames;

namespace {

namespace fs = std::filesystem;

constexpr Duration between = 10ms; // two reloads
constexpr int steps = 240;

// A settings file in every state that a reload may meet it in.
struct Storm {
    Storm(std::string file, std::string rest) : path(std::move(file)), text(std::move(rest)) {
        replace(whole("9s"));
    }
    std::string whole(const std::string& drain) const { return "drain = '" + drain + "'\n" + text; }
    void write(const std::string& with) const {
        fs::remove_all(path);
        std::ofstream(path) << with;
    }
    void replace(const std::string& with) const {
        std::ofstream(path + ".new") << with;
        if (fs::is_directory(path))
            fs::remove(path);
        fs::rename(path + ".new", path);
    }
    void step(int number) const {
        switch (number % 6) {
        case 0:
            return replace(whole("9s"));
        case 1:
            return write("drain = '1h'\nlog_le"); // half
        case 2:
            return write(""); // about to be written
        case 3:
            fs::remove_all(path);
            return;
        case 4:
            fs::create_directory(path);
            return;
        default:
            return replace(whole("8s"));
        }
    }
    std::string path;
    std::string text;
};

Process started(const std::string& program, const Storm& storm, std::vector<std::string> more,
                nlohmann::json& said) {
    more.insert(more.begin(), {program, "--config", storm.path, "--ready-json"});
    Process process = Process::start(more);
    const auto line = process.wait_line(Stream::output);
    if (!line) {
        (void)process.wait_exit();
        FAIL(process.text(Stream::error));
    }
    said = nlohmann::json::parse(*line);
    return process;
}

Socket connected(net::Context& context, SocketType type, const std::string& endpoint) {
    auto socket = Socket::open(context, type);
    REQUIRE(socket);
    REQUIRE(socket->connect(*net::Endpoint::parse(endpoint)));
    return std::move(*socket);
}

Frames asked(Socket& from, Frames message) {
    REQUIRE(from.send(message, patience));
    auto answer = from.receive(patience);
    REQUIRE(answer);
    return std::move(*answer);
}

// `load` is one piece of it, checked.
void weather(Process& daemon, const Storm& storm, const std::function<void()>& load) {
    for (int i = 0; i < steps; ++i) {
        storm.step(i);
        daemon.signal(SIGHUP);
        const Instant until = net::now() + between;
        do
            load();
        while (net::now() < until);
    }
    storm.replace(storm.whole("7s"));
    daemon.signal(SIGHUP);
    REQUIRE(daemon.wait_line(Stream::error, "reloaded changed=drain"));
    load();
    const std::string& log = daemon.text(Stream::error);
    for (const char* why :
         {"there is no such file", "it is empty", ":2:", "not an ordinary file"}) {
        INFO(why);
        CHECK(log.find(why) != std::string::npos);
    }
    // Nothing but whole files was taken over.
    std::set<std::string> changed;
    for (std::size_t at = log.find("reloaded changed="); at != std::string::npos;
         at = log.find("reloaded changed=", at + 1))
        changed.insert(log.substr(at + 17, log.find('\n', at) - at - 17));
    changed.erase("drain");
    changed.erase("nothing");
    CHECK(changed == std::set<std::string>{});
    daemon.signal(SIGTERM);
    CHECK(daemon.wait_line(Stream::error, "draining deadline=7s"));
    CHECK(daemon.wait_exit() == Exit::with(0));
}

} // namespace

TEST_CASE("a storm of reloads: the store keeps and delivers everything", "[process][admin]") {
    const ScratchFolder scratch;
    const Storm storm(scratch.file("store.toml"),
                      "bind = 'tcp://127.0.0.1:*'\ndata = 'data'\nwrite_ahead_bytes = '1MiB'\n"
                      "[[auto_create]]\npattern = '*'\n");
    nlohmann::json said;
    Process store = started(FLOTILLA_STORE_PROGRAM, storm, {}, said);
    auto context = net::Context::open();
    Socket peer = connected(*context, SocketType::req, said.at("endpoints").at(0));
    std::uint64_t number = 0;
    weather(store, storm, [&] {
        const std::string body = std::to_string(++number);
        REQUIRE(asked(peer, {"FLQ1", "put", "", "queue=q\n", ByteView{body}})[1] == ByteView{"ok"});
        const Frames taken = asked(peer, {"FLQ1", "take", "", "queue=q\n"});
        REQUIRE(taken.size() == 5);
        REQUIRE(taken[4] == ByteView{body});
        const std::string options(taken[3].view());
        const std::size_t at = options.find("lease=");
        const std::string lease = options.substr(at, options.find('\n', at) - at);
        REQUIRE(asked(peer, {"FLQ1", "ack", "", ByteView{lease}})[1] == ByteView{"ok"});
    });
}

TEST_CASE("a storm of reloads: the broker routes every request and answer", "[process][admin]") {
    const ScratchFolder scratch;
    const Storm storm(scratch.file("broker.toml"), "bind = 'tcp://127.0.0.1:*'\n");
    nlohmann::json said;
    Process broker = started(FLOTILLA_BROKER_PROGRAM, storm, {}, said);
    auto context = net::Context::open();
    const std::string endpoint = said.at("endpoints").at(0);
    Socket worker = connected(*context, SocketType::dealer, endpoint);
    Socket client = connected(*context, SocketType::dealer, endpoint);
    Frames ready{"MDPW02", "\x01", "echo"};
    REQUIRE(worker.send(ready, patience));
    std::uint64_t number = 0;
    weather(broker, storm, [&] {
        const std::string body = std::to_string(++number);
        Frames request{"MDPC02", "\x01", "echo", ByteView{body}};
        REQUIRE(client.send(request, patience));
        Frames taken;
        do { // heartbeats are passed over, and answered
            auto message = worker.receive(patience);
            REQUIRE(message);
            taken = std::move(*message);
            Frames alive{"MDPW02", "\x05"};
            REQUIRE(worker.send(alive, patience));
        } while (taken[1] != ByteView{"\x02"});
        Frames answer{"MDPW02", "\x04", taken[2].view(), "", ByteView{body}};
        REQUIRE(worker.send(answer, patience));
        auto reply = client.receive(patience);
        REQUIRE(reply);
        REQUIRE(reply->back() == ByteView{body});
    });
}

TEST_CASE("a storm of reloads: the relay passes every message, in order", "[process][admin]") {
    const ScratchFolder scratch;
    const Storm storm(scratch.file("relay.toml"),
                      "[[relay]]\nkind = 'streamer'\nfrontend = 'tcp://127.0.0.1:*'\n"
                      "backend = 'tcp://127.0.0.1:*'\n");
    nlohmann::json said;
    Process relay = started(FLOTILLA_RELAY_PROGRAM, storm, {}, said);
    auto context = net::Context::open();
    const auto& made = said.at("relays").at(0);
    Socket push = connected(*context, SocketType::push, made.at("frontend").at(0));
    Socket pull = connected(*context, SocketType::pull, made.at("backend").at(0));
    std::uint64_t number = 0;
    weather(relay, storm, [&] {
        for (int i = 0; i < 10; ++i)
            REQUIRE(push.send(ByteView{std::to_string(number + std::uint64_t(i))}, patience));
        for (int i = 0; i < 10; ++i) {
            const auto message = pull.receive(patience);
            REQUIRE(message);
            REQUIRE((*message)[0] == ByteView{std::to_string(number++)});
        }
    });
}
