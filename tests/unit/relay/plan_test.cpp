// SPDX-License-Identifier: Apache-2.0
#include <flotilla/relay/plan.hpp>

#include <support/catch.hpp>
#include <support/text.hpp>

#include <functional>
#include <string>

using namespace flotilla;
using namespace flotilla::relay;
using test::has;

namespace {

net::Attachment at(std::string_view text) {
    auto parsed = net::parse_attachment(text, net::AttachRule::bind);
    REQUIRE(parsed);
    return *parsed;
}

RelayOptions good(Kind kind = Kind::forwarder) {
    RelayOptions options;
    options.name = "prices";
    options.kind = kind;
    options.frontend.attachments = {at("tcp://127.0.0.1:5555")};
    options.backend.attachments = {at("tcp://127.0.0.1:5556")};
    return options;
}

std::string complaint(const std::function<void(RelayOptions&)>& spoil, Errc code,
                      Kind kind = Kind::forwarder) {
    RelayOptions options = good(kind);
    spoil(options);
    const auto plan = Plan::make(std::move(options));
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == code);
    return plan.error().detail;
}

} // namespace

TEST_CASE("plan: every kind has its pair of sockets", "[unit][relay]") {
    const auto forwarder = Plan::make(good(Kind::forwarder));
    REQUIRE(forwarder);
    CHECK(forwarder->type(Side::frontend) == net::SocketType::xsub);
    CHECK(forwarder->type(Side::backend) == net::SocketType::xpub);
    const auto queue = Plan::make(good(Kind::queue));
    CHECK(queue->type(Side::frontend) == net::SocketType::router);
    CHECK(queue->type(Side::backend) == net::SocketType::dealer);
    const auto streamer = Plan::make(good(Kind::streamer));
    CHECK(streamer->type(Side::frontend) == net::SocketType::pull);
    CHECK(streamer->type(Side::backend) == net::SocketType::push);
    for (const Kind kind : {Kind::forwarder, Kind::queue, Kind::streamer})
        CHECK(kind_named(name(kind)) == kind);
    CHECK_FALSE(kind_named("router"));
}

