// SPDX-License-Identifier: Apache-2.0
// Somebody deletes the socket file of a daemon that runs.
#include "daemon.hpp"

#include <flotilla/net/system.hpp>

#include <filesystem>

using namespace flotilla;
using namespace flotilla::test;

TEST_CASE("admin: a daemon whose socket file was deleted is not ready, and says which",
          "[process][admin]") {
    const ScratchFolder folder;
    const std::string place = "ipc://" + folder.file("socket");
    std::vector<std::string> command;
    SECTION("store") {
        command = {FLOTILLA_STORE_PROGRAM, "--bind", place, "--data", folder.file("data"),
                   "--write-ahead-bytes",  "1MiB"};
    }
    SECTION("broker") {
        command = {FLOTILLA_BROKER_PROGRAM, "--bind", place};
    }
    SECTION("relay") {
        command = {FLOTILLA_RELAY_PROGRAM, "streamer",  "--frontend",
                   "tcp://127.0.0.1:*",    "--backend", place};
    }
    Administered daemon = start(command, folder);
    CHECK(http_get(daemon.http(), "/readyz").code == 200);
    REQUIRE(std::filesystem::remove(folder.file("socket")));
    const HttpReply ready = http_get(daemon.http(), "/readyz");
    CHECK(ready.code == 503);
    CHECK(ready.body.find(place) != std::string::npos);
    CHECK(http_get(daemon.http(), "/healthz").code == 200);
    // Said when the loop turns, which nobody else makes it do here.
    const std::string said = "listener_lost endpoint=" + place;
    const Instant deadline = deadline_after(net::now(), patience);
    while (!daemon.process.wait_line(Stream::error, said, 20ms)) {
        REQUIRE(net::now() < deadline);
        (void)http_get(daemon.http(), "/readyz");
    }
}
