// SPDX-License-Identifier: Apache-2.0
#include <store/message_line.hpp>
#include <store/settings.hpp>
#include <support/catch.hpp>
#include <support/text.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::store_daemon;
using test::has;

namespace {

constexpr const char* whole = R"(
bind = ["tcp://127.0.0.1:5560", "@ipc:///run/store"]
data = "queues"
drain = "2s"
file_bytes_max = "1GiB"
credit_max = 500
heartbeat = "2s"

[[queue]]
name = "orders"
attempts_max = 5
retry_delays = ["100ms", "1s"]
lease = "1m"
bytes_max = "1MiB"

[[auto_create]]
pattern = "logs.*"
ttl_ms = 1000

[[door]]
kind = "sub"
queue = "logs.feed"
endpoints = [">tcp://127.0.0.1:5561"]
topics = ["a", "b"]
metadata = true
)";

std::string complaint(const std::string& text) {
    const auto settings = parse_settings(text, "store.toml");
    REQUIRE_FALSE(settings);
    CHECK(settings.error().code == Errc::bad_setting);
    return settings.error().detail;
}

} // namespace

TEST_CASE("store settings: limits, queues, patterns and doors are read", "[unit][store]") {
    const auto settings = parse_settings(whole, "etc/store.toml");
    REQUIRE(settings);
    CHECK(settings->data == "etc/queues");
    CHECK(store_options(*settings).bytes_max == 1ULL << 30);
    REQUIRE(settings->queues.size() == 1);
    const queue::QueueProperties& orders = settings->queues[0].properties;
    CHECK(orders.attempts_max == 5);
    CHECK(orders.lease == 1min);
    CHECK(orders.retry_delays == std::vector<Duration>{100ms, 1s});
    CHECK(orders.bytes_max == 1ULL << 20);
    const auto options = make_options(*settings);
    REQUIRE(options);
    CHECK(options->limits.credit_max == 500);
    CHECK(options->limits.heartbeat == 2s);
    REQUIRE(options->limits.auto_create.size() == 1);
    CHECK(options->limits.auto_create[0].pattern == "logs.*");
    CHECK(options->limits.auto_create[0].properties.ttl == 1s);
    REQUIRE(options->doors.size() == 1);
    CHECK(options->doors[0].kind == queue::Door::Kind::sub);
    CHECK(options->doors[0].endpoints[0].how == net::Attach::connect);
    CHECK(options->doors[0].topics == std::vector<std::string>{"a", "b"});
    CHECK(options->doors[0].metadata);
}

TEST_CASE("store settings: what is printed reads back as the same", "[unit][store]") {
    const auto settings = parse_settings(whole, "store.toml");
    REQUIRE(settings);
    const std::string printed = format_settings(*settings);
    for (const char* limit : {"\nconnections_max = 65536\n", "\naddress_connections_max = 4096\n",
                              "\naddress_failures_max = 20\n", "\naddress_penalty = \"5s\"\n"})
        CHECK(printed.find(limit) != std::string::npos);
    const auto again = parse_settings(printed, "store.toml");
    REQUIRE(again);
    CHECK(format_settings(*again) == printed);
    CHECK(again->queues[0].properties == settings->queues[0].properties);
}

TEST_CASE("store settings: what is wrong is said at its place", "[unit][store]") {
    CHECK(has(complaint("[[queue]]\nattempts_max = 3\n"), "without a name"));
    CHECK(has(complaint("[[queue]]\nname = \"a b\"\n"), "store.toml:2"));
    CHECK(has(complaint("[[queue]]\nname = \"q\"\nattempts_max = 0\n"), "store.toml:3"));
    CHECK(has(complaint("[[queue]]\nname = \"q\"\natempts_max = 2\n"), "attempts_max"));
    CHECK(has(complaint("[[queue]]\nname = \"q\"\n[[queue]]\nname = \"q\"\n"), "already"));
    CHECK(has(complaint("[[door]]\nkind = \"pull\"\nqueue = \"q\"\n"), "endpoints"));
    CHECK(has(complaint("[[door]]\nkind = 'push'\nqueue = 'q'\nendpoints = 'tcp://127.0.0.1:2'\n"
                        "unpack = true\n"),
              "only a pull door unpacks batches"));
    CHECK(has(complaint("[[door]]\nkind = \"sub\"\nqueue = \"q\"\n"
                        "endpoints = \"tcp://127.0.0.1:1\"\n"),
              "topics"));
    CHECK(has(complaint("[[auto_create]]\nttl = \"1h\"\n"), "pattern"));
    CHECK(has(complaint("bind = \">tcp://127.0.0.1:5560\"\n"), "a store binds"));
}

TEST_CASE("store settings: one property under two names is refused, a wrong kind told once",
          "[unit][store]") {
    const std::string head = "bind = 'tcp://127.0.0.1:1'\ndata = 'd'\n";
    CHECK(complaint(head + "[[queue]]\nname = 'q'\nlease = '5m'\nlease_ms = 1000\n") ==
          "store.toml:5:9: 'lease_ms' and 'lease' are one property: give one of them");
    const std::string kind =
        complaint(head + "[[door]]\nkind = 'pul'\nqueue = 'q'\nendpoints = 'tcp://127.0.0.1:2'\n");
    CHECK(has(kind, "it is one of pull, sub, push"));
    CHECK_FALSE(has(kind, "what kind of door"));
}

TEST_CASE("store settings: flags win over the file, and a directory is needed", "[unit][store]") {
    DaemonSettings flags;
    flags.data = "here";
    flags.credit_max = 7;
    const DaemonSettings all = lay_over(std::move(flags), *parse_settings(whole, "store.toml"));
    CHECK(all.data == "here");
    CHECK(all.credit_max == 7U);
    CHECK(all.queues.size() == 1);
    DaemonSettings none = *parse_settings("bind = \"tcp://127.0.0.1:5560\"\n", "store.toml");
    CHECK_FALSE(make_options(none));
    none.data = "x";
    CHECK(make_options(none));
    CHECK(make_options(none)->limits.default_queue.empty());
    none.default_queue = "two words";
    CHECK_FALSE(make_options(none));
    none.default_queue = "work";
    CHECK(make_options(none)->limits.default_queue == "work");
    none.bind = {*net::Endpoint::parse("tcp://0.0.0.0:5560")};
    const auto refused = make_options(none);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::insecure);
}

TEST_CASE("message line: text as it is, other bytes as base64, and back", "[unit][store]") {
    for (const std::string& bytes : {std::string("a \"line\"\n"), std::string("\x00\xff", 2)}) {
        MessageLine line;
        line.type = "message";
        line.queue = "q";
        line.frames.add(ByteView{bytes});
        line.frames.add(ByteView{"two"});
        line.meta = {{"id", "7"}, {"key", "k"}};
        const std::string text = to_text(line);
        CHECK(text.back() == '\n');
        const auto again = parse_line(std::string_view(text).substr(0, text.size() - 1));
        REQUIRE(again);
        CHECK(again->queue == "q");
        CHECK(again->frames == line.frames);
        CHECK(again->value("key") == "k");
        CHECK(again->value("none").empty());
    }
    CHECK_FALSE(parse_line("[]"));
    CHECK_FALSE(parse_line("{\"frames\":[]}"));
    CHECK_FALSE(parse_line("{\"frames\":[1]}"));
    CHECK_FALSE(parse_line("{\"frames\":[\"?\"],\"enc\":\"base64\"}"));
}
