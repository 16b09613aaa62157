// SPDX-License-Identifier: Apache-2.0
#include <relay/settings.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <support/text.hpp>

#include <filesystem>
#include <fstream>
#include <string>

using namespace flotilla;
using namespace flotilla::relay_daemon;
using test::has;

namespace {

constexpr const char* two_relays = R"(
drain = "2s"
log_level = "debug"

[[relay]]
name = "prices"
kind = "forwarder"
frontend = ["tcp://127.0.0.1:5555", ">tcp://127.0.0.1:6000"]
backend = "tcp://127.0.0.1:5556"
capture = "ipc:///run/prices"
overflow = "block:250ms"
last_value = true
last_value_bytes = "1MiB"
hwm = 5000

[[relay]]
name = "work"
kind = "streamer"
frontend = "tcp://127.0.0.1:5557"
backend = "tcp://127.0.0.1:5558"
message_bytes_max = "1MiB"
)";

std::string complaint(const std::string& text) {
    const auto settings = parse_settings(text, "relay.toml");
    REQUIRE_FALSE(settings);
    CHECK(settings.error().code == Errc::bad_setting);
    return settings.error().detail;
}

std::string relay_with(const std::string& line) {
    return "[[relay]]\n" + line + "\n";
}

RelaySettings streamer() {
    RelaySettings settings;
    settings.kind = relay::Kind::streamer;
    settings.frontend = *parse_attachments({"tcp://127.0.0.1:5557"});
    settings.backend = *parse_attachments({"tcp://127.0.0.1:5558"});
    return settings;
}

Error refusal(const RelaySettings& settings) {
    const auto options = make_options(settings);
    REQUIRE_FALSE(options);
    return options.error();
}

} // namespace

TEST_CASE("settings: a file with two relays becomes two sets of options", "[unit][relay]") {
    const auto settings = parse_settings(two_relays, "relay.toml");
    REQUIRE(settings);
    CHECK(settings->drain == 2s);
    CHECK(settings->log_level == std::string("debug"));
    const auto options = make_options(*settings);
    REQUIRE(options);
    REQUIRE(options->size() == 2);
    const relay::RelayOptions& prices = (*options)[0];
    CHECK(prices.name == "prices");
    REQUIRE(prices.frontend.attachments.size() == 2);
    CHECK(prices.frontend.attachments[0].how == net::Attach::bind);
    CHECK(prices.frontend.attachments[1].how == net::Attach::connect);
    CHECK(prices.capture->attachments[0].endpoint.text() == "ipc:///run/prices");
    CHECK(format_overflow(prices.overflow) == "block:250ms");
    CHECK(prices.last_value->bytes_max == 1 << 20);
    CHECK(prices.last_value->topics_max == 5000); // no more than its hwm
    CHECK(prices.messages_max == 5000u);
    CHECK((*options)[1].kind == relay::Kind::streamer);
    CHECK((*options)[1].message_bytes_max == 1 << 20);
    CHECK_FALSE((*options)[1].messages_max);
}

TEST_CASE("settings: what is wrong in a file is said with its place", "[unit][relay]") {
    CHECK(has(complaint("drian = \"5s\"\n"),
              "relay.toml:1:1: unknown key 'drian'; did you mean 'drain'?"));
    CHECK(has(complaint(relay_with("fronted = 'x'")), "relay.toml:2:1: unknown key 'fronted'"));
    CHECK(has(complaint(relay_with("frontend = 'tcp//x'")), "relay.toml:2:12: 'frontend': "));
    CHECK(has(complaint(relay_with("kind = 'router'")), "it is one of forwarder, queue, streamer"));
    CHECK(has(complaint(relay_with("overflow = 'lose'")), "relay.toml:2:12: 'overflow': 'lose'"));
    CHECK(has(complaint(relay_with("hwm = 0")), "whole number from 1 to 1000000"));
    CHECK(has(complaint(relay_with("frames_max = 2000")), "from 1 to 1024"));
    CHECK(has(complaint(relay_with("message_bytes_max = '10'")), "'message_bytes_max'"));
    CHECK(has(complaint("drain = '2h'\n"), "relay.toml:1:9: 'drain': 2h is out of range"));
    CHECK(has(complaint("drain = 5\n"), "relay.toml:1:9"));
    CHECK(has(complaint("[relay]\nkind = 'queue'\n"), "an array of tables: [[relay]]"));
    CHECK(has(complaint("[[relay]\n"), "relay.toml:1:"));
    std::string many;
    for (std::size_t i = 0; i <= relays_max; ++i)
        many += relay_with("kind = 'queue'");
    CHECK(has(complaint(many), "65 relays; at most 64 in one process"));
}

