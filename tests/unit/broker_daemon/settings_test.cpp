// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/curve.hpp>

#include <broker/settings.hpp>
#include <host/listener.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <support/text.hpp>

#include <filesystem>
#include <fstream>
#include <string>

using namespace flotilla;
using namespace flotilla::broker_daemon;
using test::has;

namespace {

constexpr const char* two_services = R"(
bind = ["tcp://127.0.0.1:5555", "@ipc:///run/broker"]
drain = "2s"
log_level = "debug"
heartbeat = "1s"
request_expiry = "30s"
prefetch = 2

[[service]]
name = "resize"
requeue = true
attempts_max = 3
queue_bytes_max = "1MiB"

[[service]]
name = "report"
prefetch = 1
busy_max = "1h"
when_full = "drop_oldest"
)";

std::string complaint(const std::string& text) {
    const auto settings = parse_settings(text, "broker.toml");
    REQUIRE_FALSE(settings);
    CHECK(settings.error().code == Errc::bad_setting);
    return settings.error().detail;
}

std::string service_with(const std::string& line) {
    return "[[service]]\n" + line + "\n";
}

DaemonSettings local() {
    DaemonSettings settings;
    settings.bind = *parse_binds({"tcp://127.0.0.1:5555"});
    return settings;
}

Error refusal(const DaemonSettings& settings) {
    const auto options = make_options(settings);
    REQUIRE_FALSE(options);
    return options.error();
}

} // namespace

TEST_CASE("broker settings: services have their own table, and the defaults for the rest",
          "[unit][broker]") {
    const auto settings = parse_settings(two_services, "broker.toml");
    REQUIRE(settings);
    CHECK(settings->drain == 2s);
    CHECK(settings->log_level == "debug");
    REQUIRE(settings->bind->size() == 2);
    CHECK((*settings->bind)[1].text() == "ipc:///run/broker");
    const auto options = make_options(*settings);
    REQUIRE(options);
    const request::BrokerLimits& limits = options->limits;
    CHECK(limits.heartbeat == 1s);
    CHECK(limits.liveness == request::BrokerLimits{}.liveness);
    CHECK(limits.service.prefetch == 2);
    CHECK(limits.service.expiry == 30s);
    CHECK_FALSE(limits.service.requeue);
    REQUIRE(limits.services.size() == 2);
    const auto& [resize, resize_limits] = limits.services[0];
    CHECK(resize == "resize");
    CHECK(resize_limits.requeue);
    CHECK(resize_limits.attempts_max == 3);
    CHECK(resize_limits.queue_bytes_max == 1 << 20);
    CHECK(resize_limits.prefetch == 2); // the file's default
    CHECK(resize_limits.expiry == 30s);
    const auto& [report, report_limits] = limits.services[1];
    CHECK(report == "report");
    CHECK(report_limits.prefetch == 1);
    CHECK(report_limits.busy_max == 1h);
    CHECK(report_limits.when_full == request::WhenFull::drop_oldest);
}

TEST_CASE("broker settings: without any, the broker's own defaults hold", "[unit][broker]") {
    const auto options = make_options(local());
    REQUIRE(options);
    const request::BrokerOptions standard;
    CHECK(options->limits.heartbeat == standard.limits.heartbeat);
    CHECK(options->limits.requests_max == standard.limits.requests_max);
    CHECK(options->limits.kept_for == standard.limits.kept_for);
    CHECK(options->limits.service.expiry == standard.limits.service.expiry);
    CHECK(options->limits.service.queue_messages_max == standard.limits.service.queue_messages_max);
    CHECK(options->backlog_bytes_max == standard.backlog_bytes_max);
}

