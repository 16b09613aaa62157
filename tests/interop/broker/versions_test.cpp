// SPDX-License-Identifier: Apache-2.0
// flotilla-broker between clients and workers that were written from the RFCs, on libraries that
// are not ours: every mix of versions and languages.
#include <interop/support/peer.hpp>
#include <process/broker/broker_program.hpp>

#include <csignal>

using namespace flotilla;
using namespace flotilla::interop;
using namespace flotilla::test;

namespace {

// What JeroMQ 0.3.6 decodes without waiting for more.
constexpr const char* small_frames = " --frame-max 8000";
constexpr std::uint32_t requests = 24;

std::string words(const std::string& type, const net::Endpoint& broker, const std::string& role,
                  const std::string& version, const std::string& service) {
    return type + " connect " + broker.text() + " --" + role + " " + std::to_string(requests) +
           " --version " + version + " --service " + service + small_frames;
}

// A worker and a client talk through the broker; each counts the same messages both ways.
void check_pair(const net::Endpoint& broker, Language worker_language,
                const std::string& worker_version, Language client_language,
                const std::string& client_version, const std::string& client_type) {
    // Of its own: the worker before may not have left yet.
    static int pair = 0;
    const std::string service = "echo-" + std::to_string(++pair);
    INFO(name(worker_language) << " worker " << worker_version << ", " << name(client_language)
                               << " " << client_type << " client " << client_version);
    Peer worker =
        Peer::start(worker_language, words("dealer", broker, "serve", worker_version, service));
    Peer client =
        Peer::start(client_language, words(client_type, broker, "ask", client_version, service));
    const Peer::Outcome asked = client.finish();
    const Peer::Outcome served = worker.finish();
    CHECK(asked.sent.count == requests);
    CHECK(asked.sent == asked.received);
    CHECK(served.received == asked.sent);
    CHECK(served.sent == asked.sent);
}

} // namespace

TEST_CASE("clients and workers of both versions and every library meet at flotilla-broker",
          "[interop][broker]") {
    Daemon daemon = start_broker_anywhere();
    const net::Endpoint broker = daemon.endpoints[0];
    for (const Language worker : languages)
        for (const Language client : languages)
            for (const std::string worker_version : {"0.1", "0.2"})
                for (const std::string client_version : {"0.1", "0.2"})
                    check_pair(broker, worker, worker_version, client, client_version, "dealer");
    daemon.process.signal(SIGTERM);
    CHECK(daemon.process.wait_exit() == Exit::with(0));
    CHECK_FALSE(has(daemon.process.text(Stream::error), " malformed "));
    CHECK_FALSE(has(daemon.process.text(Stream::error), " unexpected "));
}

TEST_CASE("a plain REQ is a client of 7/MDP, whatever its worker speaks", "[interop][broker]") {
    Daemon daemon = start_broker_anywhere();
    for (const Language client : languages)
        for (const std::string worker_version : {"0.1", "0.2"})
            check_pair(daemon.endpoints[0], Language::python, worker_version, client, "0.1", "req");
}
