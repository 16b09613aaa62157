// SPDX-License-Identifier: Apache-2.0
#include <flotilla/wire/envelope.hpp>

#include <nlohmann/json.hpp>
#include <store/administration.hpp>
#include <store/orders.hpp>
#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::store_daemon;
using nlohmann::json;

namespace {

admin::Order order(std::string verb, decltype(admin::Order::arguments) arguments) {
    return {std::move(verb), std::move(arguments), "token"};
}

queue::PeekReply::Message message(std::string info, wire::Frames body) {
    queue::PeekReply::Message message;
    message.id = 18446744073709551615ULL;
    message.info = std::move(info);
    message.body = std::move(body);
    return message;
}

} // namespace

TEST_CASE("orders: verbs are commands of the store, and wrong arguments are refused",
          "[unit][store]") {
    const auto redrive = command_of(order("redrive", {{"queue", "dead"}, {"messages", "10"}}));
    REQUIRE(redrive);
    CHECK(std::get<queue::Redrive>(*redrive) == queue::Redrive{"dead", 10});
    const auto one = command_of(order("redrive", {{"queue", "dead"}, {"id", "17"}}));
    REQUIRE(one);
    CHECK(std::get<queue::Kick>(*one) == queue::Kick{"dead", 17});
    const auto page = command_of(order("browse", {{"queue", "q"}, {"delayed", "true"}}));
    REQUIRE(page);
    CHECK(std::get<queue::Peek>(*page).delayed);
    CHECK(std::get<queue::Purge>(*command_of(order("purge", {{"queue", "q"}}))).queue == "q");
    CHECK_FALSE(command_of(order("purge", {})));
    CHECK_FALSE(command_of(order("kick", {{"queue", "q"}})));
    CHECK_FALSE(command_of(order("kick", {{"queue", "q"}, {"id", "0"}})));
    CHECK_FALSE(command_of(order("redrive", {{"queue", "q"}, {"messages", "-1"}})));
    CHECK_FALSE(command_of(order("browse", {{"queue", "q"}, {"rows", "1001"}})));
}

TEST_CASE("orders: a message is shown with its note, headers and parts, and cut where it is long",
          "[unit][store]") {
    wire::Envelope envelope;
    envelope.content_type = "text/plain";
    envelope.headers = {{"tenant", "acme"}};
    wire::Frames body{"hello", ByteView("\xff\0\x01", 3), std::string(70'000, 'x')};
    body.add(ByteView{*wire::encode(envelope)});
    const json shown = json::parse(message_json(
        message("id=1\nkey=k\nput_ms=1700000000000\nattempts=3\norigin=mail\nreason=a=b\n",
                std::move(body))));
    CHECK(shown["id"] == "18446744073709551615");
    CHECK(shown["key"] == "k");
    CHECK(shown["enqueued_ms"] == 1700000000000);
    CHECK(shown["attempts"] == 3);
    CHECK(shown["note"] == json{{"origin", "mail"}, {"reason", "a=b"}});
    CHECK(shown["headers"] == json{{"content-type", "text/plain"}, {"tenant", "acme"}});
    REQUIRE(shown["parts"].size() == 3);
    CHECK(shown["parts"][0]["text"] == "hello");
    CHECK(shown["parts"][1]["base64"] == "/wAB");
    CHECK(shown["parts"][2]["cut"] == true);
    CHECK(shown["parts"][2]["bytes"] == 70'000);
    CHECK(shown["parts"][2]["text"].get<std::string>().size() == part_bytes_max);
}

TEST_CASE("orders: what only looks like an envelope is a part", "[unit][store]") {
    wire::Envelope envelope;
    std::string broken = *wire::encode(envelope);
    broken.resize(broken.size() / 2 + 2);
    const json shown = json::parse(message_json(message("", {"one", ByteView{broken}})));
    CHECK(shown["parts"].size() >= 1);
    CHECK(shown["headers"].is_object());
    CHECK(json::parse(message_json(message("=\n\nx", wire::Frames{})))["parts"].empty());
}

TEST_CASE("administration: a store that is full or short of disk is not ready", "[unit][store]") {
    queue::EngineLevels levels;
    queue::LmdbLevels disk;
    disk.disk_free_bytes = 100;
    CHECK(not_ready(levels, disk, 100).empty());
    CHECK(not_ready(levels, disk, 101).size() == 1);
    levels.is_full = true;
    CHECK(not_ready(levels, disk, 101).size() == 2);
    levels.is_reloading = true;
    CHECK(not_ready(levels, disk, 101).front().starts_with("reloading"));
    disk.is_deleted = true;
    CHECK(not_ready(levels, disk, 100)[1].starts_with("deleted"));
}
