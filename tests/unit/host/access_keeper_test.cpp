// SPDX-License-Identifier: Apache-2.0
#include "keeping.hpp"

#include <support/text.hpp>
#include <sys/stat.h>

#include <string>
#include <variant>

using namespace flotilla;
using namespace flotilla::host;
using test::has;

namespace {

std::string refusal_of(const CommonSettings& settings) {
    const auto opened = AccessKeeper::open(settings);
    REQUIRE_FALSE(opened);
    return opened.error().detail;
}

Errc error_of(const CommonSettings& settings) {
    const auto opened = AccessKeeper::open(settings);
    REQUIRE_FALSE(opened);
    return opened.error().code;
}

} // namespace

TEST_CASE("access keeper: settings that do not belong together are refused", "[unit][host]") {
    Keeping with;
    CHECK(AccessKeeper::open(with.settings));
    CommonSettings both = with.settings;
    both.allow_any_client_key = true;
    CHECK(error_of(both) == Errc::bad_option);
    CommonSettings nobody = with.settings;
    nobody.allow_client_keys.reset();
    CHECK(error_of(nobody) == Errc::insecure);
    CommonSettings keyless = with.settings;
    keyless.curve_key.reset();
    CHECK(error_of(keyless) == Errc::bad_option);
    write(with.folder.file("list"), "# nobody yet\n");
    CHECK(error_of(with.settings) == Errc::insecure);
}

TEST_CASE("access keeper: a refusal names the flag and the key that are wrong", "[unit][host]") {
    Keeping with;
    CommonSettings nobody = with.settings;
    nobody.allow_client_keys.reset();
    CHECK(has(refusal_of(nobody), "--curve-key (curve_key) is set"));
    CHECK(has(refusal_of(nobody), "add --allow-client-keys (allow_client_keys) FILE|DIR"));
    CommonSettings keyless = with.settings;
    keyless.curve_key.reset();
    CHECK(has(refusal_of(keyless), "add --curve-key (curve_key) FILE"));
    CommonSettings open = with.settings;
    open.curve_key = with.folder.file("server"); // the public certificate
    CHECK(has(refusal_of(open), "--curve-key (curve_key): "));
    CHECK(has(refusal_of(open), "take " + with.folder.file("server_secret")));
    CommonSettings lost = with.settings;
    lost.allow_client_keys = with.folder.file("none");
    CHECK(refusal_of(lost).starts_with("--allow-client-keys (allow_client_keys): "));
    CommonSettings ruled = with.settings;
    ruled.access = with.folder.file("access.toml");
    CHECK(refusal_of(ruled).starts_with("--access (access): "));
    write(*ruled.access, "[[rule]]\nwho = 'alice'\n");
    CHECK(refusal_of(ruled).starts_with("--access (access): " + *ruled.access + ":1:"));
    write(with.folder.file("list"), "# nobody yet\n");
    CHECK(has(refusal_of(with.settings),
              "--allow-client-keys (allow_client_keys): " + with.folder.file("list")));
}

TEST_CASE("access keeper: what listeners speak follows from the settings", "[unit][host]") {
    Keeping with;
    CHECK(std::holds_alternative<net::CurveServer>(AccessKeeper::open(with.settings)->security()));
    CHECK(std::holds_alternative<net::Plaintext>(AccessKeeper::open({})->security()));
    CHECK(AccessKeeper::open({})->permissions()->is_open());
    CommonSettings plain;
    plain.access = with.folder.file("access.toml");
    write(*plain.access, "[[plain]]\nname = 'printer'\npassword_file = 'password'\n");
    write(with.folder.file("password"), "secret\n");
    CHECK(error_of(plain) == Errc::unsafe_file);
    REQUIRE(::chmod(with.folder.file("password").c_str(), 0600) == 0);
    const auto keeper = AccessKeeper::open(plain);
    REQUIRE(keeper);
    CHECK(std::holds_alternative<net::PlainServer>(keeper->security()));
    CHECK(keeper->permissions()->user_of("plain:printer") == "printer");
    plain.curve_key = with.settings.curve_key;
    plain.allow_client_keys = with.settings.allow_client_keys;
    CHECK(error_of(plain) == Errc::bad_option);
}

