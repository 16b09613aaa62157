// SPDX-License-Identifier: Apache-2.0
// What an access keeper logs of those who were not let in.
#include "keeping.hpp"

#include <string>

using namespace flotilla;
using namespace flotilla::host;

TEST_CASE("access keeper: refusals are logged, a flood of them as a number", "[unit][host]") {
    Keeping with;
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    const std::string stranger(32, 's');
    for (int i = 0; i < 3; ++i)
        (void)keeper->gate()->judge({"d", "10.0.0.7", "CURVE", stranger}, {}, with.now);
    CHECK_FALSE(keeper->look(with.now, with.log));
    CHECK(with.lines("handshake_refused reason=unknown_key address=10.0.0.7") == 1);
    CHECK(with.logged().find("count=3") != std::string::npos);
    for (int i = 0; i < 1000; ++i) {
        const std::string address =
            "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250);
        (void)keeper->gate()->judge({"d", address, "CURVE", stranger}, {}, with.now);
    }
    with.now += AccessKeeper::look_every;
    CHECK_FALSE(keeper->look(with.now, with.log));
    CHECK(with.lines("handshake_refused reason=") == 1 + AccessKeeper::lines_max);
    CHECK(with.lines("handshake_refused_left_out count=990") == 1);
    with.now += AccessKeeper::look_every;
    CHECK_FALSE(keeper->look(with.now, with.log));
    CHECK(with.lines("handshake_refused_left_out") == 1);
}

TEST_CASE("access keeper: who may not come to a listener is named, with what it was for",
          "[unit][host]") {
    Keeping with;
    with.settings.access = with.folder.file("access");
    write(*with.settings.access, "[[rule]]\nwho = 'bob'\nallow = 'put'\non = '*'\n");
    with.list_bob();
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    keeper->name_relay("feed");
    const net::Entry entry{Operation::take, "feed"};
    const net::AccessRequest request{"feed.backend", "10.0.0.7", "CURVE", with.bob};
    CHECK(keeper->gate()->judge(request, entry, with.now).status == 400);
    CHECK_FALSE(keeper->look(with.now, with.log));
    INFO(with.logged());
    CHECK(with.lines("handshake_refused reason=not_allowed relay=feed listener=feed.backend "
                     "address=10.0.0.7 who=bob operation=take object=feed why=") == 1);
}

TEST_CASE("access keeper: the admin listener has connections and a gate of its own, and one policy",
          "[unit][host]") {
    Keeping with;
    with.settings.connections_max = 1;
    with.list_bob();
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    const auto gate = net::gate_of(keeper->admin_security());
    REQUIRE(gate);
    CHECK(gate != keeper->gate());
    CHECK(keeper->gates().size() == 2);
    const net::AccessRequest request{"admin", "10.0.0.7", "CURVE", with.bob};
    CHECK(gate->judge(request, {}, with.now).status == 200);
    write(*with.settings.allow_client_keys, with.alice.public_key.z85() + "\n");
    CHECK_FALSE(keeper->look(with.now, with.log));
    with.now += AccessKeeper::look_again;
    CHECK(keeper->look(with.now, with.log));
    CHECK(gate->judge(request, {}, with.now).failure == net::HandshakeFailure::revoked_key);
    with.now += AccessKeeper::look_every;
    CHECK_FALSE(keeper->look(with.now, with.log));
    CHECK(with.lines("handshake_refused reason=revoked_key listener=admin") == 1);
}

TEST_CASE("access keeper: a listed user who may not come from there is named", "[unit][host]") {
    Keeping with;
    with.settings.access = with.folder.file("access");
    write(*with.settings.access, "[[address]]\ndeny = '10.0.0.0/8'\n");
    with.list_bob();
    auto keeper = AccessKeeper::open(with.settings);
    REQUIRE(keeper);
    CHECK(keeper->gate()->judge({"d", "10.0.0.7", "CURVE", with.bob}, {}, with.now).status == 400);
    CHECK_FALSE(keeper->look(with.now, with.log));
    CHECK(with.lines("handshake_refused reason=address address=10.0.0.7 who=bob why=") == 1);
}