TEST_CASE("settings: what stands in the wrong place is told where it belongs", "[unit][relay]") {
    CHECK(has(complaint("frontend = 'tcp://127.0.0.1:1'\n"),
              "relay.toml:1:12: 'frontend' belongs to a relay: write it below a line [[relay]]"));
    CHECK(has(complaint(relay_with("kind = 'queue'\ndrain = '1s'")),
              "relay.toml:3:1: unknown key 'drain' here: it is one of the whole file"));
    CHECK(complaint("[[rule]]\nwho = 'a'\nallow = 'call'\non = 'x'\n") ==
          "relay.toml:1:1: [[rule]] stands in a file of its own, which access = \"...\" names");
}

TEST_CASE("settings: every error of a file is told at once", "[unit][relay]") {
    const std::string all = complaint("a = 1\nb = 2\n" + relay_with("hwm = -1"));
    CHECK(has(all, "unknown key 'a'"));
    CHECK(has(all, "unknown key 'b'"));
    CHECK(has(all, "hwm"));
}

TEST_CASE("settings: flags lie over a file with one relay", "[unit][relay]") {
    auto file = parse_settings(relay_with("kind = 'queue'\nhwm = 5\nname = 'file'"), "f");
    REQUIRE(file);
    file->drain = 9s;
    DaemonSettings flags;
    flags.relays.emplace_back();
    flags.relays[0].hwm = 7;
    const auto both = lay_over(flags, *file);
    REQUIRE(both);
    REQUIRE(both->relays.size() == 1);
    CHECK(both->relays[0].hwm == std::uint64_t{7});
    CHECK(both->relays[0].name == "file");
    CHECK(both->relays[0].kind == relay::Kind::queue);
    CHECK(both->drain == 9s);
}

TEST_CASE("settings: flags about a relay are refused over a file with several", "[unit][relay]") {
    const auto file = parse_settings(two_relays, "relay.toml");
    DaemonSettings flags;
    flags.relays.emplace_back();
    flags.drain = 1s;
    const auto without = lay_over(flags, *file);
    REQUIRE(without);
    CHECK(without->relays.size() == 2);
    CHECK(without->drain == 1s);
    flags.relays[0].hwm = 7;
    const auto refused = lay_over(flags, *file);
    REQUIRE_FALSE(refused);
    CHECK(has(refused.error().detail, "the settings file has 2 relays"));
}

TEST_CASE("settings: nothing to relay, no kind and a name used twice are refused",
          "[unit][relay]") {
    CHECK(has(make_options(DaemonSettings{}).error().detail, "nothing to relay"));
    RelaySettings no_kind = streamer();
    no_kind.kind.reset();
    CHECK(has(refusal(no_kind).detail, "no kind; it is forwarder, queue or streamer"));
    RelaySettings no_frontend = streamer();
    no_frontend.frontend.reset();
    CHECK(has(refusal(no_frontend).detail, "no frontend endpoint"));
    DaemonSettings twice;
    twice.relays = {streamer(), streamer()};
    CHECK(has(make_options(twice).error().detail, "two relays are named 'relay'"));
    twice.relays[1].where = "relay.toml:9:1";
    CHECK(has(make_options(twice).error().detail, "relay.toml:9:1: two relays are named"));
    twice.relays[1].name = "other";
    CHECK(has(make_options(twice).error().detail,
              "relay.toml:9:1: 'tcp://127.0.0.1:5557' is bound twice, by relay 'relay' and "
              "relay 'other'"));
    twice.relays[1].allow_plaintext = true;
    twice.relays[1].frontend = *parse_attachments({"tcp://*:5557"});
    CHECK(has(make_options(twice).error().detail,
              "'tcp://*:5557' is bound twice (as 'tcp://127.0.0.1:5557'), by relay"));
    twice.relays[1].frontend = *parse_attachments({"tcp://127.0.0.1:*"});
    twice.relays[1].backend = *parse_attachments({">tcp://127.0.0.1:5558"});
    CHECK(make_options(twice));
    twice.admin = "tcp://127.0.0.1:5557";
    CHECK(has(make_options(twice).error().detail, "'tcp://127.0.0.1:5557' is bound twice"));
    twice.admin = "tcp://0.0.0.0:7000";
    CHECK(make_options(twice).error().code == Errc::insecure);
}

