// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/settings.hpp>

#include <support/catch.hpp>

using namespace flotilla;

TEST_CASE("settings: values are read with their types and units", "[unit][base]") {
    auto settings = Settings::parse(R"(
name = "x"
drain = "250ms"
size = "64KiB"
count = 7
on = true
many = ["a", "b"]
[inner]
k = "v"
[[relay]]
mode = "queue"
[[relay]]
mode = "streamer"
)",
                                    "f.toml");
    REQUIRE(settings);
    auto root = settings->root();
    CHECK(root.text("name") == "x");
    CHECK(root.duration("drain") == Duration{250ms});
    CHECK(root.bytes("size") == 65536U);
    CHECK(root.count("count", 1, 10) == 7U);
    CHECK(root.flag("on") == true);
    CHECK(root.texts("many") == std::vector<std::string>{"a", "b"});
    CHECK(root.table("inner")->text("k") == "v");
    auto relays = root.tables("relay");
    REQUIRE(relays.size() == 2);
    CHECK(relays[1].choice("mode", {"queue", "streamer"}) == "streamer");
    CHECK(relays[0].text("mode") == "queue");
    CHECK_FALSE(root.text("absent"));
    CHECK(settings->finish());
}

TEST_CASE("settings: a text that is not TOML names file, line and column", "[unit][base]") {
    const auto settings = Settings::parse("a = 1\nb = = 2\n", "f.toml");
    REQUIRE_FALSE(settings);
    CHECK(settings.error().code == Errc::bad_setting);
    CHECK(settings.error().detail.rfind("f.toml:2:", 0) == 0);
}

TEST_CASE("settings: wrong types, ranges and units are reported with their place", "[unit][base]") {
    auto settings =
        Settings::parse("a = 1\nb = \"ten\"\nc = 99\nd = \"10\"\ne = [1]\nf = \"z\"\n", "f.toml");
    REQUIRE(settings);
    auto root = settings->root();
    CHECK_FALSE(root.text("a"));
    CHECK_FALSE(root.count("b", 0, 5));
    CHECK_FALSE(root.count("c", 0, 5));
    CHECK_FALSE(root.duration("d"));
    CHECK_FALSE(root.texts("e"));
    CHECK_FALSE(root.choice("f", {"x", "y"}));
    const auto done = settings->finish();
    REQUIRE_FALSE(done);
    const std::string& text = done.error().detail;
    CHECK(text.find("f.toml:1:5: 'a' is a whole number; it must be a text in quotes") !=
          std::string::npos);
    CHECK(text.find("f.toml:3:5: 'c' is 99; it must be a whole number from 0 to 5") !=
          std::string::npos);
    CHECK(text.find("f.toml:4:5: 'd': '10' is not a duration: it has no unit") !=
          std::string::npos);
    CHECK(text.find("it is one of x, y") != std::string::npos);
}

TEST_CASE("settings: a key of the whole file that stands in a table is told where it belongs",
          "[unit][base]") {
    auto settings =
        Settings::parse("[[queue]]\nname = 'a'\nbind = 'tcp://127.0.0.1:1'\n", "f.toml");
    REQUIRE(settings);
    SettingsTable root = settings->root();
    CHECK_FALSE(root.text("bind"));
    for (SettingsTable& table : root.tables("queue"))
        CHECK(table.text("name"));
    const Status done = settings->finish();
    REQUIRE_FALSE(done);
    CHECK(done.error().detail ==
          "f.toml:3:1: unknown key 'bind' here: it is one of the whole file, "
          "and belongs above its first [table]");
}

TEST_CASE("settings: a key of a table that stands above it is told where it belongs",
          "[unit][base]") {
    auto settings = Settings::parse("lease = '5m'\n[[queue]]\nname = 'a'\n", "f.toml");
    REQUIRE(settings);
    SettingsTable root = settings->root();
    CHECK_FALSE(root.text("leased_max"));
    for (SettingsTable& table : root.tables("queue")) {
        CHECK(table.text("name"));
        CHECK_FALSE(table.text("lease"));
    }
    const Status done = settings->finish();
    REQUIRE_FALSE(done);
    CHECK(
        done.error().detail ==
        "f.toml:1:1: unknown key 'lease' here: it is one of a table, and belongs below [[queue]]");
    const auto bare = Settings::parse("name = a\n", "f.toml");
    REQUIRE_FALSE(bare);
    CHECK(bare.error().detail.find("a text stands in quotes") != std::string::npos);
    CHECK(nearest_word("queues", {"queues_max", "queue"}) == "queue");
    CHECK(nearest_word("que", {"queue", "quiet"}) == "queue");
}

