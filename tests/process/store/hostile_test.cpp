// SPDX-License-Identifier: Apache-2.0
// A store with CURVE among strangers: thousands of connections that bring garbage or nothing, and a
// key that is revoked while its session lives. Who is in notices none of it, and memory stays.
#include <flotilla/net/curve.hpp>
#include <flotilla/net/system.hpp>

#include <process/store/store_program.hpp>
#include <support/memory.hpp>
#include <support/raw_peer.hpp>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::test;

namespace {

struct Guarded {
    ScratchFolder scratch{};
    net::CurveKeyPair server = *net::generate_key_pair();
    net::CurveKeyPair alice = *net::generate_key_pair();
    std::string list = scratch.file("clients");
    Store store = start();

    Store start() {
        REQUIRE(net::save_certificate(server, scratch.file("server")));
        std::ofstream(list) << alice.public_key.z85() << " alice\n";
        return start_store_in(scratch.file("data"),
                              {"--auto-create", "*", "--curve-key", scratch.file("server_secret"),
                               "--allow-client-keys", list});
    }
    net::Socket peer(net::Context& context) {
        net::SocketOptions options;
        options.security = net::CurveClient{alice, server.public_key};
        auto socket = net::Socket::open(context, net::SocketType::dealer, options);
        REQUIRE(socket);
        REQUIRE(socket->connect(*net::Endpoint::parse(store.endpoints[0])));
        return std::move(*socket);
    }
    // A connection that says something and is not heard.
    RawTcpPeer stranger(const std::string& says) const {
        RawTcpPeer peer(*net::Endpoint::parse(store.endpoints[0]));
        (void)peer.say(says);
        return peer;
    }
    std::uint64_t memory() const { return memory_bytes(store.process.pid()); }
    std::uint64_t counted(const std::string& name) {
        store.process.signal(SIGUSR1);
        const auto line = store.process.wait_line(Stream::error, "access_counters");
        REQUIRE(line);
        const std::size_t at = line->find(" " + name + "=");
        return at == std::string::npos ? 0 : std::stoull(line->substr(at + name.size() + 2));
    }
    // Until these are so many together.
    bool until(const std::vector<std::string>& names, std::uint64_t wanted) {
        const Instant deadline = deadline_after(net::now(), patience);
        const auto sum = [&] {
            std::uint64_t all = 0;
            for (const std::string& each : names)
                all += counted(each);
            return all;
        };
        while (sum() != wanted)
            if (net::now() > deadline)
                return false;
        return true;
    }
};

std::string put(net::Socket& peer) {
    wire::Frames message{"", "FLQ1", "put", "c", "queue=orders\n", "hello"};
    REQUIRE(peer.send(message, patience));
    auto answer = peer.receive(patience);
    REQUIRE(answer);
    REQUIRE(answer->size() >= 3);
    return std::string((*answer)[2].view());
}

} // namespace

TEST_CASE("store: thousands of strangers leave no trace but numbers", "[process][store]") {
    Guarded with;
    auto context = net::Context::open();
    net::Socket peer = with.peer(*context);
    CHECK(put(peer) == "ok");
    constexpr int at_once = 200;
    const auto flood = [&](int rounds, const std::string& says) {
        for (int round = 0; round < rounds; ++round) {
            std::vector<RawTcpPeer> strangers;
            for (int i = 0; i < at_once; ++i)
                strangers.push_back(with.stranger(says));
            CHECK(put(peer) == "ok");
        }
    };
    const std::string garbage(500, 'x');
    flood(2, garbage); // tables have their size from here on
    REQUIRE(with.until({"connections"}, 1));
    const std::uint64_t before = with.memory();
    flood(10, garbage);
    flood(3, "");
    // The last ones may still wait to be accepted, though nobody else is there.
    CHECK(with.until({"refused_not_zmtp", "refused_closed", "refused_protocol"}, 15 * at_once));
    REQUIRE(with.until({"connections"}, 1));
    CHECK(uses_less_than(before + 8 * mebibyte, with.store.process.pid()));
    CHECK(with.store.process.wait_line(Stream::error, "handshake_refused"));
    std::size_t lines = 0;
    const std::string& log = with.store.process.text(Stream::error);
    for (std::size_t at = log.find("handshake_refused "); at != std::string::npos;
         at = log.find("handshake_refused ", at + 1))
        ++lines;
    CHECK(lines < 1'000); // at most ten a second
    CHECK(put(peer) == "ok");
}

TEST_CASE("store: a revoked key loses its rights with its session alive", "[process][store]") {
    Guarded with;
    auto context = net::Context::open();
    net::Socket peer = with.peer(*context);
    CHECK(put(peer) == "ok");
    std::ofstream(with.list) << "revoked " << with.alice.public_key.z85() << "\n";
    CHECK(with.store.process.wait_line(Stream::error, "access_reloaded keys=0"));
    // What it says next is refused and its connection cut; what comes back with that key stays out.
    CHECK(put(peer) == "error");
    CHECK(with.store.process.wait_line(Stream::error, "handshake_refused reason=revoked_key"));
}

TEST_CASE("store: a broken list keeps the old one, and says why", "[process][store]") {
    Guarded with;
    auto context = net::Context::open();
    std::ofstream(with.list) << "this is a letter\n";
    const auto failed = with.store.process.wait_line(Stream::error, "access_reload_failed");
    REQUIRE(failed);
    CHECK(has(*failed, "clients:1:"));
    with.store.process.signal(SIGHUP);
    CHECK(with.store.process.wait_line(Stream::error, "reload_failed"));
    net::Socket peer = with.peer(*context);
    CHECK(put(peer) == "ok");
}
