// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/bounded_table.hpp>

#include <support/catch.hpp>

using flotilla::BoundedTextTable;

TEST_CASE("bounded table: forgets the least recently touched entry and says which",
          "[unit][base]") {
    BoundedTextTable<int> table(2);
    CHECK_FALSE(table.insert("a", 1));
    CHECK_FALSE(table.insert("b", 2));
    REQUIRE(table.touch(std::string_view{"a"}));
    const auto forgotten = table.insert("c", 3);
    REQUIRE(forgotten);
    CHECK(forgotten->key == "b");
    CHECK(forgotten->value == 2);
    CHECK(table.size() == 2);
    CHECK(table.forgotten_total() == 1);
    CHECK(table.find(std::string_view{"b"}) == nullptr);
    CHECK(*table.find(std::string_view{"a"}) == 1);
}

TEST_CASE("bounded table: find does not count as a touch, erase makes room", "[unit][base]") {
    BoundedTextTable<int> table(2);
    table.insert("a", 1);
    table.insert("b", 2);
    CHECK(table.find(std::string_view{"a"}));
    CHECK(table.erase(std::string_view{"b"}));
    CHECK_FALSE(table.erase(std::string_view{"b"}));
    CHECK_FALSE(table.insert("c", 3));
    CHECK(table.insert("d", 4)->key == "a");
    CHECK(table.begin()->key == "d");
}