TEST_CASE("access keeper: whoever comes without keys is asked where there is an access file",
          "[unit][host]") {
    using Where = net::Plaintext::Where;
    const auto open = AccessKeeper::open({});
    CHECK_FALSE(net::asks_handshakes(open->security()));
    CHECK(net::gate_of(open->security()) == open->gate());
    // Addresses are no rules of what may be done, and are asked about all the same; also where the
    // other listeners have keys.
    Keeping with;
    CommonSettings addresses = with.settings;
    addresses.access = with.folder.file("access.toml");
    write(*addresses.access, "[[address]]\ndeny = ['10.0.0.0/8']\n");
    auto keeper = AccessKeeper::open(addresses);
    REQUIRE(keeper);
    CHECK_FALSE(keeper->permissions()->has_rules());
    CHECK(net::asks_handshakes(keeper->security()));
    CHECK(net::asks_handshakes(keeper->plaintext(Where::local_only)));
}

TEST_CASE("access keeper: a changed list is taken over, a broken one is not", "[unit][host]") {
    Keeping with;
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    const std::string key = with.alice.public_key.z85();
    CHECK(keeper->permissions()->user_of(key) == "alice");
    CHECK_FALSE(keeper->look(with.now, with.log));
    const auto look = [&] { return with.look(*keeper); };
    write(with.folder.file("list"), "broken\n");
    CHECK_FALSE(keeper->look(with.now, with.log)); // not time yet
    CHECK_FALSE(look());
    CHECK(with.lines("access_reload_failed") == 0); // it may be half of it
    CHECK_FALSE(look());
    CHECK_FALSE(look());
    CHECK_FALSE(look());
    CHECK(with.lines("access_reload_failed") == 1);
    CHECK(keeper->permissions()->user_of(key) == "alice");

    write(with.folder.file("list"), "revoked " + key + "\n");
    CHECK_FALSE(look());
    CHECK(look()); // to let nobody in is an operator's right
    CHECK_FALSE(keeper->permissions()->user_of(key));
    CHECK(with.lines("access_reloaded keys=0") == 1);
}

TEST_CASE("access keeper: a file that is being written is not taken for what it says so far",
          "[unit][host]") {
    Keeping with;
    with.settings.access = with.folder.file("access.toml");
    const std::string rule = "[[rule]]\nwho = 'alice'\nallow = 'put'\non = 'orders'\n";
    write(*with.settings.access, rule);
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    const auto look = [&] { return with.look(*keeper); };
    // As cp does it: without its rules everybody might do everything.
    write(*with.settings.access, "");
    CHECK_FALSE(look());
    CHECK(keeper->permissions()->has_rules());
    write(*with.settings.access, rule + "[[rule]]\nwho = 'bob'\nallow = 'put'\non = 'orders'\n");
    CHECK_FALSE(look());
    with.now += AccessKeeper::look_again;
    CHECK(keeper->look(with.now, with.log));
    CHECK(with.lines("access_reloaded keys=1 rules=2") == 1);
    CHECK(with.lines("access_reload") == 1);

    // One that never rests is taken over all the same, by and by.
    int looks = 0;
    do
        write(*with.settings.access, rule + "# " + std::to_string(++looks) + "\n");
    while (!look());
    CHECK(looks == AccessKeeper::looks_again_max + 1);
    // What was written back as it was has not changed.
    write(*with.settings.access, "");
    CHECK_FALSE(look());
    write(*with.settings.access, rule + "# " + std::to_string(looks) + "\n");
    CHECK_FALSE(look());
    CHECK_FALSE(look());
    CHECK(with.lines("access_reload") == 2);
}

