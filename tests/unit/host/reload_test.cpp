// SPDX-License-Identifier: Apache-2.0
#include <host/reload.hpp>
#include <host/settings_text.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <fstream>
#include <string>

using namespace flotilla;
using namespace flotilla::host;

TEST_CASE("reload: what may change is taken over, what may not is named", "[unit][host]") {
    CommonSettings running;
    add_common_defaults(running, "flotilla-test");
    CommonSettings wanted = running;
    wanted.drain = 9s;
    wanted.io_threads = 4;
    wanted.access = "access.toml";
    Reloaded done;
    for_each_common_setting<CommonSettings>(taking_over(running, wanted, {"access"}, done));
    CHECK(listed(done.changed) == "access,drain");
    CHECK(listed(done.restart_needed) == "io_threads");
    CHECK(running.drain == Duration{9s});
    CHECK(running.io_threads == std::uint64_t{1});
    CHECK(loop_settings(running).drain == Duration{9s});

    Reloaded again;
    wanted.io_threads = 1;
    for_each_common_setting<CommonSettings>(taking_over(running, wanted, {"access"}, again));
    CHECK(listed(again.changed) == "nothing");
    CHECK(again.restart_needed.empty());
}

TEST_CASE("settings text: a path is shown, what may be the secret itself is not", "[unit][host]") {
    const test::ScratchFolder folder;
    const std::string there = folder.file("token");
    std::ofstream(there) << "x";
    CHECK(shown_path(there) == there);
    CHECK(shown_path("/etc/flotilla/store.key_secret") == "/etc/flotilla/store.key_secret");
    CHECK(shown_path(folder.file("hunter2")) == "(hidden)");
    // A key in Z85 has letters that a path has too.
    const std::string key = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
    CHECK(shown_path(key) == "(hidden)");
    CHECK(shown_path("/etc/flotilla/" + key) == "(hidden)");
}