TEST_CASE("broker settings: what is wrong in a file is said with its place", "[unit][broker]") {
    CHECK(has(complaint("haertbeat = \"5s\"\n"),
              "broker.toml:1:1: unknown key 'haertbeat'; did you mean 'heartbeat'?"));
    CHECK(has(complaint("heartbeat = \"1ms\"\n"),
              "broker.toml:1:13: 'heartbeat': 1ms is out of range; it must be from 10ms to 1h"));
    CHECK(has(complaint("heartbeat = 5\n"), "broker.toml:1:13"));
    CHECK(has(complaint("liveness = 0\n"), "whole number from 1 to 100"));
    CHECK(has(complaint("queue_bytes_max = \"1B\"\n"), "1B is out of range"));
    CHECK(has(complaint("when_full = \"wait\"\n"), "it is one of refuse, drop_oldest"));
    CHECK(has(complaint("bind = \"tcp//x\"\n"), "broker.toml:1:8: 'bind': "));
    CHECK(has(complaint("bind = \">tcp://127.0.0.1:1\"\n"), "leave out the '>'"));
    CHECK(has(complaint("[service]\nname = \"a\"\n"), "an array of tables: [[service]]"));
    CHECK(has(complaint(service_with("prefetch = 2")), "a service without a name"));
    CHECK(has(complaint(service_with("name = ''")), "'name' has 0 bytes; it must have 1 to 255"));
    CHECK(has(complaint(service_with("name = 'mmi.mine'")), "the broker answers mmi.* itself"));
    CHECK(has(complaint(service_with("name = 'a'") + service_with("name = 'a'")),
              "broker.toml:4:8: 'a' has a table already"));
    CHECK(has(complaint(service_with("name = 'a'\nheartbeat = '1s'")),
              "broker.toml:3:1: unknown key 'heartbeat'"));
}

TEST_CASE("broker settings: every error of a file is told at once", "[unit][broker]") {
    const std::string all = complaint("a = 1\nb = 2\n" + service_with("name = 'x'\nprefetch = 0"));
    CHECK(has(all, "unknown key 'a'"));
    CHECK(has(all, "unknown key 'b'"));
    CHECK(has(all, "prefetch"));
}

TEST_CASE("broker settings: flags lie over the file, and a service's table over both",
          "[unit][broker]") {
    const auto file = parse_settings(two_services, "f");
    REQUIRE(file);
    DaemonSettings flags;
    flags.drain = 9s;
    flags.service.prefetch = 7;
    const DaemonSettings both = lay_over(flags, *file);
    CHECK(both.drain == 9s);
    CHECK(both.log_level == "debug");
    CHECK(both.bind->size() == 2);
    const auto options = make_options(both);
    REQUIRE(options);
    CHECK(options->limits.service.prefetch == 7);
    CHECK(options->limits.services[0].second.prefetch == 7); // its table says nothing of it
    CHECK(options->limits.services[1].second.prefetch == 1);
    flags.bind = *parse_binds({"inproc://elsewhere"});
    CHECK(lay_over(flags, *file).bind->size() == 1);
}

TEST_CASE("broker settings: what is printed reads back to the same", "[unit][broker]") {
    auto settings = parse_settings(two_services, "broker.toml");
    REQUIRE(settings);
    settings->services[0].name = "odd \"name\" \\ \x01";
    const std::string printed = format_settings(*settings);
    for (const char* limit : {"\nconnections_max = 65536\n", "\naddress_connections_max = 4096\n",
                              "\naddress_failures_max = 20\n", "\naddress_penalty = \"5s\"\n"})
        CHECK(printed.find(limit) != std::string::npos);
    const auto again = parse_settings(printed, "printed");
    if (!again)
        FAIL(again.error().detail + "\n" + printed);
    CHECK(format_settings(*again) == printed);
    CHECK(again->services[0].name == settings->services[0].name);
    CHECK(has(printed, "requests_bytes_max = \"512MiB\""));
    CHECK(has(printed, "when_full = \"drop_oldest\""));
}

