// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/properties.hpp>

#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

std::string refusal(std::string_view name, std::string_view value) {
    QueueProperties properties;
    const Status set = set_property(properties, name, value);
    REQUIRE_FALSE(set);
    CHECK(set.error().code == Errc::bad_option);
    CHECK(properties == QueueProperties{});
    return set.error().detail;
}

QueueProperties unusual() {
    QueueProperties properties;
    properties.durability = Durability::relaxed;
    properties.relaxed_interval = 7ms;
    properties.messages_max = 5;
    properties.bytes_max = 4096;
    properties.message_bytes_max = 1000;
    properties.overflow = Overflow::dead_letter;
    properties.attempts_max = 3;
    properties.retry_delays = {100ms, 1min};
    properties.retry_exponential = true;
    properties.dead_letter_queue = "orders.dead";
    properties.lease = 1500ms;
    properties.ttl = std::chrono::hours{24 * 365};
    properties.priority_levels = 8;
    properties.duplicate_window = 10min;
    properties.duplicate_messages_max = 1000;
    properties.acknowledge = Acknowledge::automatic;
    properties.consumer_rate_max = 250;
    properties.compression = "zstd";
    return properties;
}

} // namespace

TEST_CASE("queue properties: what is written is read again", "[unit][queue]") {
    for (const QueueProperties& properties : {QueueProperties{}, unusual()}) {
        const std::string text = to_option_text(properties);
        const auto again = read_properties(wire::OptionTextReader(text));
        REQUIRE(again);
        CHECK(*again == properties);
        CHECK(property_texts(properties).size() == property_names().size());
    }
    CHECK(to_option_text(unusual()).find("retry_delays_ms=100,60000\n") != std::string::npos);
}

TEST_CASE("queue properties: durations and sizes may have units", "[unit][queue]") {
    QueueProperties properties;
    REQUIRE(set_property(properties, "lease", "1.5s"));
    CHECK(properties.lease == 1500ms);
    REQUIRE(set_property(properties, "lease_ms", "250"));
    CHECK(properties.lease == 250ms);
    REQUIRE(set_property(properties, "bytes_max", "64MiB"));
    CHECK(properties.bytes_max == 64ULL << 20);
    REQUIRE(set_property(properties, "bytes_max", "5000"));
    CHECK(properties.bytes_max == 5000);
    REQUIRE(set_property(properties, "retry_delays_ms", "100,2s"));
    CHECK(properties.retry_delays == std::vector<Duration>{100ms, 2s});
    REQUIRE(set_property(properties, "retry_delays", ""));
    CHECK(properties.retry_delays.empty());
}

TEST_CASE("queue properties: a refusal says what would be right", "[unit][queue]") {
    CHECK(refusal("leese_ms", "5").find("did you mean lease_ms") != std::string::npos);
    CHECK(refusal("", "5").find("durability") != std::string::npos);
    CHECK(refusal("lease_ms", "5").find("10ms") != std::string::npos);
    CHECK(refusal("lease", "5").find("250ms") != std::string::npos);
    CHECK(refusal("lease_ms", "18446744073709551615").find("from") != std::string::npos);
    CHECK(refusal("lease_ms", "1.0001ms").find("whole") != std::string::npos);
    CHECK(refusal("lease_ms", "").find("from") != std::string::npos);
    CHECK(refusal("messages_max", "0").find("1 to 1000000000000") != std::string::npos);
    CHECK(refusal("messages_max", "-1").find("number") != std::string::npos);
    CHECK(refusal("bytes_max", "1").find("1KiB") != std::string::npos);
    CHECK(refusal("overflow", "drop").find("reject, drop-oldest or dead-letter") !=
          std::string::npos);
    CHECK(refusal("order", "fifo").find("plain, key or strict") != std::string::npos);
    CHECK(refusal("acknowledge", "automatic").find("auto") != std::string::npos);
    CHECK(refusal("retry", "fixed").find("exponential") != std::string::npos);
    CHECK(refusal("retry_delays_ms", "1,").find("100,1000") != std::string::npos);
    CHECK(refusal("retry_delays", "1s,2").find("is '2'") != std::string::npos); // 2 of what?
    CHECK(refusal("retry_delays", "1s,").find("100ms,1s") != std::string::npos);
    CHECK(refusal("retry_delays_ms", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17").find("16") !=
          std::string::npos);
    CHECK(refusal("dead_letter_queue", "a b").find("blanks") != std::string::npos);
    CHECK(refusal("compression", "gzip").find("lz4") != std::string::npos);
}

TEST_CASE("queue properties: what does not go together is refused", "[unit][queue]") {
    const auto refused = [](const PropertyTexts& changes) {
        return !changed(QueueProperties{}, changes);
    };
    CHECK(refused({{"retry", "exponential"}}));
    CHECK(refused({{"retry", "exponential"}, {"retry_delays_ms", "100"}}));
    CHECK(refused({{"retry", "exponential"}, {"retry_delays_ms", "200,100"}}));
    CHECK(refused({{"retry", "exponential"}, {"retry_delays_ms", "0,100"}}));
    CHECK_FALSE(refused({{"retry", "exponential"}, {"retry_delays_ms", "100,100"}}));
    CHECK(refused({{"priority_levels", "2"}, {"order", "key"}}));
    CHECK(refused({{"overflow", "dead-letter"}}));
    CHECK(refused({{"duplicate_window_ms", "5"}}));
    CHECK(refused({{"duplicate_messages_max", "5"}}));
    QueueProperties odd;
    odd.lease = 10ms + 1ns;
    CHECK_FALSE(check_properties(odd));
}

TEST_CASE("queue properties: what cannot change while messages are there is refused",
          "[unit][queue]") {
    const QueueProperties from;
    QueueProperties to = from;
    to.durability = Durability::relaxed;
    CHECK(check_change(from, to));
    to.durability = Durability::memory;
    CHECK_FALSE(check_change(from, to));
    CHECK_FALSE(check_change(to, from));
    to = from;
    to.order = Order::strict;
    CHECK_FALSE(check_change(from, to));
    to = from;
    to.priority_levels = 2;
    CHECK_FALSE(check_change(from, to));
    to = from;
    to.attempts_max = 0;
    CHECK_FALSE(check_change(from, to));
}

TEST_CASE("queue properties: a pattern fits by prefix or exactly", "[unit][queue]") {
    CHECK(fits_pattern("orders.*", "orders.eu"));
    CHECK_FALSE(fits_pattern("orders.*", "orders"));
    CHECK(fits_pattern("*", "anything"));
    CHECK(fits_pattern("orders", "orders"));
    CHECK_FALSE(fits_pattern("orders", "orders.eu"));
}