TEST_CASE("access keeper: files that were emptied give nobody more rights, and take none",
          "[unit][host]") {
    Keeping with;
    with.settings.access = with.folder.file("access.toml");
    const std::string rule = "[[rule]]\nwho = 'alice'\nallow = 'put'\non = 'orders'\n";
    const std::string key = with.alice.public_key.z85();
    write(*with.settings.access, rule);
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    const auto look = [&] { return with.look_twice(*keeper); };
    for (const std::string& text : {std::string{}, std::string("# all of it was here\n"),
                                    std::string("[[address]]\nallow = '127.0.0.1'\n")}) {
        write(*with.settings.access, text);
        CHECK_FALSE(look());
        CHECK(keeper->is_stale());
        CHECK(keeper->permissions()->has_rules());
        CHECK_FALSE(keeper->read_again(with.settings));
    }
    CHECK(with.lines("access_reload_failed") == 3);
    CHECK(has(with.logged(), "there is nothing in it"));
    CHECK(has(with.logged(), "has no rules any more"));
    write(*with.settings.access, rule);
    CHECK(look());
    CHECK_FALSE(keeper->is_stale());

    write(with.folder.file("list"), "# all of it was here\n");
    CHECK_FALSE(look());
    CHECK(keeper->permissions()->user_of(key) == "alice");
    CHECK(has(keeper->stale_why(), "lists no key"));
    CHECK_FALSE(keeper->read_again(with.settings));
    write(with.folder.file("list"), "revoked " + key + "\n");
    CHECK(look());
    CHECK(keeper->read_again(with.settings)); // as the watcher does
    CHECK(has(with.logged(), "warning access_reloaded keys=0"));
    CHECK(has(with.logged(), "revoked=alice"));
    CHECK(AccessKeeper::open(with.settings)); // and so does a restart

    write(*with.settings.access, "");
    CHECK(has(refusal_of(with.settings), "there is nothing in it"));
}

TEST_CASE("access keeper: a key is revoked also while the rules are broken", "[unit][host]") {
    Keeping with;
    with.settings.access = with.folder.file("access.toml");
    const std::string rule = "[[rule]]\nwho = 'alice'\nallow = 'put'\non = 'orders'\n";
    const std::string key = with.alice.public_key.z85();
    write(*with.settings.access, rule);
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    const auto look = [&] { return with.look_twice(*keeper); };
    write(*with.settings.access, rule + "typo\n");
    CHECK_FALSE(look());
    CHECK(with.lines("access_reload_failed") == 1);
    CHECK(with.lines("access_reloaded") == 0);
    CHECK_FALSE(look());
    CHECK(with.lines("access_reload_failed") == 1); // said once

    const net::CurveKeyPair bob = *net::generate_key_pair();
    write(with.folder.file("list"), "revoked " + key + "\n" + bob.public_key.z85() + " bob\n");
    CHECK(look());
    CHECK_FALSE(keeper->permissions()->user_of(key));
    CHECK(keeper->permissions()->user_of(bob.public_key.z85()) == "bob");
    CHECK(keeper->permissions()->has_rules()); // those that were right last
    CHECK(with.lines("access_reload_failed") == 2);
    CHECK(with.lines("access_reloaded keys=1 rules=1") == 1);
    CHECK(keeper->is_stale());

    // And the other way about: rules change while the list is broken.
    write(with.folder.file("list"), "nonsense\n");
    write(*with.settings.access, rule + rule);
    CHECK(look());
    CHECK(keeper->permissions()->user_of(bob.public_key.z85()) == "bob");
    CHECK(with.lines("access_reloaded keys=1 rules=2") == 1);
    write(with.folder.file("list"), bob.public_key.z85() + " bob\n");
    CHECK(look());
    CHECK_FALSE(keeper->is_stale());
}

TEST_CASE("access keeper: a reload changes everything or nothing", "[unit][host]") {
    Keeping with;
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    CHECK_FALSE(keeper->read_again(with.settings)->is_different);
    CommonSettings next = with.settings;
    next.access = with.folder.file("access.toml");
    CHECK(keeper->read_again(next).error().code == Errc::not_found);
    write(*next.access, "[[rule]]\nwho = 'alice'\nallow = 'put'\non = 'orders'\n");
    auto fresh = keeper->read_again(next);
    REQUIRE(fresh);
    CHECK_FALSE(keeper->permissions()->has_rules());
    keeper->take_over(std::move(*fresh));
    CHECK(keeper->permissions()->has_rules());
    write(*next.access, "[[plain]]\nname = 'printer'\npassword_file = 'password'\n");
    CHECK_FALSE(keeper->read_again(next));
    CHECK(keeper->permissions()->has_rules());
}

