// SPDX-License-Identifier: Apache-2.0
// zmq doctor before every kind of patient.
#include "plain_server.hpp"
#include "zmq_program.hpp"

#include <flotilla/net/curve.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <support/scripted_admin.hpp>

#include <csignal>
#include <fstream>
#include <string>

using namespace flotilla;
using namespace flotilla::test;

namespace {

Completed doctor(std::vector<std::string> words) {
    words.insert(words.begin(), {"doctor", "--listen", "600ms"});
    return run_zmq(std::move(words));
}

void check_finds(const Completed& run, int code, const std::string& finding) {
    INFO(run.output);
    INFO(run.error);
    CHECK(run.exit == Exit::with(code));
    CHECK(run.output.find("verdict     " + finding + ":") != std::string::npos);
}

// A publisher that goes on until its input ends.
struct Publisher {
    explicit Publisher(std::vector<std::string> more = {})
        : process(start_zmq(words(std::move(more)))), endpoint(bound_endpoint(process)) {}
    static std::vector<std::string> words(std::vector<std::string> more) {
        std::vector<std::string> all{"pub",     any_port,         "-i", "5ms",
                                     "--topic", "weather.london", "x"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    Process process;
    std::string endpoint;
};

} // namespace

TEST_CASE("doctor: nobody there") {
    const PlainServer closed(PlainServer::Listens::no, "");
    check_finds(doctor({closed.endpoint()}), 3, "nobody_listens");
    const ScratchFolder scratch;
    check_finds(doctor({"ipc://" + scratch.file("none")}), 3, "no_socket_file");
    std::ofstream{scratch.file("text")} << "text";
    check_finds(doctor({"ipc://" + scratch.file("text")}), 1, "not_a_socket");
    check_finds(doctor({"tcp://no-such-host.invalid:5555", "-t", "4s"}), 3, "host_unknown");
}

TEST_CASE("doctor: who hangs up on us is asked why") {
    const PlainServer hangs_up(PlainServer::Listens::yes,
                               std::string("\xFF\0\0\0\0\0\0\0\x01\x7F", 10));
    check_finds(doctor({hangs_up.endpoint()}), 1, "closes_at_once");
    std::atomic<int> refused = 0;
    ScriptedAdmin daemon([&](const auto&, const auto&) {
        AdminReply reply{200, store_status()};
        reply.json["columns"]["store"].push_back(
            {{"name", "refused_penalty"}, {"kind", "counter"}, {"unit", "count"}, {"help", ""}});
        reply.json["totals"]["refused_penalty"] = ++refused;
        return reply;
    });
    check_finds(doctor({hangs_up.endpoint(), "--admin", daemon.endpoint()}), 4, "address_waits");
    const ScratchFolder scratch;
    const Completed unasked =
        doctor({hangs_up.endpoint(), "--admin", scratch.ipc("none").text(), "-t", "1s"});
    check_finds(unasked, 1, "closes_at_once");
    CHECK(unasked.output.find("no daemon answers") != std::string::npos);
}

TEST_CASE("doctor: a socket file whose program was killed") {
    const ScratchFolder scratch;
    const std::string endpoint = "ipc://" + scratch.file("stale");
    Process pull = start_zmq({"pull", "@" + endpoint, "-v"});
    REQUIRE_FALSE(bound_endpoint(pull).empty());
    pull.signal(SIGKILL);
    REQUIRE(pull.wait_exit());
    const Completed run = doctor({endpoint});
    check_finds(run, 3, "nobody_listens");
    CHECK(run.output.find("the socket file is there") != std::string::npos);
}

TEST_CASE("doctor: what is not ZeroMQ is named") {
    const PlainServer web(PlainServer::Listens::yes, "HTTP/1.1 400 Bad Request\r\n\r\n");
    const Completed run = doctor({web.endpoint()});
    check_finds(run, 1, "not_zeromq");
    CHECK(run.output.find("an HTTP server") != std::string::npos);
    const PlainServer shell(PlainServer::Listens::yes, "SSH-2.0-OpenSSH_9.2\r\n");
    CHECK(doctor({shell.endpoint()}).output.find("an SSH server") != std::string::npos);
    const PlainServer unknown(PlainServer::Listens::yes, "good day\n");
    CHECK(doctor({unknown.endpoint()}).output.find("good day") != std::string::npos);
    const PlainServer silent(PlainServer::Listens::yes, "");
    check_finds(doctor({silent.endpoint(), "-t", "1s"}), 1, "silent");
}

TEST_CASE("doctor: a publisher, its topics, and a subscriber who misspelt one") {
    const Publisher publisher;
    const Completed healthy = doctor({publisher.endpoint});
    check_finds(healthy, 0, "healthy");
    CHECK(healthy.output.find("peer        PUB") == std::string::npos); // zmq pub is an XPUB
    CHECK(healthy.output.find("peer        XPUB") != std::string::npos);
    CHECK(healthy.output.find("topic       \"weather.london\"") != std::string::npos);
    const Completed misspelt = doctor({publisher.endpoint, "--topic", "wether.london"});
    check_finds(misspelt, 3, "topic_unmatched");
    CHECK(misspelt.output.find("did you mean \"weather.london\"?") != std::string::npos);
    check_finds(doctor({publisher.endpoint, "--topic", "weather."}), 0, "healthy");
    check_finds(doctor({publisher.endpoint, "--type", "pull"}), 4, "type_mismatch");
    const Completed json = doctor({publisher.endpoint, "--json"});
    CHECK(json.output.find(R"("verdict":"healthy","exit":0)") != std::string::npos);
}

TEST_CASE("doctor: a publisher with nothing to say, and a subscriber's wishes") {
    Process silent = start_zmq({"xpub", any_port, "-t", "60s"});
    check_finds(doctor({bound_endpoint(silent)}), 3, "nothing_arrives");
    Process sub = start_zmq({"sub", any_port, "-s", "weather."});
    const Completed run = doctor({bound_endpoint(sub)});
    check_finds(run, 0, "healthy");
    CHECK(run.output.find("subscribes  \"weather.\"") != std::string::npos);
}

TEST_CASE("doctor: nothing is taken from a pusher unless allowed") {
    Process push = start_zmq({"push", any_port, "job", "-v", "--linger", "30s"});
    const std::string endpoint = bound_endpoint(push);
    check_finds(doctor({endpoint}), 0, "healthy");
    const Completed taken = doctor({endpoint, "--take"});
    check_finds(taken, 0, "healthy");
    CHECK(taken.output.find("topic       \"job\"  1") != std::string::npos);
    CHECK(push.wait_exit()); // it had one job, and somebody took it
}

TEST_CASE("doctor: plaintext, a wrong key and a key that is not allowed are told apart") {
    const ScratchFolder scratch;
    for (const char* name : {"server", "friend", "stranger"})
        REQUIRE(run_zmq({"keys", "new", scratch.file(name)}).exit == Exit::with(0));
    REQUIRE(run_zmq({"keys", "allow", scratch.file("allowed"), scratch.file("friend")}).exit ==
            Exit::with(0));
    const Publisher publisher({"--curve-key", scratch.file("server_secret"), "--allow-client-keys",
                               scratch.file("allowed")});
    const std::string& endpoint = publisher.endpoint;
    check_finds(doctor({endpoint}), 4, "peer_encrypts");
    check_finds(doctor({endpoint, "--server-key", scratch.file("stranger")}), 4,
                "wrong_server_key");
    check_finds(doctor({endpoint, "--server-key", scratch.file("server"), "--curve-key",
                        scratch.file("stranger_secret")}),
                4, "key_not_allowed");
    check_finds(doctor({endpoint, "--server-key", scratch.file("server"), "--curve-key",
                        scratch.file("friend_secret")}),
                0, "healthy");
    const Publisher open;
    check_finds(doctor({open.endpoint, "--server-key", scratch.file("server")}), 4,
                "peer_is_plaintext");
}

TEST_CASE("doctor: a CURVE server written with pyzmq") {
    const ScratchFolder scratch;
    Process server =
        Process::start({"/usr/bin/python3", "-c",
                        "import zmq, sys\n"
                        "socket = zmq.Context().socket(zmq.REP)\n"
                        "key, secret = zmq.curve_keypair()\n"
                        "socket.curve_publickey, socket.curve_secretkey = key, secret\n"
                        "socket.curve_server = True\n"
                        "port = socket.bind_to_random_port('tcp://127.0.0.1')\n"
                        "print(port, key.decode(), flush=True)\n"
                        "sys.stdin.read()\n"});
    const auto line = server.wait_line(Stream::output);
    REQUIRE(line);
    const std::string endpoint = "tcp://127.0.0.1:" + line->substr(0, line->find(' '));
    const std::string key = line->substr(line->find(' ') + 1);
    check_finds(doctor({endpoint}), 4, "peer_encrypts");
    const Completed run = doctor({endpoint, "--server-key", key});
    check_finds(run, 0, "healthy");
    CHECK(run.output.find("a REP or ROUTER is there") != std::string::npos);
    check_finds(doctor({endpoint, "--server-key", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"}), 4,
                "wrong_server_key");
}

TEST_CASE("doctor: what it cannot visit is wrong usage") {
    for (const char* endpoint : {"inproc://x", "tcp://*:5555", "@tcp://127.0.0.1:5555", "nonsense"})
        CHECK(run_zmq({"doctor", endpoint}).exit == Exit::with(2));
}