TEST_CASE("settings: what does not fit together is told with the place of its relay",
          "[unit][relay]") {
    const auto refused = [](const std::string& text) {
        const auto settings = parse_settings(text, "relay.toml");
        REQUIRE(settings);
        const auto options = make_options(*settings);
        REQUIRE_FALSE(options);
        return options.error().detail;
    };
    const std::string ends = "frontend = 'tcp://*:5557'\nbackend = 'tcp://*:5558'\n"
                             "allow_plaintext = true\n";
    CHECK(refused("drain = '1s'\n[[relay]]\nname = 'a'\nkind = 'streamer'\nlast_value = true\n" +
                  ends) == "relay.toml:2:1: relay 'a': last_value is for a forwarder; a streamer "
                           "has no topics");
    CHECK(has(refused("[[relay]]\n" + ends), "relay.toml:1:1: relay 'relay': no kind"));
}

TEST_CASE("settings: what is printed reads back to the same", "[unit][relay]") {
    const auto settings = parse_settings(two_relays, "relay.toml");
    const std::string printed = format_settings(*settings);
    for (const char* limit : {"\nconnections_max = 65536\n", "\naddress_connections_max = 4096\n",
                              "\naddress_failures_max = 20\n", "\naddress_penalty = \"5s\"\n"})
        CHECK(printed.find(limit) != std::string::npos);
    const auto again = parse_settings(printed, "printed");
    if (!again)
        FAIL(again.error().detail);
    CHECK(format_settings(*again) == printed);
    CHECK(has(printed, "overflow = \"block:250ms\""));
    CHECK(has(printed, "\"@tcp://127.0.0.1:5555\", \">tcp://127.0.0.1:6000\""));
}

TEST_CASE("settings: what differs between two files is named by relay and key", "[unit][relay]") {
    const auto in_two = [](const std::string& from, const std::string& to) {
        std::string text = two_relays;
        text.replace(text.find(from), from.size(), to);
        const auto settings = parse_settings(text, "relay.toml");
        REQUIRE(settings);
        return differing_relay_settings(*parse_settings(two_relays, "relay.toml"), *settings);
    };
    using Names = std::vector<std::string>;
    const std::string limit = "message_bytes_max = \"1MiB\"";
    CHECK(in_two(limit, limit).empty());
    CHECK(in_two(limit, "message_bytes_max = \"2MiB\"") == Names{"work.message_bytes_max"});
    CHECK(in_two(limit, "") == Names{"work.message_bytes_max"}); // the default holds again
    CHECK(in_two("127.0.0.1:5557", "127.0.0.1:5559") == Names{"work.frontend"});
    CHECK(in_two("\"work\"", "\"jobs\"") == Names{"jobs", "work"});
}

TEST_CASE("settings: keys make a bound side a server and a connecting side a client",
          "[unit][relay]") {
    const test::ScratchFolder folder;
    const auto keys = *net::generate_key_pair();
    const auto client = *net::generate_key_pair();
    REQUIRE(net::save_certificate(keys, folder.file("relay.key")));
    std::ofstream(folder.file("clients")) << client.public_key.z85() << "\n";
    RelaySettings settings = streamer();
    settings.frontend = *parse_attachments({"tcp://0.0.0.0:5557"});
    settings.backend = *parse_attachments({">tcp://10.0.0.1:5558"});

    CHECK(refusal(settings).code == Errc::insecure);
    settings.curve_key = folder.file("relay.key_secret");
    CHECK(has(refusal(settings).detail, "nothing says who may connect"));
    settings.allow_client_keys = folder.file("clients");
    CHECK(has(refusal(settings).detail,
              "--backend (backend) connects, so with CURVE it needs the key"));
    settings.server_key = {client.public_key.z85()};
    const auto options = make_options(settings);
    REQUIRE(options);
    CHECK(std::holds_alternative<net::CurveServer>(options->frontend.security));
    const auto* backend = std::get_if<net::CurveClient>(&options->backend.security);
    REQUIRE(backend);
    CHECK(backend->server_key == client.public_key);
    CHECK(backend->keys.public_key == keys.public_key);

    settings.allow_any_client_key = true;
    CHECK(has(refusal(settings).detail, "contradict each other"));
    settings.allow_client_keys.reset();
    CHECK(make_options(settings));
    settings.server_key = {client.public_key.z85(), "/nowhere/key"};
    CHECK(has(refusal(settings).detail, "neither a key"));
    settings.server_key = {folder.file("relay.key"), client.public_key.z85()};
    CHECK(std::get<net::CurveClient>(make_options(settings)->backend.security).server_key ==
          client.public_key);
    settings.server_key->push_back("third");
    CHECK(has(refusal(settings).detail, "3 server keys; at most two"));
}

