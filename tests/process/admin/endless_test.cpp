// SPDX-License-Identifier: Apache-2.0
// A peer that never ends a message, at each daemon: cut off, named in the log and counted, and its
// memory is given back.
#include "daemon.hpp"

#include <flotilla/net/system.hpp>

#include <support/memory.hpp>
#include <support/raw_peer.hpp>

using namespace flotilla;
using namespace flotilla::test;

TEST_CASE("admin: a message without an end costs its sender the connection", "[process][admin]") {
    const ScratchFolder folder;
    const std::string anywhere = "tcp://127.0.0.1:*";
    std::vector<std::string> command;
    std::string type = "DEALER";
    SECTION("store") {
        command = {FLOTILLA_STORE_PROGRAM, "--bind", anywhere, "--data", folder.file("data"),
                   "--write-ahead-bytes",  "1MiB"};
    }
    SECTION("broker") {
        command = {FLOTILLA_BROKER_PROGRAM, "--bind", anywhere, "--message-bytes-max", "1MiB"};
    }
    SECTION("relay") {
        command = {
            FLOTILLA_RELAY_PROGRAM, "forwarder", "--frontend", anywhere, "--backend", anywhere,
            "--message-bytes-max",  "1MiB"};
        type = "PUB";
    }
    Administered daemon = start(command, folder);
    const auto& said = daemon.said;
    const std::string endpoint =
        said.contains("relays") ? said["relays"][0]["frontend"][0] : said["endpoints"][0];
    RawZmtpPeer peer(*net::Endpoint::parse(endpoint), type);
    const std::string frame(1 << 16, 'x');
    const std::uint64_t before = is_memory_told ? memory_bytes(daemon.process.pid()) : 0;
    const Instant deadline = deadline_after(net::now(), patience);
    do {
        REQUIRE(net::now() < deadline);
        (void)peer.go_on(frame);
    } while (!daemon.process.wait_line(Stream::error, "endless_message ", 1ms));
    const std::string& log = daemon.process.text(Stream::error);
    CHECK(log.find("listener=" + endpoint) != std::string::npos);
    CHECK(http_get(daemon.http(), "/metrics").body.find("flotilla_endless_messages_total 1\n") !=
          std::string::npos);
    bool is_back = false; // it keeps freed memory for some seconds
    while (!is_back && net::now() < deadline) {
        CHECK(http_get(daemon.http(), "/healthz").code == 200);
        is_back = uses_less_than(before + 32 * mebibyte, daemon.process.pid());
    }
    CHECK(is_back);
}