TEST_CASE("settings: an unknown key is an error that suggests the nearest known one",
          "[unit][base]") {
    auto settings = Settings::parse("[[relay]]\nfrontent = \"x\"\n[stray]\nq=1\n", "f.toml");
    REQUIRE(settings);
    auto root = settings->root();
    auto relays = root.tables("relay");
    relays[0].text("frontend");
    const auto done = settings->finish();
    REQUIRE_FALSE(done);
    CHECK(done.error().detail.find(
              "f.toml:2:1: unknown key 'frontent'; did you mean 'frontend'?") != std::string::npos);
    CHECK(done.error().detail.find("unknown table 'stray'") != std::string::npos);
}

TEST_CASE("settings: hostile text never does worse than an error", "[unit][base]") {
    const std::string deep(100'000, '[');
    CHECK_FALSE(Settings::parse("a = " + deep, "f.toml"));
    CHECK_FALSE(Settings::parse(std::string("a = \"\0\"", 7), "f.toml"));
    CHECK_FALSE(Settings::parse("a = \"\xff\xfe\"", "f.toml"));
    // The parser by itself aborts on these in debug builds.
    CHECK(Settings::parse("[&", "f.toml").error().detail.rfind("f.toml:1:2", 0) == 0);
    CHECK_FALSE(Settings::parse("[[ =", "f.toml"));
    CHECK_FALSE(Settings::parse("\xcf\xb4", "f.toml"));
    const auto control = Settings::parse(std::string("a = 1\n[\0", 8), "f.toml");
    REQUIRE_FALSE(control);
    CHECK(control.error().detail.rfind("f.toml:2:2: a control character", 0) == 0);
}

TEST_CASE("settings: a value of any kind is read as a text", "[unit][base]") {
    auto settings =
        Settings::parse("a = \"1m\"\nb = 7\nc = [\"1s\", 20]\nd = true\ne = [[1]]\n", "f.toml");
    REQUIRE(settings);
    auto root = settings->root();
    CHECK(root.any("a") == "1m");
    CHECK(root.any("b") == "7");
    CHECK(root.any("c") == "1s,20");
    CHECK(root.any("d") == "true");
    CHECK_FALSE(root.any("none"));
    CHECK_FALSE(root.any("e"));
    const Status done = settings->finish();
    REQUIRE_FALSE(done);
    CHECK(done.error().detail.find("f.toml:5") != std::string::npos);
}

TEST_CASE("settings: of two who refuse one value the first is heard", "[unit][base]") {
    auto file = Settings::parse("name = 5\n", "f.toml");
    REQUIRE(file);
    SettingsTable root = file->root();
    CHECK_FALSE(root.text("name"));
    root.refuse("name", "'name' belongs elsewhere");
    const Status done = file->finish();
    REQUIRE_FALSE(done);
    CHECK(done.error().detail ==
          "f.toml:1:8: 'name' is a whole number; it must be a text in quotes");
}

TEST_CASE("settings: a refusal says what would be right, and is said once", "[unit][base]") {
    const auto complaint = [](const std::string& text) {
        auto file = Settings::parse(text, "f.toml");
        if (!file)
            return file.error().detail;
        SettingsTable root = file->root();
        (void)root.count("services_max", 1, 9);
        (void)root.duration("drain");
        (void)root.bytes("room");
        for (SettingsTable& service : root.tables("service")) {
            (void)service.text("name");
            if (service.flag("odd"))
                service.refuse("odd", "'odd' is odd");
        }
        const Status done = file->finish();
        return done ? std::string{} : done.error().detail;
    };
    CHECK(complaint("drain = 2\n") ==
          "f.toml:1:9: 'drain' is a whole number; it must be a time in quotes, such as \"250ms\"");
    CHECK(complaint("room = 2\n") ==
          "f.toml:1:8: 'room' is a whole number; it must be a size in quotes, such as \"64MiB\"");
    CHECK(complaint("services_max = \"5\"\n") ==
          "f.toml:1:16: 'services_max' is a text; it must be a whole number from 1 to 9, without "
          "the quotes");
    CHECK(complaint("services_max = \"five\"\n") ==
          "f.toml:1:16: 'services_max' is a text; it must be a whole number from 1 to 9");
    CHECK(complaint("[[service]]\nodd = \"true\"\n") ==
          "f.toml:2:7: 'odd' is a text; it must be true or false, without the quotes");
    CHECK(complaint("[service]\nname = 'a'\n") ==
          "f.toml:1:1: 'service' is a table; it must be an array of tables: [[service]]");
    CHECK(complaint("[[services]]\nname = 'a'\n") ==
          "f.toml:1:3: unknown table 'services'; did you mean 'service'?");
    CHECK(
        complaint("[[service]]\nname = 'a'\ndrain = '2s'\n") ==
        "f.toml:3:1: unknown key 'drain' here: it is one of the whole file, and belongs above its "
        "first [table]");
    CHECK(complaint("[[service]]\nodd = true\n") == "f.toml:2:7: 'odd' is odd");
    CHECK(complaint("drain = tcp\n").find("; a text stands in quotes") != std::string::npos);
}
