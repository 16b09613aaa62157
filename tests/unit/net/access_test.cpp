// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/access.hpp>
#include <flotilla/net/access_file.hpp>
#include <flotilla/net/access_watch.hpp>
#include <flotilla/net/gate.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

using namespace flotilla;
using namespace flotilla::net;

namespace {

void write_rules(const std::string& path, const std::string& text, unsigned mode = 0644) {
    std::ofstream(path, std::ios::trunc) << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
}

CurveKey key_of(char byte) {
    return *CurveKey::from_bytes(std::string(32, byte));
}

std::string certificate(const CurveKey& key, const std::string& metadata = {}) {
    return "#   a certificate\nmetadata\n" + metadata + "curve\n    public-key = \"" + key.z85() +
           "\"\n";
}

AccessRequest curve_request(const std::string& raw_key, std::string_view address = "127.0.0.1") {
    return {"d", address, "CURVE", raw_key};
}

Errc error_of(const std::string& text) {
    const auto file = parse_access_file(text, "access.toml");
    REQUIRE_FALSE(file);
    CHECK(file.error().detail.find("access.toml:") == 0);
    return file.error().code;
}

} // namespace

TEST_CASE("access list: a key stands for a user with groups", "[unit][net]") {
    const test::ScratchFolder folder;
    write_rules(folder.file("list"), key_of('a').z85() + " alice @billing @ops\n" +
                                         key_of('b').z85() + "\n" + key_of('c').z85() +
                                         "   carol\n" + "revoked " + key_of('d').z85() + "\n  " +
                                         "dora.cert\n");
    write_rules(folder.file("dora.cert"),
                certificate(key_of('e'), "    name = \"dora\"\n    groups = \"billing, night\"\n"));
    const auto list = load_allow_list(folder.file("list"));
    REQUIRE(list);
    CHECK(list->size() == 4);
    CHECK(list->users().at(key_of('a')) == User{"alice", {"billing", "ops"}});
    CHECK(list->users().at(key_of('b')) == User{key_of('b').z85(), {}});
    CHECK(list->users().at(key_of('c')) == User{"carol", {}});
    CHECK(list->users().at(key_of('e')) == User{"dora", {"billing", "night"}});
    CHECK(list->is_revoked(key_of('d')));
    CHECK_FALSE(list->contains(key_of('d')));
}

TEST_CASE("access list: revoked wins wherever it stands", "[unit][net]") {
    AllowList list;
    REQUIRE(list.revoke(key_of('a')));
    REQUIRE(list.add(key_of('a'), {"alice", {}}));
    CHECK_FALSE(list.contains(key_of('a')));
    REQUIRE(list.add(key_of('b'), {"bob", {}}));
    REQUIRE(list.revoke(key_of('b')));
    CHECK(list.size() == 0);
    CHECK(list.add(key_of('c'), {"carol", {}}));
    CHECK(list.add(key_of('c'), {"carol", {}}));
    CHECK(list.add(key_of('c'), {"mallory", {}}).error().code == Errc::exists);
}

TEST_CASE("access list: a folder's certificates may be revoked by name", "[unit][net]") {
    const test::ScratchFolder folder;
    write_rules(folder.file("alice"), certificate(key_of('a'), "    name = \"alice\"\n"));
    write_rules(folder.file("bob.revoked"), certificate(key_of('b'), "    name = \"bob\"\n"));
    write_rules(folder.file("alice_secret"), "nobody reads this", 0600);
    write_rules(folder.file(".hidden"), "nor this");
    const auto list = load_allow_list(folder.path().string());
    REQUIRE(list);
    CHECK(list->size() == 1);
    CHECK(list->is_revoked(key_of('b')));
}