TEST_CASE("settings: what a relay refuses names the flags, and is found before anything is opened",
          "[unit][relay]") {
    const test::ScratchFolder folder;
    RelaySettings settings = streamer();
    settings.frontend = *parse_attachments({"tcp://0.0.0.0:5557"});
    CHECK(
        has(refusal(settings).detail, "relay 'relay': --frontend (frontend) 'tcp://0.0.0.0:5557'"));
    CHECK(has(refusal(settings).detail, "--allow-plaintext (allow_plaintext)"));
    settings.curve_key = folder.file("none");
    settings.allow_any_client_key = true;
    CHECK(has(refusal(settings).detail, "--curve-key (curve_key): "));
    settings.curve_sides = {"font"};
    CHECK(has(refusal(settings).detail, "--curve-sides (curve_sides): 'font'"));

    DaemonSettings ruled;
    ruled.relays = {streamer()};
    ruled.access = folder.file("access.toml");
    CHECK(has(make_options(ruled).error().detail, "relay 'relay': --access (access): "));
    std::ofstream(*ruled.access) << "[[plain]]\nname = 'printer'\npassword_file = 'password'\n";
    std::ofstream(folder.file("password")) << "secret\n";
    std::filesystem::permissions(folder.file("password"), std::filesystem::perms::owner_read);
    CHECK(make_options(ruled));
    ruled.allow_plaintext = true;
    ruled.relays[0].backend = *parse_attachments({"tcp://0.0.0.0:5558"});
    CHECK(has(make_options(ruled).error().detail, "--backend (backend) 'tcp://0.0.0.0:5558'"));
    CHECK(has(make_options(ruled).error().detail, "passwords"));
}

TEST_CASE("settings: CURVE may be for some sides only", "[unit][relay]") {
    const test::ScratchFolder folder;
    REQUIRE(net::save_certificate(*net::generate_key_pair(), folder.file("relay.key")));
    RelaySettings settings = streamer();
    settings.frontend = *parse_attachments({"tcp://0.0.0.0:5557"});
    settings.curve_key = folder.file("relay.key_secret");
    settings.allow_any_client_key = true;
    settings.curve_sides = {"frontend"};
    const auto options = make_options(settings);
    REQUIRE(options);
    CHECK(std::holds_alternative<net::CurveServer>(options->frontend.security));
    CHECK(std::holds_alternative<net::Plaintext>(options->backend.security));
    settings.curve_sides = {"font"};
    CHECK(has(refusal(settings).detail, "'font' is no side"));
}

TEST_CASE("settings: a secret certificate that others may read is refused", "[unit][relay]") {
    const test::ScratchFolder folder;
    REQUIRE(net::save_certificate(*net::generate_key_pair(), folder.file("relay.key")));
    std::filesystem::permissions(folder.file("relay.key_secret"),
                                 std::filesystem::perms::owner_read |
                                     std::filesystem::perms::group_read);
    RelaySettings settings = streamer();
    settings.curve_key = folder.file("relay.key_secret");
    settings.allow_any_client_key = true;
    const Error refused = refusal(settings);
    CHECK(refused.code == Errc::unsafe_file);
    CHECK(has(refused.detail, "relay.key_secret"));
}

TEST_CASE("settings: paths in a file are taken from its folder", "[unit][relay]") {
    const auto settings = parse_settings(relay_with("curve_key = 'keys/a'\n"
                                                    "allow_client_keys = '/abs/list'\n"
                                                    "server_key = 'srv.key'"),
                                         "/etc/flotilla/relay.toml");
    REQUIRE(settings);
    CHECK(settings->relays[0].curve_key == "/etc/flotilla/keys/a");
    CHECK(settings->relays[0].allow_client_keys == "/abs/list");
    CHECK(settings->relays[0].server_key->front() == "/etc/flotilla/srv.key");
}
