// SPDX-License-Identifier: Apache-2.0
// CURVE with foreign libraries: each side as server and as client, certificate files written by
// each side and read by the other. (JeroMQ 0.3.6 has no CURVE.)
#include <flotilla/net/curve.hpp>
#include <flotilla/net/monitor.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/net/zap.hpp>

#include <interop/support/peer.hpp>
#include <support/catch.hpp>
#include <support/patience.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>

#include <filesystem>

using namespace flotilla;
using namespace flotilla::interop;
using net::SocketType;

namespace {

using flotilla::test::patience;
constexpr std::uint32_t messages = 16;

// Certificates NAME.key and NAME.key_secret, and a folder with the clients that are let in.
struct Certificates {
    test::ScratchFolder folder{};
    std::string server = folder.file("server.key");
    std::string client = folder.file("client.key");
    std::string stranger = folder.file("stranger.key");
    std::string clients = folder.file("clients");
};

void let_client_in(const Certificates& made) {
    std::filesystem::create_directory(made.clients);
    std::filesystem::copy(made.client, made.clients);
}

void write_ours(const Certificates& to) {
    for (const std::string& path : {to.server, to.client, to.stranger})
        REQUIRE(net::save_certificate(*net::generate_key_pair(), path));
    let_client_in(to);
}

void write_with_pyzmq(const Certificates& to) {
    const std::string script = "import sys, zmq.auth\n"
                               "for name in ('server', 'client', 'stranger'):\n"
                               "    zmq.auth.create_certificates(sys.argv[1], name)\n";
    const auto run =
        test::run_program({"/usr/bin/python3", "-c", script, to.folder.path().string()});
    INFO("the package python3-zmq has to be installed: " << run.error);
    REQUIRE(run.exit == test::Exit::with(0));
    for (const std::string& path : {to.server, to.client, to.stranger}) {
        // pyzmq leaves secret files as open as the umask does, and the user narrows them.
        std::filesystem::permissions(path + "_secret", std::filesystem::perms{0644});
        const auto open_to_all = net::load_key_pair(path + "_secret");
        REQUIRE_FALSE(open_to_all);
        CHECK(open_to_all.error().code == Errc::unsafe_file);
        std::filesystem::permissions(path + "_secret", std::filesystem::perms{0600});
    }
    let_client_in(to);
}

net::CurveKeyPair pair_of(const std::string& public_path) {
    const auto keys = net::load_key_pair(public_path + "_secret");
    REQUIRE(keys);
    return *keys;
}

net::SocketOptions serving(const Certificates& with) {
    const auto allowed = net::load_allow_list(with.clients);
    REQUIRE(allowed);
    net::SocketOptions options;
    options.security = net::CurveServer{pair_of(with.server), *allowed};
    return options;
}

net::SocketOptions asking(const Certificates& with, const std::string& who) {
    const auto server = net::load_public_key(with.server);
    REQUIRE(server);
    net::SocketOptions options;
    options.security = net::CurveClient{pair_of(who), *server};
    return options;
}

void we_serve(const Certificates& with, Language language) {
    auto context = net::Context::open();
    auto router = net::Socket::open(*context, SocketType::router, serving(with));
    REQUIRE(router);
    const std::string where = "dealer connect " + router->bind(test::any_tcp())->text() +
                              " --server-key " + with.server + " --request ";
    Peer peer = Peer::start(language, where + std::to_string(messages) + " --curve-client " +
                                          with.client + "_secret");
    for (std::uint32_t i = 0; i < messages; ++i) {
        auto frames = router->receive(patience);
        REQUIRE(frames);
        REQUIRE(router->send(*frames, patience));
    }
    CHECK(peer.finish().received == tally_of(messages));
    CHECK(net::access_counters(*context).denied_total == 0);

    const Peer stranger =
        Peer::start(language, where + "1 --curve-client " + with.stranger + "_secret");
    const Instant deadline = deadline_after(net::now(), patience);
    while (net::access_counters(*context).denied_total == 0 && net::now() < deadline)
        CHECK_FALSE(router->receive(10ms));
    CHECK(net::access_counters(*context).denied_total > 0);
}

void they_serve(const Certificates& with, Language language) {
    auto context = net::Context::open();
    Peer peer = Peer::start(language, "router bind tcp://127.0.0.1:* --curve-server " +
                                          with.server + "_secret --clients " + with.clients +
                                          " --echo " + std::to_string(messages));
    auto stranger = net::Socket::open(*context, SocketType::dealer, asking(with, with.stranger));
    auto monitor = net::Monitor::open(*stranger);
    REQUIRE(monitor);
    REQUIRE(stranger->connect(peer.endpoint()));
    const Instant deadline = deadline_after(net::now(), patience);
    std::optional<net::ConnectionEvent> refused;
    while (!refused && net::now() < deadline) {
        (void)monitor->socket().wait_readable(10ms);
        while (auto event = monitor->next())
            if (event->kind == net::ConnectionEvent::Kind::handshake_failed_auth)
                refused = event;
    }
    REQUIRE(refused);
    CHECK(refused->value == 400);

    auto dealer = net::Socket::open(*context, SocketType::dealer, asking(with, with.client));
    REQUIRE(dealer->connect(peer.endpoint()));
    Digest digest;
    for (std::uint32_t i = 0; i < messages; ++i) {
        wire::Frames frames = message(i);
        REQUIRE(dealer->send(frames, patience));
        auto answer = dealer->receive(patience);
        REQUIRE(answer);
        digest.add(*answer);
    }
    CHECK(digest.tally() == tally_of(messages));
    CHECK(peer.finish().received == tally_of(messages));
}

} // namespace

TEST_CASE("CURVE with certificate files that we wrote and foreign libraries read", "[interop]") {
    const Certificates ours;
    write_ours(ours);
    for (const Language language : {Language::python, Language::javascript}) {
        INFO(name(language));
        we_serve(ours, language);
        they_serve(ours, language);
    }
}

TEST_CASE("CURVE with certificate files that pyzmq wrote and we read", "[interop]") {
    const Certificates theirs;
    write_with_pyzmq(theirs);
    for (const Language language : {Language::python, Language::javascript}) {
        INFO(name(language));
        we_serve(theirs, language);
        they_serve(theirs, language);
    }
}
