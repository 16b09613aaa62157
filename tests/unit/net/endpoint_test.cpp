// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/endpoint.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::net;

TEST_CASE("endpoint: says how far its bytes travel", "[unit][net]") {
    struct Case {
        const char* text;
        Reach reach;
        bool wildcard;
    };
    for (const Case& each :
         {Case{"inproc://x", Reach::process, false},
          Case{"ipc:///run/x.sock", Reach::machine, false}, Case{"ipc://*", Reach::machine, true},
          Case{"ipc://@abstract", Reach::machine, false},
          Case{"tcp://127.0.0.1:5555", Reach::machine, false},
          Case{"tcp://127.9.9.9:1", Reach::machine, false},
          Case{"tcp://localhost:1", Reach::machine, false},
          Case{"tcp://[::1]:1", Reach::machine, false},
          Case{"tcp://127.0.0.1:*", Reach::machine, true},
          Case{"tcp://127.0.0.1:0", Reach::machine, true},
          Case{"tcp://*:5555", Reach::remote, true},
          Case{"tcp://0.0.0.0:5555", Reach::remote, true},
          Case{"tcp://[::]:5555", Reach::remote, true},
          Case{"tcp://eth0:5555", Reach::remote, false},
          Case{"tcp://127.evil.example:5555", Reach::remote, false},
          Case{"tcp://10.0.0.1:5555", Reach::remote, false},
          Case{"tcp://10.0.0.2:0;127.0.0.1:5555", Reach::machine, false},
          Case{"ws://127.0.0.1:80/path", Reach::machine, false}}) {
        INFO(each.text);
        const auto endpoint = Endpoint::parse(each.text);
        REQUIRE(endpoint);
        CHECK(endpoint->reach() == each.reach);
        CHECK(endpoint->is_wildcard() == each.wildcard);
        CHECK(endpoint->text() == each.text);
    }
    CHECK(Endpoint::parse("tcp://[::1]:77")->port() == 77);
    CHECK(Endpoint::parse("tcp://[::1]:77")->host() == "::1");
}

TEST_CASE("endpoint: a wrong one is refused by name with a right example", "[unit][net]") {
    struct Case {
        std::string text;
        const char* why;
    };
    for (const Case& each :
         {Case{"", "is empty"}, Case{"tcp//x", "has no transport; write for example"},
          Case{"127.0.0.1:5555", "has no transport; did you mean tcp://127.0.0.1:5555?"},
          Case{"/run/x:5", "has no transport; write for example"},
          Case{"udp://1.2.3.4:5", "unknown transport 'udp'"}, Case{"tcp://", "has no address"},
          Case{"tcp://host", "has no port"}, Case{"tcp://host:", "has no port"},
          Case{"tcp://:55", "has no host"}, Case{"tcp://h:99999", "has the port '99999'"},
          Case{"tcp://h:5x", "has the port '5x'"}, Case{"tcp://a b:5", "blank or control"},
          Case{std::string("tcp://a\0b:5", 11), "blank or control"},
          Case{"ipc://" + std::string(200, 'p'), "has a path of 200 bytes"},
          Case{"inproc://" + std::string(2000, 'p'), "the limit is 1024"}}) {
        INFO(each.text);
        const auto endpoint = Endpoint::parse(each.text);
        REQUIRE_FALSE(endpoint);
        CHECK(endpoint.error().code == Errc::bad_endpoint);
        CHECK(endpoint.error().detail.find(each.why) != std::string::npos);
    }
}

TEST_CASE("endpoint: marks win over the rule, wildcards cannot be connected to", "[unit][net]") {
    CHECK(parse_attachment("tcp://a:1", AttachRule::bind)->how == Attach::bind);
    CHECK(parse_attachment(">tcp://a:1", AttachRule::bind)->how == Attach::connect);
    CHECK(parse_attachment("@tcp://a:1", AttachRule::connect)->how == Attach::bind);
    CHECK(parse_attachment("tcp://*:1", AttachRule::bind_if_wildcard)->how == Attach::bind);
    CHECK(parse_attachment("tcp://a:1", AttachRule::bind_if_wildcard)->how == Attach::connect);
    for (const char* text : {">tcp://*:1", ">tcp://h:0"})
        CHECK(parse_attachment(text, AttachRule::bind).error().code == Errc::bad_endpoint);
    CHECK_FALSE(parse_attachment("tcp://*:1", AttachRule::connect));
    CHECK_FALSE(parse_attachment("@", AttachRule::bind));
}

TEST_CASE("endpoint: all addresses of a port and one of them are one place", "[unit][net]") {
    const auto one_place = [](const char* a, const char* b) {
        const auto first = *Endpoint::parse(a);
        const auto second = *Endpoint::parse(b);
        CHECK(is_one_place(first, second) == is_one_place(second, first));
        return is_one_place(first, second);
    };
    CHECK(one_place("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555"));
    CHECK(one_place("tcp://0.0.0.0:5555", "tcp://0.0.0.0:5555"));
    CHECK(one_place("tcp://*:5555", "tcp://127.0.0.1:5555"));
    CHECK(one_place("tcp://0.0.0.0:5555", "tcp://127.0.0.1:5555"));
    CHECK(one_place("tcp://[::]:5555", "tcp://0.0.0.0:5555"));
    CHECK(one_place("ipc:///tmp/a", "ipc:///tmp/a"));
    CHECK_FALSE(one_place("tcp://*:5555", "tcp://*:5556"));
    CHECK_FALSE(one_place("tcp://127.0.0.1:*", "tcp://127.0.0.1:*"));
    CHECK_FALSE(one_place("tcp://127.0.0.1:5555", "tcp://127.0.0.2:5555"));
    CHECK_FALSE(one_place("tcp://0.0.0.0:5555", "tcp://[::1]:5555"));
    CHECK_FALSE(one_place("ipc://*", "ipc://*"));
    CHECK_FALSE(one_place("ipc:///tmp/a", "ipc:///tmp/b"));
}
