// SPDX-License-Identifier: Apache-2.0
// CURVE from the command line: who gets in, who does not, and what each is told.
#include "zmq_program.hpp"

#include <flotilla/net/curve.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/stat.h>

#include <fstream>
#include <string>

using namespace flotilla;
using namespace flotilla::test;

namespace {

// A certificate pair in `scratch`; the secret file is NAME_secret.
net::CurveKeyPair make_keys(const ScratchFolder& scratch, const std::string& name) {
    const auto keys = net::generate_key_pair();
    REQUIRE(keys);
    REQUIRE(net::save_certificate(*keys, scratch.file(name)));
    return *keys;
}

} // namespace

TEST_CASE("a listed client gets in, and the server sees its key as user id") {
    const ScratchFolder scratch;
    make_keys(scratch, "server");
    const net::CurveKeyPair client = make_keys(scratch, "client");
    std::ofstream{scratch.file("allowed")} << client.public_key.z85() << "\n";
    Process pull =
        start_zmq({"pull", any_port, "--curve-key", scratch.file("server_secret"),
                   "--allow-client-keys", scratch.file("allowed"), "-n", "1", "-o", "%u %t"});
    const Completed push =
        run_zmq({"push", bound_endpoint(pull), "--curve-key", scratch.file("client_secret"),
                 "--server-key", scratch.file("server"), "secret job"});
    CHECK(push.error.empty());
    CHECK(push.exit == Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == client.public_key.z85() + " secret job");
}

TEST_CASE("a client that is not listed is refused with 4 and told what to check") {
    const ScratchFolder scratch;
    const net::CurveKeyPair server = make_keys(scratch, "server");
    const net::CurveKeyPair other = make_keys(scratch, "other");
    std::ofstream{scratch.file("allowed")} << other.public_key.z85() << "\n";
    Process pull = start_zmq({"pull", any_port, "--curve-key", scratch.file("server_secret"),
                              "--allow-client-keys", scratch.file("allowed")});
    const Completed push =
        run_zmq({"push", bound_endpoint(pull), "--server-key", server.public_key.z85(), "job"});
    INFO(push.error);
    CHECK(push.exit == Exit::with(4));
    CHECK(push.error.find("allow-list") != std::string::npos);
}

TEST_CASE("any client key is accepted when that is asked for, a plaintext client never") {
    const ScratchFolder scratch;
    const net::CurveKeyPair server = make_keys(scratch, "server");
    Process pull = start_zmq({"pull", any_port, "--curve-key", scratch.file("server_secret"),
                              "--allow-any-client-key", "-n", "1"});
    const std::string endpoint = bound_endpoint(pull);
    const Completed plain = run_zmq({"push", endpoint, "-t", "1s", "plain"});
    INFO(plain.error);
    CHECK(plain.exit == Exit::with(3));
    CHECK(plain.error.find("CURVE") != std::string::npos);
    CHECK(run_zmq({"push", endpoint, "--server-key", server.public_key.z85(), "coded"}).exit ==
          Exit::with(0));
    CHECK(pull.wait_exit() == Exit::with(0));
    CHECK(pull.text(Stream::output) == "coded\n");
}

TEST_CASE("keys that cannot be used end with 2 before anything is opened") {
    const ScratchFolder scratch;
    const net::CurveKeyPair server = make_keys(scratch, "server");
    const auto refused = [](const std::vector<std::string>& flags, const char* part) {
        std::vector<std::string> words{"pull", any_port};
        words.insert(words.end(), flags.begin(), flags.end());
        const Completed run = run_zmq(words);
        INFO(run.error);
        CHECK(run.exit == Exit::with(2));
        CHECK(run.error.find(part) != std::string::npos);
    };
    const std::string secret = scratch.file("server_secret");
    refused({"--curve-key", secret}, "--allow-client-keys");
    refused({"--allow-any-client-key"}, "--curve-key");
    refused({"--curve-key", secret, "--allow-any-client-key", "--server-key", "x"}, "one of them");
    refused({"--server-key", "tooshort"}, "40 characters");
    refused({"--curve-key", secret, "--allow-any-client-key", "--allow-client-keys", "x"},
            "contradict");
    REQUIRE(chmod(secret.c_str(), 0644) == 0);
    refused({"--curve-key", secret, "--allow-any-client-key"}, "chmod 600");
}