TEST_CASE("access list: what is wrong is named with its line", "[unit][net]") {
    const test::ScratchFolder folder;
    const std::string a = key_of('a').z85();
    for (const std::string& line :
         {a + " alice bob", a + " @", a + " anonymous", a + " al,ice", a + " alice\n" + a + " bob",
          std::string("revoked nobody"), std::string("revoked")}) {
        write_rules(folder.file("list"), "# first\n" + line + "\n");
        const auto list = load_allow_list(folder.file("list"));
        REQUIRE_FALSE(list);
        CHECK(list.error().code == Errc::bad_key);
        CHECK(list.error().detail.find("list:") != std::string::npos);
    }
    write_rules(folder.file("cert"), certificate(key_of('a'), "    name = \"al;ice\"\n"));
    write_rules(folder.file("list"), "cert\n");
    CHECK(load_allow_list(folder.file("list")).error().detail.find("cert: ") != std::string::npos);
}

TEST_CASE("access: every mechanism has its own way in", "[unit][net]") {
    AllowList list;
    REQUIRE(list.add(key_of('a'), {"alice", {}}));
    REQUIRE(list.revoke(key_of('r')));
    AccessPolicy policy(list);
    policy.plain.emplace("printer", "secret");
    using Failure = HandshakeFailure;

    CHECK(decide(policy, curve_request(std::string(32, 'a'))).user_id == key_of('a').z85());
    CHECK(decide(policy, curve_request(std::string(32, 'b'))).failure == Failure::unknown_key);
    CHECK(decide(policy, curve_request(std::string(32, 'r'))).failure == Failure::revoked_key);
    CHECK(decide(policy, curve_request("short")).failure == Failure::failed);

    const auto plain = [&](std::string_view name, std::string_view password,
                           std::string_view address = "127.0.0.1") {
        return decide(policy, {"d", address, "PLAIN", {}, name, password});
    };
    CHECK(plain("printer", "secret").user_id == "plain:printer");
    CHECK(plain("printer", "secret", "").status == 200);
    CHECK(plain("printer", "secret", "10.0.0.1").failure == Failure::plain_remote);
    CHECK(plain("printer", "secret", "nonsense").failure == Failure::plain_remote);
    CHECK(plain("printer", "secre").failure == Failure::wrong_password);
    CHECK(plain("printer", "secrets").failure == Failure::wrong_password);
    CHECK(plain("printer", "").failure == Failure::wrong_password);
    CHECK(plain("nobody", "").failure == Failure::wrong_password);

    CHECK(decide(policy, {"d", "127.0.0.1", "NULL", {}}).failure == Failure::wrong_mechanism);
    CHECK(decide(policy, {"d", "127.0.0.1", "GSSAPI", {}}).status == 400);
    policy.null = AccessPolicy::Null::let_in;
    CHECK(decide(policy, {"d", "127.0.0.1", "NULL", {}}).status == 200);
    CHECK(decide(policy, {"d", "127.0.0.1", "NULL", {}}).user_id.empty());

    REQUIRE(policy.addresses.add(AddressRules::Effect::allow, *AddressRange::parse("10.0.0.0/8")));
    CHECK(decide(policy, curve_request(std::string(32, 'a'))).failure == Failure::address);
    CHECK(decide(policy, curve_request(std::string(32, 'a'), "10.1.1.1")).status == 200);
    CHECK(decide(AccessPolicy{AnyClientKey{}}, curve_request(std::string(32, 'z'))).status == 200);
}