TEST_CASE("plan: a forwarder's queues hold a large burst, the others push back early",
          "[unit][relay]") {
    CHECK(Plan::make(good())->frontend.receive_messages_max == 131'072);
    CHECK(Plan::make(good())->backend.send_messages_max == 131'072);
    CHECK(Plan::make(good(Kind::streamer))->backend.send_messages_max == 1'000);
    RelayOptions chosen = good();
    chosen.messages_max = 7;
    const auto plan = Plan::make(std::move(chosen));
    CHECK(plan->frontend.receive_messages_max == 7);
    CHECK(plan->backend.send_messages_max == 7);
}

TEST_CASE("plan: policies become socket options that are fixed from the start", "[unit][relay]") {
    RelayOptions options = good();
    CHECK_FALSE(Plan::make(options)->backend.refuse_when_full);
    options.overflow = Overflow{Overflow::Policy::drop};
    CHECK(Plan::make(options)->backend.refuse_when_full);
    options.overflow = Overflow{Overflow::Policy::block, 5ms};
    CHECK(Plan::make(options)->backend.refuse_when_full);
    CHECK(Plan::make(options)->backend.subscriptions == net::SocketOptions::Subscriptions::every);
    options.last_value = LastValueLimits{};
    CHECK(Plan::make(options)->backend.subscriptions == net::SocketOptions::Subscriptions::manual);
    CHECK(Plan::make(options)->backend.frame_bytes_max == Plan::subscription_bytes_max);
}

TEST_CASE("plan: a wrong option is refused with the relay's name and what is wrong",
          "[unit][relay]") {
    CHECK(complaint([](auto& o) { o.frontend.attachments.clear(); }, Errc::bad_option) ==
          "relay 'prices': no frontend endpoint; give at least one");
    CHECK(has(complaint([](auto& o) { o.backend.attachments.resize(65, at("ipc:///x")); },
                        Errc::bad_option),
              "65 backend endpoints; at most 64"));
    CHECK(has(complaint([](auto& o) { o.capture.emplace(); }, Errc::bad_option),
              "no capture endpoint"));
    CHECK(has(complaint([](auto& o) { o.name = "a b"; }, Errc::bad_option), "a name has 1 to 64"));
    CHECK(has(complaint([](auto& o) { o.name.clear(); }, Errc::bad_option), "a name has 1 to 64"));
    CHECK(has(complaint([](auto& o) { o.messages_max = 0; }, Errc::bad_option),
              "hwm is 0; it must be from 1 to 1000000"));
    CHECK(has(complaint([](auto& o) { o.frames_max = 1025; }, Errc::bad_option),
              "frames_max is 1025; it must be from 1 to 1024"));
    CHECK(has(complaint([](auto& o) { o.message_bytes_max = 0; }, Errc::bad_option),
              "message_bytes_max is 0"));
    CHECK(has(complaint([](auto& o) { o.frame_bytes_max = 0; }, Errc::bad_option),
              "frame_bytes_max is 0"));
    CHECK(has(complaint(
                  [](auto& o) {
                      o.last_value = LastValueLimits{0, 1 << 20};
                  },
                  Errc::bad_option),
              "last_value_topics is 0"));
    CHECK(has(complaint(
                  [](auto& o) {
                      o.messages_max = 1'000;
                      o.last_value = LastValueLimits{1'001, 1 << 20};
                  },
                  Errc::bad_option),
              "last_value_topics is 1001, and hwm is 1000"));
    CHECK(has(complaint(
                  [](auto& o) {
                      o.last_value = LastValueLimits{1, 10};
                  },
                  Errc::bad_option),
              "last_value_bytes is 10"));
    CHECK(has(complaint([](auto& o) { o.capture_messages_max = 0; }, Errc::bad_option),
              "capture_hwm is 0"));
    CHECK(has(complaint([](auto& o) { o.reply_backlog_messages_max = 0; }, Errc::bad_option),
              "reply backlog messages is 0"));
    CHECK(has(complaint([](auto& o) { o.reply_backlog_bytes_max = 0; }, Errc::bad_option),
              "reply backlog bytes is 0"));
    CHECK(has(complaint(
                  [](auto& o) {
                      o.overflow = Overflow{Overflow::Policy::block, 2h};
                  },
                  Errc::bad_option),
              "overflow blocks for 2h"));
}

TEST_CASE("plan: what only a forwarder has is refused elsewhere", "[unit][relay]") {
    CHECK(has(complaint([](auto& o) { o.last_value.emplace(); }, Errc::bad_option, Kind::queue),
              "a queue has no topics"));
    CHECK(has(complaint([](auto& o) { o.overflow = Overflow{Overflow::Policy::drop}; },
                        Errc::bad_option, Kind::streamer),
              "a full streamer pushes back by itself"));
}

TEST_CASE("plan: one endpoint bound twice is found before it fails", "[unit][relay]") {
    CHECK(has(complaint([](auto& o) { o.backend = o.frontend; }, Errc::bad_endpoint),
              "'tcp://127.0.0.1:5555' is bound twice, by frontend and backend"));
    CHECK(has(complaint([](auto& o) { o.capture = o.backend; }, Errc::bad_endpoint),
              "by backend and capture"));
    RelayOptions wildcards = good();
    wildcards.frontend.attachments = {at("tcp://127.0.0.1:*"), at("tcp://127.0.0.1:*")};
    CHECK(Plan::make(std::move(wildcards)));
}

TEST_CASE("plan: plaintext beyond this machine has to be allowed by name", "[unit][relay]") {
    CHECK(has(
        complaint([](auto& o) { o.frontend.attachments = {at("tcp://*:5555")}; }, Errc::insecure),
        "frontend 'tcp://*:5555' reaches beyond this machine"));
    RelayOptions allowed = good();
    allowed.frontend.attachments = {at("tcp://*:5555")};
    allowed.frontend.security = net::Plaintext{net::Plaintext::Where::anywhere};
    CHECK(Plan::make(std::move(allowed)));
}

TEST_CASE("plan: one side is a CURVE server or a CURVE client, not both", "[unit][relay]") {
    const auto keys = net::generate_key_pair();
    REQUIRE(keys);
    CHECK(has(complaint(
                  [&](auto& o) {
                      o.frontend.security = net::CurveServer{*keys, net::AnyClientKey{}};
                      o.frontend.attachments.push_back(at(">tcp://10.0.0.1:5555"));
                  },
                  Errc::bad_option),
              "'tcp://10.0.0.1:5555' connects, so it needs the key of the server"));
    CHECK(has(complaint(
                  [&](auto& o) {
                      o.backend.security = net::CurveClient{*keys, keys->public_key};
                  },
                  Errc::bad_option),
              "'tcp://127.0.0.1:5556' binds"));
}

TEST_CASE("overflow: policies are read and written as text", "[unit][relay]") {
    for (const char* text : {"lossy", "drop", "block:100ms", "block:2s"})
        CHECK(format_overflow(*parse_overflow(text)) == text);
    CHECK(format_overflow(*parse_overflow("block")) == "block:100ms");
    for (const char* text : {"", "block:", "block:0", "block:100", "block:2h", "blocks", "Drop"}) {
        INFO(text);
        const auto parsed = parse_overflow(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == Errc::bad_option);
    }
}