TEST_CASE("access keeper: a first access file needs a restart where plaintext peers are not asked",
          "[unit][host]") {
    Keeping with;
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    CommonSettings next = with.settings;
    next.access = with.folder.file("access.toml");
    write(*next.access, "[[address]]\ndeny = ['10.0.0.0/8']\n");
    CHECK(keeper->read_again(next)); // peers with keys are asked anyway
    // One side of a relay has keys, the other has not.
    CHECK_FALSE(net::asks_handshakes(keeper->plaintext(net::Plaintext::Where::local_only)));
    const auto refused = keeper->read_again(next);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::bad_option);
    CHECK(refused.error().detail.find("restart") != std::string::npos);
    CHECK(keeper->read_again(with.settings));
}

TEST_CASE("access keeper: without a list of keys a changed access file is taken over, too",
          "[unit][host]") {
    Keeping with;
    const std::string rule = "[[rule]]\nwho = '*'\nallow = 'put'\non = 'orders'\n";
    CommonSettings plaintext;
    plaintext.access = with.folder.file("access.toml");
    write(*plaintext.access, "[[rule]]\nwho = '*'\nallow = ['put', 'take']\non = '*'\n");
    CommonSettings plain;
    plain.access = with.folder.file("plain.toml");
    write(with.folder.file("password"), "secret\n");
    REQUIRE(::chmod(with.folder.file("password").c_str(), 0600) == 0);
    const std::string printer = "[[plain]]\nname = 'printer'\npassword_file = 'password'\n";
    const std::string scanner = "[[plain]]\nname = 'scanner'\npassword_file = 'password'\n";
    write(*plain.access, printer + scanner + rule);
    auto without = AccessKeeper::open(plaintext);
    auto named = AccessKeeper::open(plain);
    REQUIRE(without);
    REQUIRE(named);
    CHECK(without->permissions()->allows("", Operation::take, "orders"));
    CHECK(named->permissions()->user_of("plain:printer"));
    write(*plaintext.access, rule);
    write(*plain.access, scanner + rule);
    CHECK(with.look_twice(*without));
    CHECK(with.look_twice(*named));
    INFO(with.logged());
    CHECK(with.lines("access_reload_failed") == 0);
    CHECK(with.lines("nobody can connect") == 0);
    CHECK_FALSE(without->permissions()->allows("", Operation::take, "orders"));
    CHECK(without->permissions()->allows("", Operation::put, "orders"));
    CHECK_FALSE(named->permissions()->user_of("plain:printer"));
    CHECK(named->permissions()->user_of("plain:scanner"));
}

TEST_CASE("access keeper: users with passwords do not come with a changed file", "[unit][host]") {
    Keeping with;
    with.settings.access = with.folder.file("access.toml");
    write(*with.settings.access, "[[rule]]\nwho = 'alice'\nallow = 'put'\non = 'orders'\n");
    write(with.folder.file("password"), "secret\n");
    REQUIRE(::chmod(with.folder.file("password").c_str(), 0600) == 0);
    CommonSettings keyless;
    keyless.access = with.settings.access;
    auto curve = AccessKeeper::open(with.settings);
    auto plaintext = AccessKeeper::open(keyless);
    REQUIRE(curve);
    REQUIRE(plaintext);
    write(*with.settings.access, "[[plain]]\nname = 'printer'\npassword_file = 'password'\n");
    for (int i = 0; i < 2; ++i) { // seen, and seen to be all of it
        CHECK_FALSE(curve->look(with.now, with.log));
        CHECK_FALSE(plaintext->look(with.now, with.log));
        with.now += AccessKeeper::look_again;
    }
    CHECK(with.lines("access_reload_failed why=") == 2);
    CHECK(with.lines("run a daemon of its own for PLAIN") == 1);
    CHECK(with.lines("listeners of another kind: restart") == 1);
    CHECK(curve->permissions()->has_rules());
    CHECK(plaintext->permissions()->has_rules());
}
