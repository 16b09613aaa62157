// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/foreign.hpp>
#include <flotilla/wire/leased.hpp>

#include <support/catch.hpp>

#include <string>
#include <variant>

using namespace flotilla;
using namespace flotilla::wire;

namespace {

constexpr std::string_view who = "this is somebody else";
constexpr ByteView options = "code=wrong_peer\ntext=this is somebody else\n";

} // namespace

TEST_CASE("foreign: who speaks FLQ1 is refused in FLQ1, with his correlation", "[unit][wire]") {
    auto told = refuse_queue_speaker({"FLQ1", "ping", "7"}, who);
    REQUIRE(told);
    const auto head = leased::read_head(*told, 0);
    REQUIRE(head);
    CHECK(head->envelope == leased::Envelope{false, "7"});
    const auto event = leased::read_event(*head, *told);
    REQUIRE(event);
    const auto& error = std::get<leased::ErrorReply>(*event);
    CHECK(error.code == leased::ErrorCode::wrong_peer);
    CHECK(error.text == who);

    SECTION("a REQ gets its delimiter back") {
        auto delimited = refuse_queue_speaker({"", "FLQ1", "put", "", "queue=orders", "body"}, who);
        REQUIRE(delimited);
        CHECK((*delimited)[0] == ByteView{});
        CHECK((*delimited)[1] == leased::magic);
    }
    SECTION("what is no question is not answered") {
        CHECK_FALSE(refuse_queue_speaker({"FLQ1", "pong"}, who));
        CHECK_FALSE(refuse_queue_speaker({"FLQ1", "bye"}, who));
        CHECK_FALSE(refuse_queue_speaker({"FLQ1"}, who));
    }
    SECTION("other protocols are left alone") {
        CHECK_FALSE(refuse_queue_speaker({}, who));
        CHECK_FALSE(refuse_queue_speaker({""}, who));
        CHECK_FALSE(refuse_queue_speaker({"FLQ2", "ping"}, who));
        CHECK_FALSE(refuse_queue_speaker({"MDPC02", "\x01", "mmi.flotilla", ""}, who));
    }
}

TEST_CASE("foreign: who asks a broker for mmi.* hears 421 and who is there", "[unit][wire]") {
    CHECK(refuse_majordomo_speaker({"MDPC02", "\x01", "mmi.flotilla", ""}, who) ==
          Frames{"MDPC02", "\x03", "mmi.flotilla", "421", who});
    CHECK(refuse_majordomo_speaker({"", "MDPC02", "\x01", "mmi.service", "echo"}, who) ==
          Frames{"", "MDPC02", "\x03", "mmi.service", "421", who});
    CHECK(refuse_majordomo_speaker({"", "MDPC01", "mmi.flotilla", ""}, who) ==
          Frames{"", "MDPC01", "mmi.flotilla", "421", who});
}

TEST_CASE("foreign: FLR1 is refused with its own error, by id", "[unit][wire]") {
    CHECK(refuse_majordomo_speaker({"FLR1", "request", "id-1", "echo", "", "body"}, who) ==
          Frames{"FLR1", "error", "id-1", "echo", options});
    CHECK(refuse_majordomo_speaker({"", "FLR1", "cancel", "id-1", "echo"}, who) ==
          Frames{"", "FLR1", "error", "id-1", "echo", options});
    CHECK(refuse_majordomo_speaker({"FLR1", "ping", "\x01"}, who) ==
          Frames{"FLR1", "error", "", "", options});
    CHECK(refuse_majordomo_speaker({"FLR1", "ready", "", "echo", "capacity=2"}, who) ==
          Frames{"FLR1", "disconnect", "", "", options});
}

TEST_CASE("foreign: who asks as of an admin endpoint hears 421 and a reason", "[unit][wire]") {
    const std::string reason = R"({"error":"wrong_peer","why":"this is somebody else"})";
    CHECK(refuse_admin_speaker({"7", "", "status", R"({"rows":0})"}, who) ==
          Frames{"7", "", "421", reason});
    CHECK(refuse_admin_speaker({"7", "", "reload"}, who) == Frames{"7", "", "421", reason});
    CHECK(refuse_admin_speaker({"", "status"}, who) == Frames{"", "421", reason});
    for (const auto& message :
         {Frames{}, Frames{"7"}, Frames{"7", ""}, Frames{"", ""}, Frames{"x", "", "status"},
          Frames{"7", "8", "status"}, Frames{"7", "", "Status"}, Frames{"", "hello"},
          Frames{"7", "", "status", "x"}, Frames{"7", "", "status", "{}", ""},
          Frames{"", "status", "{}", "more"}, Frames{"FLQ1", "ping"}, Frames{"", "FLQ1", "ping"},
          Frames{"", "MDPC01", "mmi.x", ""}, Frames{"123456789012345678901", "", "status"}}) {
        CAPTURE(message.size());
        CHECK_FALSE(refuse_admin_speaker(message, who));
    }
}

TEST_CASE("foreign: the name of a daemon is read back, and no other", "[unit][wire]") {
    CHECK(daemon_identity("flotilla-store", 0x1f) == "flotilla-store-000000000000001f");
    CHECK(daemon_of(daemon_identity("flotilla-store", ~std::uint64_t{0})) == "flotilla-store");
    CHECK(daemon_of(daemon_identity("flotilla-work-source", 7)) == "flotilla-work-source");
    for (const std::string_view other :
         {"", "flotilla-", "flotilla-store", "flotilla-store-1f", "flotilla-store-000000000000001F",
          "my-store-000000000000001f", "flotilla-\x1b[2J-000000000000001f",
          "flotilla-000000000000001f"}) {
        CAPTURE(other);
        CHECK(daemon_of(other).empty());
    }
}

TEST_CASE("foreign: what has no word for it, or is no question, is not answered", "[unit][wire]") {
    const std::string long_name(256, 'x');
    for (const auto& message :
         {Frames{}, Frames{""}, Frames{"MDPC02"}, Frames{"MDPC02", "\x01"},
          Frames{"MDPC02", "\x01", "echo", "body"}, Frames{"", "MDPC01", "echo", "body"},
          Frames{"MDPC01", "mmi.flotilla", ""}, Frames{"MDPW02", "\x01", "echo"},
          Frames{"MDPC02", "\x03", "mmi.flotilla", "421"},
          Frames{"MDPC02", "\x01", "mmi." + long_name, ""}, Frames{"FLR1"},
          Frames{"FLR1", "error", "", "", options}, Frames{"FLR1", "disconnect"},
          Frames{"FLR1", "request", long_name, "echo"},
          Frames{"FLR1", "request", "id-1", long_name}, Frames{"FLQ1", "ping"}, Frames{"hello"}}) {
        CAPTURE(message.size());
        CHECK_FALSE(refuse_majordomo_speaker(message, who));
    }
}