TEST_CASE("gate: an address that guesses keys waits, whatever it brings", "[unit][net]") {
    AllowList list;
    REQUIRE(list.add(key_of('a'), {"alice", {}}));
    GateLimits limits;
    limits.address_failures_max = 3;
    Gate gate(AccessPolicy(list), limits);
    Instant now{1h};
    const auto ask = [&](char key, std::string_view address) {
        const std::string raw(32, key);
        return gate.judge(curve_request(raw, address), {}, now);
    };
    for (int i = 0; i < 4; ++i)
        CHECK(ask('x', "10.0.0.7").status == 400);
    CHECK(ask('a', "10.0.0.7").status == 300);
    CHECK(ask('a', "10.0.0.8").status == 200);
    now += 6s;
    CHECK(ask('a', "10.0.0.7").status == 200);
    for (int i = 0; i < 10; ++i)
        CHECK(ask('x', "127.0.0.1").status == 400);
    CHECK(ask('a', "127.0.0.1").status == 200); // loopback is everybody's

    const auto count = [&](HandshakeFailure reason) {
        return gate.counters().failures_total[std::size_t(reason)];
    };
    CHECK(count(HandshakeFailure::unknown_key) == 14);
    CHECK(count(HandshakeFailure::penalty) == 1);
    const auto latest = gate.take_failures();
    REQUIRE(latest.size() == 15);
    CHECK(latest[3].address == "10.0.0.7");
    CHECK(latest[3].waits == Duration{5s});
    CHECK(latest[3].who == fingerprint(key_of('x')));
    CHECK(gate.take_failures().empty());
}

TEST_CASE("gate: a changed policy rules the next handshake", "[unit][net]") {
    AllowList list;
    REQUIRE(list.add(key_of('a'), {"alice", {}}));
    Gate gate{AccessPolicy(list)};
    const std::string raw(32, 'a');
    CHECK(gate.judge(curve_request(raw), {}, Instant{1h}).status == 200);
    gate.set_policy(AccessPolicy(AllowList{}));
    CHECK(gate.judge(curve_request(raw), {}, Instant{1h}).status == 400);
    for (std::size_t i = 0; i < 3 * Gate::failures_kept; ++i)
        (void)gate.judge(curve_request(raw), {}, Instant{1h});
    CHECK(gate.take_failures().size() == Gate::failures_kept);
}

TEST_CASE("gate: a listener may be for some only", "[unit][net]") {
    const test::ScratchFolder folder;
    write_rules(folder.file("list"), key_of('a').z85() + " alice\n" + key_of('b').z85() + " bob\n");
    write_rules(folder.file("access.toml"),
                "[[rule]]\nwho = 'alice'\nallow = 'take'\non = 'orders'\n");
    AccessWatch watch({folder.file("list"), {}, folder.file("access.toml")});
    const auto access = watch.load();
    REQUIRE(access);
    Gate gate(access->policy);
    const std::optional<Entry> entry = Entry{Operation::take, "orders"};
    const std::string alice(32, 'a');
    const std::string bob(32, 'b');
    CHECK(gate.judge(curve_request(alice), entry, Instant{1h}).status == 200);
    CHECK(gate.judge(curve_request(bob), {}, Instant{1h}).status == 200);
    CHECK(gate.judge(curve_request(bob), entry, Instant{1h}).failure ==
          HandshakeFailure::not_allowed);
}

TEST_CASE("access file: rules, addresses and users with passwords are read", "[unit][net]") {
    const auto file = parse_access_file(R"(
[[rule]]
who = ["alice", "@billing"]
allow = ["put", "take"]
on = "orders.*"
[[rule]]
who = "*"
deny = "*"
on = ["secret"]
[[address]]
allow = ["10.0.0.0/8", "::1"]
[[address]]
deny = "10.6.6.6"
[[plain]]
name = "printer"
password_file = "printer.password"
groups = ["legacy"]
)",
                                        "access.toml");
    REQUIRE(file);
    REQUIRE(file->rules.size() == 2);
    CHECK(file->rules[0].who == std::vector<std::string>{"alice", "@billing"});
    CHECK(file->rules[0].operations[std::size_t(Operation::take)]);
    CHECK_FALSE(file->rules[0].operations[std::size_t(Operation::call)]);
    CHECK(file->rules[0].where.find("access.toml:2") == 0);
    CHECK(file->rules[1].effect == Rule::Effect::deny);
    CHECK(file->rules[1].operations[std::size_t(Operation::subscribe)]);
    CHECK_FALSE(file->rules[1].operations[std::size_t(Operation::administer)]);
    CHECK(file->addresses.allows("10.1.1.1"));
    CHECK_FALSE(file->addresses.allows("10.6.6.6"));
    REQUIRE(file->plain.size() == 1);
    CHECK(file->plain[0].user == User{"printer", {"legacy"}});
    CHECK(parse_access_file("", "access.toml").error().code == Errc::bad_setting);
    CHECK(parse_access_file("[[rule]]\nwho = 'a'\nallow = '*'\non = 'orders'\n", "access.toml"));
}