TEST_CASE("broker settings: nowhere to bind, and a place bound twice, are refused",
          "[unit][broker]") {
    CHECK(has(refusal({}).detail, "nowhere to bind; say --bind"));
    DaemonSettings twice;
    twice.bind = *parse_binds({"tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555"});
    CHECK(has(refusal(twice).detail, "'tcp://127.0.0.1:5555' is bound twice; leave one out"));
    DaemonSettings inproc;
    inproc.bind = *parse_binds({"inproc://here"});
    CHECK(has(refusal(inproc).detail, "'inproc://here' lies within one process"));
    DaemonSettings admin = twice;
    admin.bind = *parse_binds({"tcp://127.0.0.1:5555"});
    admin.admin = "inproc://here";
    CHECK(has(refusal(admin).detail, "'inproc://here' lies within one process"));
    admin.admin = "tcp://0.0.0.0:7000";
    CHECK(refusal(admin).code == Errc::insecure);
    CHECK(has(refusal(admin).detail, "--admin"));
    admin.admin = "tcp://127.0.0.1:5555";
    CHECK(has(refusal(admin).detail, "'tcp://127.0.0.1:5555' is bound twice"));
    admin.admin = "tcp://127.0.0.1:5556";
    admin.admin_http = "127.0.0.1:5556";
    CHECK(has(refusal(admin).detail, "'tcp://127.0.0.1:5556' is bound twice"));
    admin.admin_http = "127.0.0.1:5557";
    CHECK(make_options(admin));
    DaemonSettings wild;
    wild.bind = *parse_binds({"tcp://127.0.0.1:*", "tcp://127.0.0.1:*"});
    CHECK(make_options(wild));
    CHECK_FALSE(parse_binds(std::vector<std::string>(host::binds_max + 1, "tcp://127.0.0.1:*")));
}

TEST_CASE("broker settings: beyond this machine it needs keys, or to be told otherwise",
          "[unit][broker]") {
    const test::ScratchFolder folder;
    const auto keys = *net::generate_key_pair();
    REQUIRE(net::save_certificate(keys, folder.file("broker.key")));
    std::ofstream(folder.file("peers")) << net::generate_key_pair()->public_key.z85() << "\n";
    DaemonSettings settings;
    settings.bind = *parse_binds({"tcp://0.0.0.0:5555"});
    CHECK(refusal(settings).code == Errc::insecure);
    settings.curve_key = folder.file("broker.key_secret");
    CHECK(has(refusal(settings).detail, "nothing says who may connect"));
    settings.allow_client_keys = folder.file("peers");
    const auto options = make_options(settings);
    REQUIRE(options);
    CHECK(std::holds_alternative<net::CurveServer>(options->security));
    settings.allow_any_client_key = true;
    CHECK(has(refusal(settings).detail, "contradict each other"));
    settings.allow_client_keys.reset();
    CHECK(make_options(settings));
    settings.curve_key.reset();
    CHECK(has(refusal(settings).detail, "not with which key of ours"));
    settings.allow_any_client_key.reset();
    settings.allow_plaintext = true;
    CHECK(make_options(settings));
}

TEST_CASE("broker settings: a secret certificate that others may read is refused",
          "[unit][broker]") {
    const test::ScratchFolder folder;
    REQUIRE(net::save_certificate(*net::generate_key_pair(), folder.file("broker.key")));
    std::filesystem::permissions(folder.file("broker.key_secret"),
                                 std::filesystem::perms::owner_read |
                                     std::filesystem::perms::group_read);
    DaemonSettings settings = local();
    settings.curve_key = folder.file("broker.key_secret");
    settings.allow_any_client_key = true;
    CHECK(refusal(settings).code == Errc::unsafe_file);
}

TEST_CASE("broker settings: paths in a file are taken from its folder", "[unit][broker]") {
    const auto settings = parse_settings("curve_key = 'keys/a'\nallow_client_keys = '/abs/list'\n",
                                         "/etc/flotilla/broker.toml");
    REQUIRE(settings);
    CHECK(settings->curve_key == "/etc/flotilla/keys/a");
    CHECK(settings->allow_client_keys == "/abs/list");
}
