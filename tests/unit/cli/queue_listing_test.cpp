// SPDX-License-Identifier: Apache-2.0
#include <cli/queue/listing.hpp>
#include <support/catch.hpp>

using namespace flotilla::cli;

TEST_CASE("an empty list of queues says when rights may have hidden some", "[unit][cli]") {
    CHECK(queues_table({}, ListedFor::anybody) == "no queues\n");
    CHECK(watch_table({}, ListedFor::anybody) == "no queues\n");
    CHECK(queues_table({}, ListedFor::a_key).find("that this key may see") != std::string::npos);
    CHECK(watch_table({}, ListedFor::a_key).find("that this key may see") != std::string::npos);
    CHECK(queues_table({{{"name", "q"}, {"ready", "3"}}}, ListedFor::a_key) ==
          "QUEUE  READY  DELAYED  LEASED  CONSUMERS\nq          3        -       -          -\n");
}
