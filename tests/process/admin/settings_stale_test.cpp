// SPDX-License-Identifier: Apache-2.0
// A broken settings file that a reload met is shown wherever an operator looks, until one is good.
#include "daemon.hpp"

#include <support/text.hpp>

using namespace flotilla;
using namespace flotilla::test;
using nlohmann::json;

namespace {

constexpr const char* metric = "flotilla_settings_stale ";

// The lines of a settings file, in front of its tables.
void write(const ScratchFolder& folder, const std::string& first, const std::string& tables) {
    const std::string next = folder.file("next.toml");
    std::ofstream(next) << first << "\n" << tables;
    std::filesystem::rename(next, folder.file("settings.toml"));
}

} // namespace

TEST_CASE("admin: settings that could not be taken over are shown until a reload succeeds",
          "[process][admin]") {
    const ScratchFolder folder;
    std::vector<std::string> command;
    std::string tables;
    SECTION("store") {
        command = {FLOTILLA_STORE_PROGRAM, "--data", folder.file("data"), "--write-ahead-bytes",
                   "1MiB"};
        tables = "bind = 'tcp://127.0.0.1:*'\n";
    }
    SECTION("broker") {
        command = {FLOTILLA_BROKER_PROGRAM};
        tables = "bind = 'tcp://127.0.0.1:*'\n";
    }
    SECTION("relay") {
        command = {FLOTILLA_RELAY_PROGRAM};
        tables = "[[relay]]\nname = 'feed'\nkind = 'streamer'\nfrontend = 'tcp://127.0.0.1:*'\n"
                 "backend = 'tcp://127.0.0.1:*'\n";
    }
    write(folder, "drain = '2s'", tables);
    command.insert(command.end(), {"--config", folder.file("settings.toml")});
    Administered daemon = start(command, folder);
    const auto reload = [&] {
        return http_post(daemon.http(), "/api/reload", "{}", authorized).code;
    };
    const auto shown = [&](const char* value) {
        CHECK(has(http_get(daemon.http(), "/metrics").body, std::string(metric) + value));
        return daemon.status()["warnings"];
    };
    CHECK(shown("0").empty());

    write(folder, "drian = '3s'", tables);
    CHECK(reload() == 409);
    const json warnings = shown("1");
    REQUIRE(warnings.size() == 1);
    const std::string warning = warnings[0];
    CHECK(has(warning, "the old settings hold"));
    CHECK(has(warning, "settings.toml:1:1: unknown key 'drian'; did you mean 'drain'?"));
    const HttpReply ready = http_get(daemon.http(), "/readyz");
    CHECK(ready.code == 200);              // it does its work;
    CHECK_FALSE(has(ready.body, "drian")); // what is in its settings is not for everybody

    write(folder, "drain = '3s'\ninstance = 'other'", tables);
    CHECK(reload() == 200);
    const json waiting = shown("0");
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0] == "settings wait for a restart: instance");
    write(folder, "drain = '3s'", tables);
    CHECK(reload() == 200);
    CHECK(shown("0").empty());
}