TEST_CASE("access file: what is wrong is named with its place", "[unit][net]") {
    const std::string rule = "[[rule]]\nwho = 'a'\non = 'b'\n";
    CHECK(error_of("[[rules]]\nwho = 'a'\n") == Errc::bad_setting);
    CHECK(error_of(rule) == Errc::bad_setting);
    CHECK(error_of(rule + "allow = 'put'\ndeny = 'put'\n") == Errc::bad_setting);
    CHECK(error_of(rule + "allow = 'putt'\n") == Errc::bad_setting);
    CHECK(error_of(rule + "allow = []\n") == Errc::bad_setting);
    CHECK(error_of(rule + "allow = 'put'\nobject = 'x'\n") == Errc::bad_setting);
    CHECK(error_of("[[rule]]\nwho = '@'\nallow = 'put'\non = 'b'\n") == Errc::bad_setting);
    CHECK(error_of("[[rule]]\nwho = 'a'\nallow = 'subscribe'\non = 'b'\n") == Errc::bad_setting);
    CHECK(error_of("[[address]]\nallow = 'host'\n") == Errc::bad_setting);
    CHECK(error_of("[[address]]\nallow = []\n") == Errc::bad_setting);
    CHECK(error_of("[[plain]]\nname = 'a'\n") == Errc::bad_setting);
    CHECK(error_of("[[plain]]\npassword_file = 'a'\n") == Errc::bad_setting);
    CHECK(error_of("rule = 3\n") == Errc::bad_setting);
}

TEST_CASE("access file: what a rule or a user lacks is said, and said once", "[unit][net]") {
    const auto complaint = [](const std::string& text) {
        const auto file = parse_access_file(text, "access.toml");
        REQUIRE_FALSE(file);
        return file.error().detail;
    };
    CHECK(complaint("[[rule]]\nwho = 'a'\nallow = 'put'\n") ==
          "access.toml:1:1: this rule does not say on what: on = \"orders.*\", or \"*\"");
    CHECK(complaint("[[rule]]\non = 'a'\nallow = 'put'\n").find("does not say for whom") !=
          std::string::npos);
    CHECK(complaint("[[rule]]\nwho = 'a'\non = 'b'\nallow = true\n") ==
          "access.toml:4:9: 'allow' is true or false; it must be a text or a list of texts");
    CHECK(complaint("[[rule]]\nwho = 'a'\non = 'b'\n") ==
          "access.toml:1:1: say either 'allow' or 'deny'");
    CHECK(complaint("[[plain]]\npassword_file = 'a'\n") ==
          "access.toml:1:1: a user without a name; write name = \"...\"");
}

TEST_CASE("access watch: everything is read, or nothing", "[unit][net]") {
    const test::ScratchFolder folder;
    write_rules(folder.file("list"), key_of('a').z85() + " alice @billing\n");
    write_rules(folder.file("access.toml"),
                "[[rule]]\nwho = '@billing'\nallow = 'put'\non = 'orders'\n"
                "[[plain]]\nname = 'printer'\npassword_file = 'password'\n");
    write_rules(folder.file("password"), "hunter2\n", 0644);
    AccessWatch watch({folder.file("list"), {}, folder.file("access.toml")});
    CHECK(watch.load().error().code == Errc::unsafe_file);
    CHECK(watch.load().error().detail.find("password_file of 'printer': ") != std::string::npos);
    REQUIRE(::chmod(folder.file("password").c_str(), 0600) == 0);
    CHECK(watch.changed());
    const auto access = watch.load();
    REQUIRE(access);
    CHECK(access->rules == 1);
    CHECK(access->policy.plain.at("printer") == "hunter2");
    CHECK(access->permissions->user_of("plain:printer") == "printer");
    CHECK(access->permissions->allows(key_of('a').z85(), Operation::put, "orders"));
    CHECK_FALSE(access->permissions->allows(key_of('b').z85(), Operation::put, "orders"));
    CHECK_FALSE(access->permissions->is_open());

    CHECK(AccessWatch({}).load()->permissions->is_open());
    CHECK(AccessWatch({{}, AccessPaths::Others::let_in, {}}).load()->permissions->is_open());
    CHECK(AccessWatch({folder.file("list"), AccessPaths::Others::let_in, {}}).load().error().code ==
          Errc::bad_option);
    CHECK(AccessWatch({folder.file("none"), {}, {}}).load().error().code == Errc::not_found);
    CHECK_FALSE(AccessWatch({folder.file("list"), {}, {}}).load()->permissions->is_open());
}

TEST_CASE("access watch: content counts, not the clock", "[unit][net]") {
    const test::ScratchFolder folder;
    const std::string first = key_of('a').z85() + " alice\n";
    const std::string second = key_of('a').z85() + " alicf\n"; // as long, in the same tick
    write_rules(folder.file("list"), first);
    AccessWatch watch({folder.file("list"), {}, {}});
    REQUIRE(watch.load());
    CHECK_FALSE(watch.changed());
    write_rules(folder.file("list"), first);
    CHECK_FALSE(watch.changed()); // touched only
    write_rules(folder.file("list"), "");
    const auto half = watch.changed();
    write_rules(folder.file("list"), second);
    const auto whole = watch.changed();
    REQUIRE(half);
    REQUIRE(whole);
    CHECK(*half != *whole);
    CHECK(watch.changed() == whole);
    REQUIRE(watch.load());
    CHECK_FALSE(watch.changed());

    write_rules(folder.file("list"), "broken\n");
    CHECK(watch.changed());
    CHECK_FALSE(watch.load());
    CHECK_FALSE(watch.changed()); // said once
    std::filesystem::remove(folder.file("list"));
    CHECK(watch.changed());
    CHECK_FALSE(watch.load());
    CHECK_FALSE(watch.changed());
    write_rules(folder.file("list"), first);
    CHECK(watch.changed());
    CHECK(watch.load());
}

TEST_CASE("access watch: a certificate that comes, changes or goes is seen", "[unit][net]") {
    const test::ScratchFolder folder;
    write_rules(folder.file("alice"), certificate(key_of('a')));
    AccessWatch watch({folder.path().string(), {}, {}});
    const auto seen = [&] {
        const bool changed = watch.changed().has_value();
        REQUIRE(watch.load());
        return changed;
    };
    CHECK(watch.load()->policy.clients.index() == 0);
    write_rules(folder.file("bob"), certificate(key_of('b')));
    CHECK(seen());
    write_rules(folder.file("bob"), certificate(key_of('b'), "    groups = \"night\"\n"));
    CHECK(seen());
    std::filesystem::rename(folder.file("bob"), folder.file("bob.revoked"));
    CHECK(seen());
    CHECK_FALSE(seen());
    std::filesystem::remove(folder.file("alice"));
    CHECK(seen());
    const auto list = std::get<AllowList>(watch.load()->policy.clients);
    CHECK(list.size() == 0);
    CHECK(list.is_revoked(key_of('a'))); // who was there once
    AccessWatch next = watch.successor({folder.path().string(), {}, {}});
    CHECK(std::get<AllowList>(next.load()->policy.clients).is_revoked(key_of('a')));
    write_rules(folder.file("alice"), certificate(key_of('a')));
    CHECK(std::get<AllowList>(watch.load()->policy.clients).contains(key_of('a')));
}
